"""Rule files to a rulebook, or to every fault in them."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gated.model.ids import SourceName
from gated.model.plan import Rulebook
from gated.rulebook import crosscheck, digest, lint, strict_yaml
from gated.rulebook.collect import collect
from gated.rulebook.document import Document
from gated.rulebook.fault import Fault
from gated.rulebook.found import Collected

_SUFFIXES = frozenset({".yaml", ".yml"})
_CASES = (".cases.yaml", ".cases.yml")
"""How the names of files end that test rules; they lie beside those, and are none."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the files.

    Args:
        rulebook: their rules and plans; None when there is any error.
        faults: errors and warnings in reading order.
    """

    rulebook: Rulebook | None
    faults: tuple[Fault, ...]

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The faults because of which there is no rulebook."""
        return tuple(fault for fault in self.faults if fault.is_error)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """The faults that only deserve a look."""
        return tuple(fault for fault in self.faults if not fault.is_error)


def load(paths: Sequence[Path], answers: Mapping[SourceName, Collection[str]] | None = None) -> Loaded:
    """Read rule files as one rulebook. Never raises for what is in them or for what is missing.

    Args:
        paths: files, and directories whose `*.yaml` and `*.yml` files are read in order of their names; what lies
            in directories below is not, nor are files of cases.
        answers: the configured sources with the kinds of rules each can answer, to check the rules' `source`;
            None to leave that open.
    """
    return assemble([strict_yaml.read_file(path) for path in _files(paths)], answers)


def assemble(documents: Sequence[Document], answers: Mapping[SourceName, Collection[str]] | None = None) -> Loaded:
    """The rulebook of documents that were read already; otherwise as `load`."""
    found, faults = collect(documents)
    faults += crosscheck.check(found, answers)
    faults += lint.lint(found)
    in_order = tuple(sorted(dict.fromkeys(faults), key=lambda fault: fault.position))
    return Loaded(None if any(fault.is_error for fault in faults) else _rulebook(found), in_order)


def is_cases(file: Path) -> bool:
    """Whether a file holds cases, by its name."""
    return file.name.endswith(_CASES)


def _rulebook(found: Collected) -> Rulebook:
    """The rulebook of rules and plans without faults."""
    rules = {name: rule.meaning for name, rule in found.rules.items() if rule.meaning is not None}
    plans = {name: plan.meaning for name, plan in found.plans.items() if plan.meaning is not None}
    policies = {name: digest.policy(plan, tuple(rules[rule] for rule in plan.rules)) for name, plan in plans.items()}
    return Rulebook(rules, policies)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files to read; each once, however many paths lead to it."""
    seen: set[str] = set()
    # A shell that was told rules/*.yaml names files of cases as well.
    for path in [path for path in paths if not is_cases(path)] or paths:
        for file in _files_in(path) if path.is_dir() else [path]:
            # Not Path.resolve(), which raises where symbolic links go round in circles.
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _files_in(directory: Path) -> list[Path]:
    """A directory's rule files. Without any, the directory itself, which says so when it is read."""
    try:
        files = (file for file in directory.iterdir() if file.suffix in _SUFFIXES and not is_cases(file))
        return sorted(file for file in files if file.is_file()) or [directory]
    except OSError:
        return [directory]
