"""From a document to checked values: every fault at once, each with its place.

An `Entry` describes one mapping of a file. Its docstring and those of its fields are what `--explain`, the JSON
Schema and the docs say about it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from gated.rulebook.document import Document
from gated.rulebook.fault import Fault, KeyPath
from gated.rulebook.spelling import describe, suggest

E = TypeVar("E", bound="Entry")

Misuse = tuple[KeyPath, str]
"""Where, seen from the mapping, and what is wrong."""

_AT_KEY = "at_key"
"""The type of an error that blames a key rather than its value."""


class Entry(BaseModel):
    """One mapping of a file. Strict: a key that is not known is a fault."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
        model_title_generator=lambda entry: entry.__name__.removesuffix("Entry"),
    )

    @classmethod
    def key_purposes(cls) -> dict[str, str]:
        """The keys of the mapping, as written in a file, with what each is for; its own before those it shares."""
        nearest_first = [name for each in cls.__mro__ for name in vars(each).get("__annotations__", ())]
        fields = sorted(cls.model_fields.items(), key=lambda item: nearest_first.index(item[0]))
        return {field.alias or name: field.description or "" for name, field in fields}

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:  # noqa: ARG003 - for those who override it
        """What is wrong with the keys taken together, whatever is wrong with each.

        Args:
            given: the mapping as written.
        """
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _find_every_fault(cls, given: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(given, cls):
            return given
        keys = cls.key_purposes()
        if not isinstance(given, dict) or _is_unquoted_text(given, keys):
            raise ValidationError.from_exception_data(cls.__name__, [_error((), _not_a_mapping(given, keys))])
        errors = [_error((key,), _unknown(key, given, keys), _AT_KEY) for key in given if key not in keys]
        errors += [_error(path, message) for path, message in cls.misuses(given)]
        try:
            made = handler({key: value for key, value in given.items() if key in keys})
        except ValidationError as error:
            errors += [_translated(each, keys) for each in error.errors(include_url=False)]
        else:
            if not errors:
                return made
        raise ValidationError.from_exception_data(cls.__name__, errors)


def bind(document: Document, path: KeyPath, entry: type[E]) -> tuple[E | None, list[Fault]]:
    """Read the mapping at a path.

    Args:
        document: the file.
        path: where the mapping is.
        entry: what it must be.

    Returns:
        The entry, or None and every fault.
    """
    try:
        return entry.model_validate(document.at(path)), []
    except ValidationError as error:
        faults = []
        for each in error.errors(include_url=False):
            where = _path_in(document, path, each["loc"])
            if where not in document.gaps:
                at_key = each["type"] == _AT_KEY
                faults.append(document.fault(where, _message(each), at_key=at_key))
        return None, faults


def _is_unquoted_text(given: Mapping[str, object], known: Iterable[str]) -> bool:
    """Whether braces at the beginning of a text were taken for a mapping of one key to nothing."""
    return len(given) == 1 and not any(given.values()) and not given.keys() & set(known)


def _not_a_mapping(given: object, keys: Iterable[str]) -> str:
    if isinstance(given, dict):
        return "braces without quotes are a mapping; put quotes around the text"
    return f"{describe(given)} where a mapping is due; its keys: {', '.join(keys)}"


def _unknown(key: str, given: Mapping[str, object], known: Mapping[str, str]) -> str:
    hint = suggest(key, (each for each in known if each not in given))
    return f"unknown key{hint}; allowed: {', '.join(known)}"


def _error(path: KeyPath, message: str, kind: str = "misuse") -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(kind, "{message}", {"message": message}), loc=path, input=None)


def _translated(error: ErrorDetails, keys: Mapping[str, str]) -> InitErrorDetails:
    """One of pydantic's errors in the words of a file; those of mappings within are translated already."""
    match error:
        case {"type": "missing", "loc": (*within, str(key))}:
            purpose = f": {keys[key].splitlines()[0]}" if keys.get(key) else ""
            return _error(tuple(within), f"{key} is missing{purpose}")
        case {"type": "too_short"}:
            return _error(error["loc"], "at least one is needed")
        case {"type": "dict_type"}:
            return _error(error["loc"], f"{describe(error['input'])} where a mapping is due")
        case {"type": "list_type"}:
            return _error(error["loc"], f"{describe(error['input'])} where a list is due")
        case {"loc": (*within, "[key]")}:
            return _error(tuple(within), _message(error), _AT_KEY)
        case _:
            return _error(error["loc"], _message(error), error["type"])


def _message(error: ErrorDetails) -> str:
    cause: Any = error.get("ctx", {}).get("error")
    return str(cause) if isinstance(cause, ValueError) else error["msg"]


def _path_in(document: Document, path: KeyPath, way: KeyPath) -> KeyPath:
    """The path of an error, without the tags pydantic puts between a value and one reading of it."""
    for part in way:
        if document.at((*path, part)) is not None:
            path = (*path, part)
    return path
