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


@pytest.mark.parametrize(
    ("later", "text"), [(60.0, "00:01:00"), (86400.0, "02 Jan 00:00:00")], ids=["that day", "the next"]
)
def test_a_time_of_another_day_is_told_with_its_day(later: float, text: str) -> None:
    """A release may take a week, and its report is kept for longer."""
    assert f">{text}<" in rendering.clock(later, 0.0)
