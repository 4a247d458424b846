"""Every key of a file with its type, default and meaning, for people. Told by the JSON Schema, so never out of date."""

import textwrap
from collections.abc import Iterator
from typing import Any

from gated.rulebook.entry import Entry
from gated.rulebook.schema import RuleFile, json_schema

_WIDTH = 100


def explain(entry: type[Entry] = RuleFile) -> str:
    """What may be written in a file.

    Args:
        entry: its top.

    Returns:
        Lines of at most 100 characters; `<name>` stands for a name of the user's choice, `[]` for each item of a list.
    """
    schema = json_schema(entry)
    return "\n".join([*_wrapped(schema["description"]), "", *_keys(schema, "", schema.get("$defs", {}))])


def _keys(mapping: dict[str, Any], prefix: str, shared: dict[str, Any]) -> Iterator[str]:
    """The keys of one mapping, and of those below it."""
    for key, schema in mapping["properties"].items():
        if "const" in schema:
            # The word that tells the kinds of a mapping apart; it stands in the heading already.
            continue
        yield f"{prefix}{key} ({_form(schema, key in mapping.get('required', ()))})"
        yield from _wrapped(_description(schema, shared), "    ")
        for way, below in _below(schema):
            yield from _mapping(below, f"{prefix}{key}{way}.", shared)


def _mapping(schema: dict[str, Any], prefix: str, shared: dict[str, Any]) -> Iterator[str]:
    mapping = shared[schema["$ref"].rpartition("/")[2]]
    kind = mapping["properties"].get("kind", {}).get("const")
    if kind is not None:
        yield ""
        yield from _wrapped(f"{prefix}kind: {kind} - {mapping['description']}")
    yield from _keys(mapping, prefix, shared)


def _description(schema: dict[str, Any], shared: dict[str, Any]) -> str:
    """What a key is for; where that is what its mapping is for, pydantic says it only there."""
    of_mapping = shared[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
    return str(schema.get("description", of_mapping.get("description", "")))


def _below(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings that a value may be or may hold, each with how its path goes on."""
    if "$ref" in schema:
        yield "", schema
    for alternative in schema.get("oneOf", ()):
        yield from _below(alternative)
    for inner in schema.get("patternProperties", {}).values():
        yield from ((f".<name>{way}", below) for way, below in _below(inner))
    if "items" in schema:
        yield from ((f"[]{way}", below) for way, below in _below(schema["items"]))


def _form(schema: dict[str, Any], is_required: bool) -> str:
    if is_required:
        presence = "required"
    elif "default" in schema:
        presence = f"default {schema['default']}"
    else:
        presence = "optional"
    return f"{_word(schema)}; {presence}"


def _word(schema: dict[str, Any]) -> str:
    match schema:
        case {"oneOf": [*alternatives]}:
            return " or ".join(dict.fromkeys(_word(each) for each in alternatives))
        case {"items": dict(items)}:
            return f"a list, each {_word(items)}"
        case {"title": str(word)}:
            return word
        case _:
            return "a mapping"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent=indent, subsequent_indent=indent)
