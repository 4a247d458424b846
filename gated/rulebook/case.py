"""Cases as they were read: what the world is like, which rules watch it, and what they must say of it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gated.model.ids import RuleName, StageName
from gated.model.plan import Policy
from gated.model.verdict import Outcome, Verdict
from gated.promql.notation import Item
from gated.rulebook.document import Place

EPOCH = 1_700_006_400.0
"""When the first stage of every case starts, Unix seconds: a midnight, so that blocks of time begin with the case."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a number must be.

    Args:
        text: as it was written.
        low: the least that is accepted.
        high: the greatest that is accepted.
        is_open: whether the bounds themselves are refused.
    """

    text: str
    low: float
    high: float = math.inf
    is_open: bool = False

    def accepts(self, number: float) -> bool:
        """Whether a number is what was expected."""
        return self.low < number < self.high if self.is_open else self.low <= number <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be so at one moment; None and empty texts for what may be anything.

    Args:
        place: where it is written.
        at_seconds: when, since the first stage started.
        rule: of which rule; None for the release alone.
        outcome: what the rule says.
        code: the constant behind it.
        value: the number the rule judged, in its unit.
        samples: events the number rests on.
        odds: the odds a sequential rule has gathered.
        stage: the stage that started last.
        verdict: that stage's.
        by: the rule that triggered the rollback.
        reason_contains: part of the sentence of the rule; without a rule, of the verdict.
    """

    place: Place
    at_seconds: float
    rule: RuleName | None
    outcome: Outcome | None
    code: str
    value: Expected | None
    samples: Expected | None
    odds: Expected | None
    stage: StageName | None
    verdict: Verdict | None
    by: RuleName | None
    reason_contains: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A series of the case.

    Args:
        labels: `__name__` among them.
        values: what each scrape found, oldest first.
        before_seconds: how long before the start of the first stage the first scrape was.
    """

    labels: Mapping[str, str]
    values: tuple[Item, ...]
    before_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test of rules.

    Args:
        name: what it shows; unique in its file.
        place: where it is written.
        interval_seconds: from scrape to scrape.
        look_seconds: from look to look of the gate.
        policy: the rules, and the plan that the release follows.
        service: what is rolled out.
        environment: where.
        version: which.
        baseline: what it replaces; empty for nothing.
        series: what Prometheus knows.
        probes: what each address answers, scrape by scrape: 1, 0, or nothing.
        can_alert: whether alerting rules are loaded, so that the silence of alerts means something.
        expectations: what must be so, ordered by time.
    """

    name: str
    place: Place
    interval_seconds: float
    look_seconds: float
    policy: Policy
    service: str
    environment: str
    version: str
    baseline: str
    series: tuple[Recorded, ...]
    probes: Mapping[str, tuple[Item, ...]]
    can_alert: bool
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one file.

    Args:
        file: as the user named it.
        cases: in order.
        rules: every rule of the files under test, tested or not.
    """

    file: str
    cases: tuple[Case, ...]
    rules: tuple[RuleName, ...]


def untested(files: Iterable[CaseFile]) -> list[RuleName]:
    """The rules under test of which no case expects anything."""
    files = tuple(files)
    expected = {
        rule
        for file in files
        for case in file.cases
        for expectation in case.expectations
        for rule in (expectation.rule, expectation.by)
    }
    return [rule for rule in dict.fromkeys(rule for file in files for rule in file.rules) if rule not in expected]
