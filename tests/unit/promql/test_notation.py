"""Series as promtool writes them."""

import math

import pytest

from gated.promql.notation import MAX_VALUES, Gap, Item, read_series, read_values

MISSING, STALE = Gap.MISSING, Gap.STALE

VALUES: dict[str, tuple[str, tuple[Item, ...]]] = {
    "plain numbers": ("1 -2.5 3e2 .5 +4", (1, -2.5, 300, 0.5, 4)),
    "a rising series has n further samples": ("-2+4x3", (-2, 2, 6, 10)),
    "a falling series": ("1-2x4", (1, -1, -3, -5, -7)),
    "a steady series": ("1x4", (1, 1, 1, 1, 1)),
    "no further sample": ("7+3x0", (7,)),
    "fractions": ("0.5+0.25x2 1e3-1e2x1", (0.5, 0.75, 1.0, 1000, 900)),
    "gaps are counted as they are": ("1 _ _x3 2", (1, MISSING, MISSING, MISSING, MISSING, 2)),
    "the end of a series": ("1 _x3 stale", (1, MISSING, MISSING, MISSING, STALE)),
    "several ends": ("stalex1", (STALE, STALE)),
    "zero is not the beginning of hexadecimal": ("0x4", (0, 0, 0, 0, 0)),
    "infinities": ("Inf -inf", (math.inf, -math.inf)),
    "any white space": ("  1\n 2\t3 ", (1, 2, 3)),
}
NO_VALUES = {
    "nothing": ("  ", "no values; write numbers"),
    "a step without a count": ("1+2", "'1+2' is not a value"),
    "a step of a gap": ("_+1x3", "'_+1x3' is not a value"),
    "a step of an end": ("stale+1x3", "'stale+1x3' is not a value"),
    "a count without a number": ("x3", "'x3' is not a value"),
    "a negative count": ("1x-3", "'1x-3' is not a value"),
    "a word": ("1 two", "'two' is not a value"),
    "a native histogram": ("{{schema:1}}", "a native histogram, which gated does not judge"),
    "more samples than a test has": ("0+1x60000 0+1x60000", f"more than {MAX_VALUES:,} samples"),
    "more samples than fit into memory": ("0+1x999999999", f"more than {MAX_VALUES:,} samples"),
}


@pytest.mark.parametrize(("text", "values"), VALUES.values(), ids=VALUES)
def test_samples_are_read_as_promtool_reads_them(text: str, values: tuple[Item, ...]) -> None:
    assert read_values(text) == values


@pytest.mark.parametrize(("text", "complaint"), NO_VALUES.values(), ids=NO_VALUES)
def test_what_is_no_sample_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_values(text)
    assert complaint in str(refused.value)


def test_not_a_number_is_a_sample() -> None:
    (value,) = read_values("NaN")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_series_has_a_name_and_labels() -> None:
    assert read_series('up{job="a", instance = "b:80", zone=""}') == {"__name__": "up", "job": "a", "instance": "b:80"}
    assert read_series("up") == {"__name__": "up"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('up{job=~"a"}', 'labels of one value each, write job="…"'),
        ('up{job!="a"}', "labels of one value each"),
        ('up{job="a",job="b"}', "the label job is given twice"),
        ('{job="a"}', "a metric's name is due"),
        ("up[5m]", "a selector is due here"),
        ("up{", "this is not PromQL"),
    ],
)
def test_what_names_no_single_series_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_series(text)
    assert complaint in str(refused.value)
