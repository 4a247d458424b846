"""Series written down by hand, in the notation of promtool's unit tests.

series: 'http_requests_total{service="cart",version="v2",code="200"}'
values: '0+1500x20 _x3 0+10x5 stale'

1 -2.5 3e4      these samples
a+bxn, a-bxn    a, then n further samples, each b more or less than the one before
axn             a, then n further samples of the same value
_, _xn          a scrape, or n of them, that found nothing
stale           the series ended here: the target is gone, or no longer shows it
"""

import enum
import itertools
import re
from collections.abc import Iterator, Mapping

from promql_parser import MatchOp

from gated.promql import syntax

MAX_VALUES = 100_000
"""More samples than that are no test: seventeen days at a sample every 15 seconds."""

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_ITEM = re.compile(
    rf"(?P<gap>_|stale)(?:x(?P<gaps>\d{{1,9}}))?"
    rf"|(?P<start>[+-]?(?:{_NUMBER}|[iI]nf|[nN]a[nN]))(?:(?P<step>[+-]{_NUMBER})?x(?P<further>\d{{1,9}}))?",
    re.ASCII,
)
_FORMS = "write numbers, a+bxn, a-bxn, axn, _, _xn or stale, with spaces between them"


class Gap(enum.Enum):
    """What stands for a sample where there is none."""

    MISSING = "_"
    """The scrape found nothing."""
    STALE = "stale"
    """The series ended."""


Item = float | Gap
"""What one scrape found; NaN and infinities included."""


def read_values(text: str) -> tuple[Item, ...]:
    """Read the samples of a series, oldest first.

    Raises:
        ValueError: the text is not in promtool's notation; the message says which part, and what is allowed.
    """
    items: list[Item] = []
    for part in text.split():
        items.extend(_expanded(part, MAX_VALUES - len(items)))
    if not items:
        raise ValueError(f"no values; {_FORMS}")
    return tuple(items)


def read_series(text: str) -> Mapping[str, str]:
    """Read the name and labels of a series: a selector that names one series, by equality only.

    Returns:
        Its labels, `__name__` among them; those without a value are left out, as Prometheus does.

    Raises:
        PromQLError: the text is not the name of one series; the message says why.
    """
    node = syntax.selector(text)
    labels = {"__name__": node.name or ""}
    for matcher in node.matchers.matchers:
        if matcher.op != MatchOp.Equal:
            raise syntax.PromQLError(f'a series has labels of one value each, write {matcher.name}="…": {text}')
        if matcher.name in labels:
            raise syntax.PromQLError(f"the label {matcher.name} is given twice: {text}")
        labels[matcher.name] = matcher.value
    return {name: value for name, value in labels.items() if value}


def _expanded(part: str, room: int) -> Iterator[Item]:
    found = _ITEM.fullmatch(part)
    if found is None:
        what = "a native histogram, which gated does not judge" if part.startswith("{{") else "not a value"
        raise ValueError(f"{part!r} is {what}; {_FORMS}")
    # As promtool counts: `1x3` is a sample and three further ones, `_x3` is three scrapes that found nothing.
    times = int(found["gaps"] or found["further"] or 0)
    count = times if found["gap"] == Gap.MISSING.value and found["gaps"] else times + 1
    if count > room:
        raise ValueError(f"{part!r} makes more than {MAX_VALUES:,} samples of one series")
    if found["gap"]:
        return itertools.repeat(Gap(found["gap"]), count)
    start, step = float(found["start"]), float(found["step"] or 0)
    return (start + step * number for number in range(count))
