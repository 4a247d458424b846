"""How failures are told."""

import pytest

from gated.model.errors import Unavailable
from gated.model.reading import FailureReason, QueryFailed
from gated.sources.errors import SourceError, brief, unforeseen


def test_a_failure_becomes_a_reading() -> None:
    error = SourceError(FailureReason.OVERLOADED, "status 503")
    assert error.reading("up") == QueryFailed(FailureReason.OVERLOADED, "status 503", "up")
    assert isinstance(error, Unavailable)
    assert str(error) == "overloaded: status 503"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("two\nlines\r\n", "two lines"),
        ("\x1b[31mred\x00", "[31mred"),
        ("  much \t space ", "much space"),
        ("größer ≥ 5", "größer ≥ 5"),
        ("x" * 300, "x" * 199 + "…"),
    ],
    ids=["plain", "lines", "control characters", "space", "beyond ASCII", "long"],
)
def test_a_detail_is_one_short_line(text: str, line: str) -> None:
    assert brief(text) == line
    assert SourceError(FailureReason.TIMEOUT, text).detail == line


def test_an_exception_that_nobody_foresaw_tells_its_place_and_nothing_else() -> None:
    with pytest.raises(KeyError) as raised:
        raise KeyError("swordfish")
    error = unforeseen(raised.value)
    assert error.reason is FailureReason.NOT_PROMETHEUS
    assert "KeyError at test_errors.py:" in error.detail
    assert "swordfish" not in error.detail
