"""A proposal as a change of rule files. Only the values change: comments, order and spelling of all else stay."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from gated.model.errors import InvalidInput
from gated.operations.calibrate.proposal import CalibrationReport


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one key.

    Args:
        path: the way to the key: `("rules", "error-rate", "above")`.
        value: what is to be written there.
    """

    path: tuple[str, ...]
    value: str


def changes(report: CalibrationReport) -> Iterator[Change]:
    """What a report proposes."""
    for rule in report.rules:
        if rule.proposed is not None:
            yield Change(("rules", rule.rule, rule.proposed.key), rule.proposed.value)
    if report.drift_floor is not None:
        yield Change(("plans", report.plan, report.drift_floor.key), report.drift_floor.value)


def applied(files: Iterable[Path], wanted: Sequence[Change]) -> dict[Path, str]:
    """The new content of every file that changes.

    Args:
        files: the rule files, which are known to be good.
        wanted: the changes.

    Raises:
        InvalidInput: a rule or plan is in none of the files.
    """
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    left = set(wanted)
    changed: dict[Path, str] = {}
    for file, text in texts.items():
        here = [change for change in wanted if _value(yaml.compose(text), change.path[:-1]) is not None]
        left.difference_update(here)
        if here:
            changed[file] = _with(text, here)
    if left:
        raise InvalidInput(*(f"{'.'.join(change.path)} is in none of the files" for change in left))
    return changed


def diff(changed: Mapping[Path, str]) -> str:
    """A unified diff, as `patch -p1` and `git apply` take it."""
    return "".join(
        line
        for file, text in changed.items()
        for line in difflib.unified_diff(
            file.read_text(encoding="utf-8").splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"a/{file}",
            f"b/{file}",
        )
    )


def _with(text: str, here: Sequence[Change]) -> str:
    """A text with some values replaced, and keys that are missing put before the first of their mapping."""
    root = yaml.compose(text)
    edits: list[tuple[int, int, str]] = []
    for change in here:
        scalar = _value(root, change.path)
        if scalar is not None:
            edits.append((scalar.start_mark.index, scalar.end_mark.index, change.value))
            continue
        mapping = _value(root, change.path[:-1])
        if not isinstance(mapping, yaml.MappingNode):
            raise InvalidInput(f"{'.'.join(change.path[:-1])} is no mapping")
        first = mapping.value[0][0].start_mark
        rest = ", " if mapping.flow_style else f"\n{' ' * first.column}"
        edits.append((first.index, first.index, f"{change.path[-1]}: {change.value}{rest}"))
    for begin, end, value in sorted(edits, reverse=True):
        text = text[:begin] + value + text[end:]
    return text


def _value(node: yaml.Node | None, path: Sequence[str]) -> yaml.Node | None:
    """The node at a path; None when there is none."""
    for part in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == part), None)
    return node
