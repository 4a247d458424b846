"""How cases are spelled in a file: `*.cases.yaml`, beside the rules they test."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from gated.model.ids import RuleName, StageName
from gated.model.units import parse_duration, parse_number, parse_share
from gated.model.verdict import Outcome, Verdict
from gated.promql import notation
from gated.promql.notation import Gap, Item
from gated.rulebook.case import Expectation, Expected
from gated.rulebook.document import Place
from gated.rulebook.entry import Entry, Misuse
from gated.rulebook.plans import BakeEntry, StageEntry
from gated.rulebook.spelling import (
    Duration,
    Flag,
    Name,
    PositiveDuration,
    Spelling,
    Text,
    TrafficShare,
    Url,
    choice,
    spelled,
    suggest,
)

NO_BASELINE = "none"
"""How a release is written that replaces nothing."""
_NEARLY = 0.005
"""How far a plain number may be off, as a share of it: sentences show three digits."""
_COMPARED = re.compile(r"(?P<operator>>=|<=|>|<)?\s*(?P<first>\S+)(?:\s+to\s+(?P<last>\S+))?")
_OUTCOMES = {outcome.text: outcome for outcome in Outcome}


def _read_quantity(text: str) -> float:
    for parse in (parse_number, parse_share, parse_duration):
        try:
            quantity = parse(text)
        except ValueError:
            continue
        if math.isfinite(quantity):
            return quantity
    raise ValueError(f"{text!r} is not a quantity; write 12, 2%, 800ms, > 2%, <= 1.5 or 1% to 3%")


def _read_expected(text: str) -> Expected:
    found = _COMPARED.fullmatch(text)
    if found is None or (found["operator"] and found["last"]):
        raise ValueError(f"{text!r} is not what a number can be; write 12, 2%, 800ms, > 2%, <= 1.5 or 1% to 3%")
    first = _read_quantity(found["first"])
    if found["last"]:
        return Expected(text, first, _read_quantity(found["last"]))
    match found["operator"]:
        case None:
            slack = abs(first) * _NEARLY
            return Expected(text, first - slack, first + slack)
        case ">" | ">=" as operator:
            return Expected(text, first, math.inf, operator == ">")
        case operator:
            return Expected(text, -math.inf, first, operator == "<")


def _read_outcome(text: str) -> Outcome:
    if text not in _OUTCOMES:
        raise ValueError(f"{text!r} is not an outcome{suggest(text, _OUTCOMES)}; allowed: {', '.join(_OUTCOMES)}")
    return _OUTCOMES[text]


def _read_answers(text: str) -> tuple[Item, ...]:
    answers = notation.read_values(text)
    if not {0.0, 1.0, Gap.MISSING}.issuperset(answers):
        raise ValueError(f"{text!r}: a probe is 1 (it succeeded), 0 (it failed) or _ (it could not be made)")
    return answers


_SERIES_TEXT = {"type": "string", "minLength": 1}
_NUMBER_OR_TEXT = {"anyOf": [{"type": "number"}, {"type": "string", "minLength": 1}]}

SeriesName = Annotated[
    Mapping[str, str], Spelling("the name and labels of a series", notation.read_series, _SERIES_TEXT)
]
Values = Annotated[tuple[Item, ...], Spelling("samples in promtool's notation", notation.read_values, _NUMBER_OR_TEXT)]
Answers = Annotated[tuple[Item, ...], Spelling("answers of a probe", _read_answers, _NUMBER_OR_TEXT)]
Number = Annotated[Expected, Spelling("a quantity, or a range of it", _read_expected, _NUMBER_OR_TEXT)]


class SeriesEntry(Entry):
    """One series that Prometheus has."""

    series: SeriesName
    """Its name and labels, as promtool writes them: 'http_requests_total{service="cart",version="v2",code="500"}'."""
    values: Values
    """Its samples, one per interval: numbers, a+bxn, a-bxn, axn, _ and _xn for none, stale for the end."""
    before: Duration = spelled("0s")
    """How long before the first stage starts its first sample lies; for history, and for versions that ran before."""


class ReleaseEntry(Entry):
    """The release that the rules watch; its texts fill in the labels of the plan's workload."""

    service: Text = spelled("checkout")
    """What is rolled out."""
    environment: Text = spelled("production")
    """Where."""
    version: Text = spelled("v2")
    """Which version."""
    baseline: Text = spelled("v1")
    """The version it replaces; none for nothing."""


class CaseStageEntry(StageEntry):
    """The one stage of the release, where no plan says better."""

    name: Name = spelled("canary")
    """What it is called."""
    traffic: TrafficShare = spelled("5%")
    """The share of traffic the new version gets."""
    bake: BakeEntry = Field(default_factory=lambda: BakeEntry.model_validate({"min": "5m", "max": "30m"}))
    """How long it lasts; 5 to 30 minutes unless given. Looks go on for as long as the case has expectations."""


class ExpectationEntry(Entry):
    """What must be so at one moment."""

    at: PositiveDuration
    """When, counted from the start of the first stage. The last look until then is what counts."""
    rule: Text | None = None
    """Of which rule the outcome, value, samples, odds, code and reason_contains are."""
    outcome: Annotated[Outcome, Spelling("an outcome", _read_outcome, {"enum": list(_OUTCOMES)})] | None = None
    """What the rule says: ok, pending, no_data, error or breach."""
    value: Number | None = None
    """The number the rule judged: 2% or 800ms for about that much (within 0.5 %), or > 2%, <= 1.5, 1% to 3%."""
    samples: Number | None = None
    """How many events that number rests on."""
    odds: Number | None = None
    """The odds that a sequential rule has gathered against the new version."""
    code: Text | None = None
    """The constant behind an outcome that is neither ok nor a breach: too_few_samples, absent, …."""
    stage: Text | None = None
    """The stage that has begun last."""
    verdict: Annotated[Verdict, choice(Verdict, "a verdict")] | None = None
    """The verdict of that stage."""
    by: Text | None = None
    """The rule that made the release go back; goes with verdict: rollback."""
    reason_contains: Text | None = None
    """Part of the rule's sentence; without a rule, of the verdict's."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """Something must be expected, and of something."""
        of_rule = ("outcome", "value", "samples", "odds", "code")
        of_release = ("stage", "verdict", "by")
        if "rule" not in given:
            yield from (((key,), f"{key} is a rule's; write rule as well") for key in of_rule if key in given)
        if "by" in given and given.get("verdict") != Verdict.ROLLBACK.value:
            yield ("by",), "only a rollback is made by a rule; write verdict: rollback as well"
        if not {*of_rule, *of_release, "reason_contains"} & given.keys():
            yield (), f"nothing is expected; write one of {', '.join((*of_rule, *of_release, 'reason_contains'))}"

    def to_model(self, place: Place) -> Expectation:
        """The expectation.

        Args:
            place: where it is written.
        """
        return Expectation(
            place=place,
            at_seconds=self.at,
            rule=RuleName(self.rule) if self.rule else None,
            outcome=self.outcome,
            code=self.code or "",
            value=self.value,
            samples=self.samples,
            odds=self.odds,
            stage=StageName(self.stage) if self.stage else None,
            verdict=self.verdict,
            by=RuleName(self.by) if self.by else None,
            reason_contains=self.reason_contains or "",
        )


class SettingEntry(Entry):
    """What a case is made of; what many cases share is written once, under defaults."""

    rules: Annotated[list[Text], Field(min_length=1)] | None = None
    """The rules that watch; all of the plan's unless given."""
    plan: Text | None = None
    """The plan that the release follows: its labels, stages and budget. Each promote is claimed at once and the next
    stage started. Without a plan there is one stage, and the labels are service and version."""
    stage: CaseStageEntry | None = None
    """The one stage of the release, instead of the plan's."""
    release: ReleaseEntry | None = None
    """What is rolled out."""
    interval: PositiveDuration | None = None
    """From sample to sample; 15s unless given."""
    look: PositiveDuration | None = None
    """From look to look of the gate; the interval unless given."""
    series: list[SeriesEntry] = Field(default_factory=list)
    """What Prometheus knows. One of the defaults that a case writes again is the case's."""
    probes: dict[Url, Answers] = Field(default_factory=dict)
    """What each address answers, per interval: 1 for success, 0 for failure, _ for a probe that could not be made.
    The last answer stays."""
    alerts_can_fire: Flag | None = None
    """Whether alerting rules are loaded that could raise the alerts; true unless given. Otherwise silence proves
    nothing."""


class CaseEntry(SettingEntry):
    """One test: a world, the rules that watch it, and what they must say."""

    name: Text
    """What it shows, in a few words; unique in its file."""
    expect: Annotated[list[ExpectationEntry], Field(min_length=1)]
    """What must be so, and when."""


class CasesFile(Entry):
    """A file of cases: what rules must say of a world that is written down."""

    rule_files: Annotated[list[Text], Field(min_length=1)] = Field(default_factory=lambda: ["."])
    """The rule files under test, seen from this file; directories are read as the daemon reads them. Those beside
    this file unless given."""
    defaults: SettingEntry = Field(default_factory=SettingEntry)
    """What all cases share, unless they say otherwise."""
    cases: Annotated[list[CaseEntry], Field(min_length=1)]
    """The tests."""


class CasesHead(CasesFile):
    """The top of a file, whatever its defaults and cases are: each of those is read by itself."""

    defaults: Any = None
    """As above."""
    cases: Annotated[list[Any], Field(min_length=1)]
    """As above."""
