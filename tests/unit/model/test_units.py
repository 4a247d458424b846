"""Quantities: what is read from text, and what people are shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.model.units import (
    Unit,
    format_duration,
    format_quantity,
    parse_duration,
    parse_number,
    parse_share,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", 0.0, id="bare zero"),
        pytest.param("0s", 0.0, id="zero with a unit"),
        pytest.param("500ms", 0.5, id="milliseconds"),
        pytest.param("30s", 30.0, id="seconds"),
        pytest.param("5m", 300.0, id="minutes, not milliseconds"),
        pytest.param("1h30m", 5400.0, id="two units"),
        pytest.param("1d12h", 129600.0, id="days"),
        pytest.param("2w", 1209600.0, id="weeks"),
        pytest.param("1y", 31536000.0, id="years of 365 days"),
        pytest.param("1y2w3d4h5m6s7ms", 31536000 + 1209600 + 259200 + 14400 + 300 + 6 + 0.007, id="all units"),
        pytest.param("90m", 5400.0, id="more than the next unit holds"),
    ],
)
def test_a_duration_is_read_in_the_grammar_of_prometheus(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("5", id="no unit"),
        pytest.param("00", id="zeros without a unit"),
        pytest.param("m", id="no number"),
        pytest.param("5 m", id="space inside"),
        pytest.param(" 5m", id="space before"),
        pytest.param("5m\n", id="line end after"),
        pytest.param("-5m", id="negative"),
        pytest.param("1.5h", id="fraction"),
        pytest.param("30m1h", id="smaller unit first"),
        pytest.param("5m5m", id="unit twice"),
        pytest.param("5M", id="capital"),
        pytest.param("5min", id="word"),
        pytest.param("1e3s", id="exponent"),
        pytest.param("inf", id="infinity"),
        pytest.param("٥m", id="digits Prometheus does not know"),
    ],
)
def test_what_prometheus_would_not_take_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write it as 30s, 5m, 1h30m or 500ms"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["293y", "9" * 400 + "s", "9" * 5000 + "ms"], ids=["293 years", "huge", "absurd"])
def test_a_duration_prometheus_cannot_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than the 292 years Prometheus can count"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=100 * 365 * 86400 * 1000))
def test_a_written_duration_reads_back_to_the_millisecond(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)


@given(st.text(alphabet="0123456789ywdhms. -", max_size=12))
def test_a_text_is_a_finite_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds < math.inf


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, "0s", id="zero"),
        pytest.param(0.0004, "0s", id="less than half a millisecond"),
        pytest.param(0.5, "500ms", id="milliseconds"),
        pytest.param(59.9996, "1m", id="rounded up into the next unit"),
        pytest.param(5400, "1h30m", id="two units"),
        pytest.param(86400 * 400, "400d", id="days are the largest unit written"),
    ],
)
def test_a_duration_is_written_as_short_as_it_goes(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "share"),
    [
        pytest.param("2%", 0.02, id="percent"),
        pytest.param("2 %", 0.02, id="percent with a space"),
        pytest.param("99.5%", 0.995, id="percent with a fraction"),
        pytest.param("0.02", 0.02, id="plain"),
        pytest.param("2e-2", 0.02, id="exponent"),
        pytest.param("1", 1.0, id="everything"),
        pytest.param("150%", 1.5, id="more than everything is the caller's business"),
        pytest.param("0", 0.0, id="nothing"),
    ],
)
def test_a_share_is_a_percentage_or_a_plain_number(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize(
    "text",
    ["", "%", "two", "-1%", "-0.5", "2%%", "2 per cent", "nan", "inf", "1e999", "9" * 400 + "%", "٢%", ".5", "1_0"],
)
def test_a_share_is_finite_and_not_negative(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a share; write it as 2% or 0\.02"):
        parse_share(text)


@pytest.mark.parametrize(("text", "number"), [("14.4", 14.4), ("-3", -3.0), ("+1", 1.0), ("1e3", 1000.0), ("0", 0.0)])
def test_a_number_is_a_plain_decimal(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "one", "nan", "inf", "-inf", "1e999", "0x10", "1,000", " 1", "٣"])
def test_a_number_is_finite(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_number(text)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        pytest.param(0.0031, Unit.RATIO, "0.31 %", id="ratio as percent"),
        pytest.param(0.0, Unit.RATIO, "0 %", id="ratio of nothing"),
        pytest.param(1.0, Unit.RATIO, "100 %", id="ratio of everything"),
        pytest.param(0.99954, Unit.RATIO, "100 %", id="three digits round"),
        pytest.param(0.74, Unit.SECONDS, "740 ms", id="below a second"),
        pytest.param(1.0, Unit.SECONDS, "1 s", id="a second"),
        pytest.param(12.34, Unit.SECONDS, "12.3 s", id="seconds"),
        pytest.param(3.0, Unit.COUNT, "3", id="count"),
        pytest.param(18233.0, Unit.COUNT, "18,233", id="large count"),
        pytest.param(0.0, Unit.NUMBER, "0", id="zero"),
        pytest.param(-0.0, Unit.NUMBER, "0", id="negative zero is zero"),
        pytest.param(-12.5, Unit.NUMBER, "-12.5", id="negative"),
        pytest.param(1234567.0, Unit.NUMBER, "1,234,567", id="everyday size"),
        pytest.param(12345678.0, Unit.NUMBER, "1.23e+07", id="huge"),
        pytest.param(0.0001, Unit.NUMBER, "0.0001", id="small"),
        pytest.param(0.00001, Unit.NUMBER, "1e-05", id="tiny"),
        pytest.param(9.9999, Unit.NUMBER, "10", id="rounds into another digit"),
    ],
)
def test_a_quantity_is_written_for_tired_eyes(value: float, unit: Unit, text: str) -> None:
    assert format_quantity(value, unit) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(Unit))
def test_every_finite_quantity_can_be_written(value: float, unit: Unit) -> None:
    assert format_quantity(value, unit)


@pytest.mark.parametrize("number", ["0.7", "2.3", "99.9", "0.07", "14"])
def test_a_share_is_the_same_number_in_both_spellings(number: str) -> None:
    """Two spellings of one policy must have one digest."""
    percent, plain = parse_share(f"{number}%"), parse_share(f"{number}e-2")
    assert percent == plain
