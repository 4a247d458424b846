"""Files of cases to cases, or to every fault in them and in the rules they test."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gated.model.ids import PlanName, RuleName
from gated.model.plan import LabelTemplate, Plan, Policy, Rulebook
from gated.model.rule import ProbeRule
from gated.model.units import format_duration
from gated.promql.notation import Item
from gated.rulebook import digest, load, strict_yaml
from gated.rulebook.case import Case, CaseFile, Expectation, Recorded
from gated.rulebook.cases import NO_BASELINE, CaseEntry, CasesHead, CaseStageEntry, ReleaseEntry, SettingEntry
from gated.rulebook.document import Document, Place
from gated.rulebook.entry import bind
from gated.rulebook.fault import Fault, KeyPath
from gated.rulebook.plans import OnBlindEntry
from gated.rulebook.spelling import listed, suggest

_PLAN = PlanName("case")
"""What the plan of a case is called that names none."""
_LABELS = (LabelTemplate("service", "{service}"), LabelTemplate("version", "{version}"))
_INTERVAL_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class LoadedCases:
    """What became of the files.

    Args:
        files: those with cases; without the cases that have faults.
        faults: every error in them and in their rule files, in reading order.
    """

    files: tuple[CaseFile, ...]
    faults: tuple[Fault, ...]


def find(paths: Iterable[Path]) -> list[Path]:
    """The files of cases: those that are named, and those in directories, however deep.

    Args:
        paths: files, and directories; what is hidden in them is left alone.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for file in _below(path) if path.is_dir() else [path]:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def load_cases(files: Sequence[Path]) -> LoadedCases:
    """Read files of cases with the rules they test. Never raises for what is in them or for what is missing."""
    rulebooks: dict[tuple[Path, ...], load.Loaded] = {}
    read: list[CaseFile] = []
    faults: list[Fault] = []
    for path in files:
        document = strict_yaml.read_file(path)
        head, of_file = bind(document, (), CasesHead)
        named = head.rule_files if head is not None else document.items("rule_files")
        tested = tuple(path.parent / name for name in named if isinstance(name, str))
        if tested not in rulebooks:
            rulebooks[tested] = load.load(tested)
            faults += rulebooks[tested].errors
        rulebook = rulebooks[tested].rulebook
        cases, of_cases = _cases(document, rulebook)
        read.append(CaseFile(str(path), cases, tuple(rulebook.rules) if rulebook is not None else ()))
        faults += [*document.faults, *of_file, *of_cases]
    in_order = sorted(dict.fromkeys(faults), key=lambda fault: fault.position)
    return LoadedCases(tuple(read), tuple(in_order))


def _below(directory: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(directory):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, file) for file in sorted(files) if load.is_cases(Path(file)))


def _cases(document: Document, rulebook: Rulebook | None) -> tuple[tuple[Case, ...], list[Fault]]:
    """The cases of a file, each read on its own, so that a fault in one hides nothing in another."""
    cases: list[Case] = []
    names: set[str] = set()
    has_defaults = document.at(("defaults",)) is not None
    defaults, faults = bind(document, ("defaults",), SettingEntry) if has_defaults else (None, [])
    for at in range(len(document.items("cases"))):
        entry, of_case = bind(document, ("cases", at), CaseEntry)
        faults += of_case
        if entry is None or rulebook is None:
            continue
        if entry.name in names:
            faults.append(document.fault(("cases", at, "name"), "a case of this name stands above; names are unique"))
        names.add(entry.name)
        case, of_case = _Reader(document, at, entry, defaults or SettingEntry(), rulebook).read()
        faults += of_case
        if case is not None:
            cases.append(case)
    return tuple(cases), faults


class _Reader:
    """One case: its entry and the defaults taken together, and checked against the rules it tests."""

    def __init__(
        self, document: Document, at: int, entry: CaseEntry, defaults: SettingEntry, rulebook: Rulebook
    ) -> None:
        self._document = document
        self._path: KeyPath = ("cases", at)
        self._entry = entry
        self._defaults = defaults
        self._rulebook = rulebook
        self._faults: list[Fault] = []

    def read(self) -> tuple[Case | None, list[Fault]]:
        policy = self._policy()
        if policy is None:
            return None, self._faults
        entry, defaults = self._entry, self._defaults
        release = entry.release or defaults.release or ReleaseEntry()
        interval = entry.interval or defaults.interval or _INTERVAL_SECONDS
        look = entry.look or defaults.look or interval
        can_alert = entry.alerts_can_fire if entry.alerts_can_fire is not None else defaults.alerts_can_fire
        case = Case(
            name=entry.name,
            place=self._place(()),
            interval_seconds=interval,
            look_seconds=look,
            policy=policy,
            service=release.service,
            environment=release.environment,
            version=release.version,
            baseline="" if release.baseline == NO_BASELINE else release.baseline,
            series=self._series(),
            probes=self._probes(policy),
            can_alert=can_alert is not False,
            expectations=self._expectations(policy, look),
        )
        return (None if self._faults else case), self._faults

    def _policy(self) -> Policy | None:
        """The rules and the plan; None when they are not to be found."""
        name = self._entry.plan or self._defaults.plan
        rules = self._entry.rules or self._defaults.rules
        stage = self._entry.stage or self._defaults.stage
        if name is None and rules is None:
            self._fault((), "which rules are tested? write rules, or a plan")
            return None
        if name is not None and name not in self._rulebook.policies:
            known = self._rulebook.policies
            self._fault(("plan",), f"there is no plan {name!r}{suggest(name, known)}; there is: {listed(known)}")
            return None
        for at, rule in enumerate(rules or ()):
            if rule not in self._rulebook.rules:
                known_rules = self._rulebook.rules
                message = f"there is no rule {rule!r}{suggest(rule, known_rules)}; there is: {listed(known_rules)}"
                self._fault(("rules", at), message)
        if self._faults:
            return None
        if name is not None:
            plan = self._rulebook.policies[PlanName(name)].plan
        else:
            plan = Plan(name=_PLAN, workload=_LABELS, rules=(), stages=())
            stage = stage or CaseStageEntry()
        if rules is not None:
            plan = replace(plan, rules=tuple(RuleName(rule) for rule in rules))
        if stage is not None:
            plan = replace(plan, stages=(stage.to_stage(OnBlindEntry()),))
        return digest.policy(plan, tuple(self._rulebook.rules[rule] for rule in plan.rules))

    def _series(self) -> tuple[Recorded, ...]:
        """The series of the defaults, those that the case writes again left out, and those of the case."""
        found: dict[frozenset[tuple[str, str]], Recorded] = {}
        for entry in self._defaults.series:
            found[frozenset(entry.series.items())] = Recorded(entry.series, entry.values, entry.before)
        seen: set[frozenset[tuple[str, str]]] = set()
        for at, entry in enumerate(self._entry.series):
            key = frozenset(entry.series.items())
            if key in seen:
                self._fault(("series", at, "series"), "this series stands above already; write its values once")
            seen.add(key)
            found[key] = Recorded(entry.series, entry.values, entry.before)
        return tuple(found.values())

    def _probes(self, policy: Policy) -> Mapping[str, tuple[Item, ...]]:
        probes = {**self._defaults.probes, **self._entry.probes}
        for rule in policy.rules:
            if isinstance(rule, ProbeRule) and rule.url not in probes:
                self._fault((), f"{rule.name} probes {rule.url}; say what that answers, probes: {{{rule.url}: 1x40}}")
        return probes

    def _expectations(self, policy: Policy, look: float) -> tuple[Expectation, ...]:
        found = []
        for at, entry in enumerate(self._entry.expect):
            path = ("expect", at)
            if entry.at < look:
                self._fault((*path, "at"), f"before the first look, which is at {format_duration(look)}")
            for key, rule in (("rule", entry.rule), ("by", entry.by)):
                if rule is not None and rule not in policy.plan.rules:
                    hint = suggest(rule, policy.plan.rules)
                    watching = f"no rule {rule!r} watches here{hint}; there is: {listed(policy.plan.rules)}"
                    self._fault((*path, key), watching)
            stages = [stage.name for stage in policy.plan.stages]
            if entry.stage is not None and entry.stage not in stages:
                self._fault((*path, "stage"), f"no stage is called {entry.stage!r}; there is: {', '.join(stages)}")
            found.append(entry.to_model(self._place(path)))
        return tuple(sorted(found, key=lambda expectation: expectation.at_seconds))

    def _place(self, path: KeyPath) -> Place:
        fault = self._document.fault((*self._path, *path), "")
        return Place(fault.line, fault.column)

    def _fault(self, path: KeyPath, message: str) -> None:
        self._faults.append(self._document.fault((*self._path, *path), message))
