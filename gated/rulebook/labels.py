"""How the Prometheus labels of a version are spelled: text with placeholders, or a pattern with them."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from gated.model.errors import InvalidInput
from gated.model.plan import LabelTemplate
from gated.model.selection import MatchOp
from gated.promql import printer, syntax
from gated.rulebook.entry import Entry
from gated.rulebook.spelling import LabelName, Spelling, suggest

PLACEHOLDERS = ("service", "environment", "version")
"""What a label of the new version may follow from."""
BASELINE_PLACEHOLDERS = (*PLACEHOLDERS, "baseline")
"""What a label of the baseline may follow from."""
_BRACES = re.compile(r"(?P<quantifier>\{\d+(?:,\d*)?\})|\{(?P<placeholder>[^{}]*)\}|(?P<stray>[{}])")


def _template(placeholders: tuple[str, ...], *, is_regex: bool) -> Spelling:
    """Text with placeholders, read into what `str.format` fills in: braces that are meant literally are doubled."""

    def write_brace(found: re.Match[str]) -> str:
        if found["placeholder"] in placeholders:
            return found[0]
        if is_regex and found["quantifier"]:
            return f"{{{found[0]}}}"
        hint = suggest(found["placeholder"] or "", placeholders)
        allowed = ", ".join(f"{{{name}}}" for name in placeholders)
        raise ValueError(f"{found[0]} is not a placeholder{hint}; allowed: {allowed}")

    def read(text: str) -> str:
        template = _BRACES.sub(write_brace, text)
        if is_regex:
            example = template.format_map(dict.fromkeys(placeholders, "x"))
            try:
                syntax.check_selector(f"up{{label=~{printer.quoted(example)}}}")
            except InvalidInput as error:
                raise ValueError(f"{text!r} is not a regular expression that Prometheus understands (RE2)") from error
        return template

    word = "a regular expression with placeholders" if is_regex else "text with placeholders"
    return Spelling(word, read, {"type": "string", "minLength": 1})


class RegexEntry(Entry):
    """A label that can only be recognised by a pattern; costs one query per release instead of one for all."""

    regex: Annotated[str, _template(PLACEHOLDERS, is_regex=True)]
    """A regular expression (RE2, matching the whole value); what is filled in stays literal."""


class BaselineRegexEntry(RegexEntry):
    """A label of the baseline that can only be recognised by a pattern."""

    regex: Annotated[str, _template(BASELINE_PLACEHOLDERS, is_regex=True)]
    """A regular expression (RE2, matching the whole value); what is filled in stays literal."""


def _form(given: object) -> str:
    return "<regex>" if isinstance(given, dict) else "<text>"


_Text = Annotated[str, _template(PLACEHOLDERS, is_regex=False), Tag("<text>")]
_BaselineText = Annotated[str, _template(BASELINE_PLACEHOLDERS, is_regex=False), Tag("<text>")]

Labels = Annotated[
    dict[LabelName, Annotated[_Text | Annotated[RegexEntry, Tag("<regex>")], Discriminator(_form)]],
    Field(min_length=1),
]
BaselineLabels = Annotated[
    dict[LabelName, Annotated[_BaselineText | Annotated[BaselineRegexEntry, Tag("<regex>")], Discriminator(_form)]],
    Field(min_length=1),
]


def templates(labels: Mapping[str, str | RegexEntry]) -> tuple[LabelTemplate, ...]:
    """The labels of the model, ordered by name."""
    return tuple(_template_of(name, labels[name]) for name in sorted(labels))


def may_depend_on_version(given: object) -> bool:
    """Whether a label does, or is too faulty for anybody to say that it does not.

    Args:
        given: its value as written.
    """
    text = given.get("regex") if isinstance(given, dict) else given
    if not isinstance(text, str):
        return True
    placeholders = {found["placeholder"] for found in _BRACES.finditer(text)}
    return not placeholders <= {*PLACEHOLDERS, None} or "version" in placeholders


def _template_of(name: str, given: str | RegexEntry) -> LabelTemplate:
    if isinstance(given, RegexEntry):
        return LabelTemplate(name, given.regex, MatchOp.REGEX)
    return LabelTemplate(name, given)
