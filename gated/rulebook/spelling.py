"""How single values are written in a file.

A document holds nothing but text, so the type of a field is what gives its text a meaning. One `Spelling` holds
everything there is to know about a type: the word for it, how it is read, and its JSON Schema. The schema also
accepts numbers and booleans where an editor that guesses types would see them.
"""

import difflib
import enum
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gated.model.units import format_duration, parse_duration, parse_number, parse_share
from gated.promql import syntax

T = TypeVar("T", bound=enum.Enum)

MAX_COUNT = 10**9
"""No count that means anything is larger."""
_SHOWN = 12
_COUNT = re.compile(r"0|[1-9][0-9]{0,9}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION_PATTERN = (
    "^(0|(?=[0-9])" + "".join(f"([0-9]+{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")) + ")$"
)
_PERCENT_PATTERN = r"^[0-9]+(\.[0-9]+)?\s*%$"
_SHARE_PATTERN = r"^[01](\.[0-9]+)?([eE]-[0-9]+)?$"
_FEW_PATTERN = r"^[0-9]+(\.[0-9]+)?([eE]-[0-9]+)?$"
_NUMBER_PATTERN = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_BOUNDS: Mapping[str, tuple[Callable[[float, float], bool], str, str]] = {
    "above": (operator.gt, "more than", "exclusiveMinimum"),
    "at_least": (operator.ge, "at least", "minimum"),
    "below": (operator.lt, "less than", "exclusiveMaximum"),
    "at_most": (operator.le, "at most", "maximum"),
}
"""How a number may be bounded: by what it is compared, in words, and in JSON Schema."""


@dataclass(frozen=True, eq=False)
class Spelling:
    """How values of one type are written.

    Args:
        word: what such a value is called, with an article: `a duration`.
        read: turns text into the value; raises ValueError with a message that says what is allowed.
        schema: the JSON Schema of what may be written.
    """

    word: str
    read: Callable[[str], Any]
    schema: JsonSchemaValue

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"title": self.word, **self.schema}

    def _validated(self, given: object) -> Any:
        if given == "":
            raise ValueError(f"nothing is written here; write {self.word}")
        if isinstance(given, str):
            return self.read(given)
        quotes = "; put quotes around text that starts with {" if isinstance(given, dict) else ""
        raise ValueError(f"{describe(given)} where {self.word} is due{quotes}")


def describe(given: object) -> str:
    """What kind of value stands in a document: `text`, `a list` or `a mapping`."""
    match given:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case "":
            return "nothing"
        case _:
            return "text"


def suggest(given: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, as part of a sentence; empty when none comes near."""
    near = difflib.get_close_matches(given, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def listed(names: Collection[str]) -> str:
    """Names for people, in order; after a dozen only how many more there are."""
    shown = sorted(names)[:_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{', '.join(shown)}{more}" or "none"


def spelled(text: str) -> Any:
    """A default, written as a user would write it; the field's own spelling reads it."""
    return text


def choice(values: Collection[T], word: str) -> Spelling:
    """One of the values of an enum, written by its text form.

    Args:
        values: which ones.
        word: what they are called, with an article.
    """
    by_text = {str(value.value): value for value in values}
    known = ", ".join(by_text)

    def read(text: str) -> T:
        if text not in by_text:
            raise ValueError(f"{text!r} is not {word}{suggest(text, by_text)}; allowed: {known}")
        return by_text[text]

    return Spelling(f"{word}: {known}", read, {"enum": list(by_text)})


def count(minimum: int, maximum: int = MAX_COUNT) -> Spelling:
    """A whole number between two others, both included."""

    def read(text: str) -> int:
        if not _COUNT.fullmatch(text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"{text!r} is not a whole number from {minimum} to {maximum:,}")
        return int(text)

    schema = {
        "anyOf": [
            {"type": "integer", "minimum": minimum, "maximum": maximum},
            {"type": "string", "pattern": "^[0-9]+$"},
        ]
    }
    return Spelling("a whole number", read, schema)


def duration(*, positive: bool = False, minimum_seconds: float = 0.0, maximum_seconds: float = math.inf) -> Spelling:
    """A duration in Prometheus' grammar, read into seconds.

    Args:
        positive: whether 0 is refused.
        minimum_seconds: the shortest that is allowed.
        maximum_seconds: the longest that is allowed.
    """

    def read(text: str) -> float:
        seconds = parse_duration(text)
        if positive and not seconds:
            raise ValueError("must be longer than 0")
        if seconds < minimum_seconds:
            raise ValueError(f"{text} is too short; at least {format_duration(minimum_seconds)}")
        if seconds > maximum_seconds:
            raise ValueError(f"{text} is too long; at most {format_duration(maximum_seconds)}")
        return seconds

    text = {"type": "string", "pattern": _DURATION_PATTERN}
    return Spelling("a duration", read, text if positive or minimum_seconds else {"anyOf": [text, {"const": 0}]})


def share(**bounds: float) -> Spelling:
    """A share, written as a percentage or as a plain number.

    Args:
        bounds: what it is compared with: `above`, `at_least`, `below`, `at_most`; 1 is everything.
    """
    allowed = " and ".join(f"{_BOUNDS[name][1]} {bound:.0%}" for name, bound in bounds.items())

    def read(text: str) -> float:
        value = parse_share(text)
        if not _is_within(value, bounds):
            raise ValueError(f"{text} is out of range; a share here is {allowed}")
        return value

    pattern = _SHARE_PATTERN if max(bounds.values()) <= 1 else _FEW_PATTERN
    texts = [{"type": "string", "pattern": each} for each in (_PERCENT_PATTERN, pattern)]
    return Spelling("a share", read, {"anyOf": [_bounded_number(bounds), *texts]})


def number(**bounds: float) -> Spelling:
    """A decimal number.

    Args:
        bounds: what it is compared with: `above`, `at_least`, `below`, `at_most`.
    """
    allowed = " and ".join(f"{_BOUNDS[name][1]} {bound:g}" for name, bound in bounds.items())

    def read(text: str) -> float:
        value = parse_number(text)
        if not _is_within(value, bounds):
            raise ValueError(f"{text} is out of range; the number here is {allowed}")
        return value

    return Spelling("a number", read, {"anyOf": [_bounded_number(bounds), _text(_NUMBER_PATTERN)]})


def _is_within(value: float, bounds: Mapping[str, float]) -> bool:
    return all(_BOUNDS[name][0](value, bound) for name, bound in bounds.items())


def _bounded_number(bounds: Mapping[str, float]) -> JsonSchemaValue:
    return {"type": "number", **{_BOUNDS[name][2]: bound for name, bound in bounds.items()}}


def _text(pattern: str | None = None) -> JsonSchemaValue:
    return {"type": "string", "minLength": 1} if pattern is None else {"type": "string", "pattern": pattern}


def _read_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name; use up to 63 lower-case letters, digits and hyphens between them")
    return text


def _read_label(text: str) -> str:
    if not _LABEL.fullmatch(text) or text == "__name__":
        raise ValueError(f"{text!r} is not the name of a label; use letters, digits and _, no digit first")
    return text


def _read_quantile(text: str) -> float:
    value = parse_number(text)
    if not 0 < value < 1:
        raise ValueError(f"{text} is not a quantile; it lies between 0 and 1, for example 0.95")
    return value


def _read_seconds_or_number(text: str) -> float:
    try:
        value = parse_number(text)
    except ValueError:
        value = parse_duration(text)
    if not 0 < value < math.inf:
        raise ValueError("must be more than 0")
    return value


def _read_flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _read_url(text: str) -> str:
    fault = url_fault(text)
    if fault:
        raise ValueError(fault)
    return text


def url_fault(url: str) -> str:
    """What is wrong with an http or https address, or an empty text. The fault never quotes the address."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "is not an address; write it as https://host/path"
    if parts.scheme not in {"http", "https"} or not has_host or re.search(r"[\s\x00-\x1f]", url):
        return "is not an address; write it as https://host/path"
    if "@" in parts.netloc:
        return "an address must not carry a user or password"
    if "{" in url or "}" in url:
        return "an address is fixed; it cannot depend on the release"
    return ""


def _checked(check: Callable[[str], object]) -> Callable[[str], str]:
    """Reads text that a check accepts."""

    def read(text: str) -> str:
        check(text)
        return text

    return read


def _canonical_selector(check: Callable[[str], object]) -> Callable[[str], str]:
    """Reads a selector that a check accepts into the form that does not depend on how it was spaced or quoted."""

    def read(text: str) -> str:
        check(text)
        return syntax.selectors(text)[0]

    return read


def _check_value_query(text: str) -> None:
    syntax.check_vector(text)
    for selector in syntax.selectors(text):
        # Each is asked for the age of its newest sample, and needs its name for that.
        syntax.check_selector(selector)


def _check_alert_selector(text: str) -> None:
    syntax.check_selector(text, named=False)


Text = Annotated[str, Spelling("text", str, _text())]
Name = Annotated[str, Spelling("a name", _read_name, _text(f"^{_NAME.pattern}$"))]
LabelName = Annotated[str, Spelling("the name of a label", _read_label, _text(f"^{_LABEL.pattern}$"))]
Flag = Annotated[bool, Spelling("true or false", _read_flag, {"enum": [True, False, "true", "false"]})]
Duration = Annotated[float, duration()]
PositiveDuration = Annotated[float, duration(positive=True)]
LimitShare = Annotated[float, share(above=0, below=1)]
"""Strictly between 0% and 100%: at one end a single event in a million would be harm, at the other nothing would."""
TrafficShare = Annotated[float, share(above=0, at_most=1)]
Tolerance = Annotated[float, share(at_least=0, below=10)]
"""How much worse than something else; so bounded that 50, where 50% is meant, is told."""
Quantile = Annotated[
    float,
    Spelling(
        "a quantile",
        _read_quantile,
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, _text(_NUMBER_PATTERN)]},
    ),
]
SecondsOrNumber = Annotated[
    float,
    Spelling(
        "a duration or a number",
        _read_seconds_or_number,
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _text(_DURATION_PATTERN), _text(_NUMBER_PATTERN)]},
    ),
]
Number = Annotated[float, number()]
Selector = Annotated[str, Spelling("a PromQL selector", _canonical_selector(syntax.check_selector), _text())]
AlertSelector = Annotated[
    str, Spelling("a PromQL selector in braces", _canonical_selector(_check_alert_selector), _text(r"^\s*\{"))
]
HistogramSelector = Annotated[
    str, Spelling("a histogram's PromQL selector", _canonical_selector(syntax.check_histogram), _text())
]
ValueQuery = Annotated[str, Spelling("PromQL", _checked(_check_value_query), _text())]
Url = Annotated[str, Spelling("an address", _read_url, _text("^https?://[^/?#@{}]+([/?#][^{}]*)?$"))]
