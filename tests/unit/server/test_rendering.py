"""How pages write numbers."""

import pytest

from gated.server.pages import rendering


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.04, "0s"), (0.5, "500ms"), (59.6, "1m"), (700.0, "12m"), (200000.0, "2d8h"), (-5.0, "0s")],
)
def test_a_duration_is_written_as_people_say_it(seconds: float, text: str) -> None:
    """A clock that was set back makes a negative one."""
    assert rendering.duration(seconds) == text
