"""One release on one page: where it is, what the gate says of it and why, and everything that happened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from gated.judge.present import Shown, show
from gated.model.ids import ReleaseId, SourceName
from gated.model.plan import Policy, Stage
from gated.model.release import Release, RuleResult, StageState
from gated.model.rule import OnBreach, Rule
from gated.model.step import AuditEntry, OutcomeChange
from gated.model.verdict import Outcome
from gated.operations import views
from gated.operations.drawing import Curve, Drawing
from gated.operations.gate import Gate
from gated.server import plots
from gated.server.pages.board import Segment, track
from gated.server.pages.wording import TONES, Standing, shown_now, standing
from gated.server.plots import Mark
from gated.store.records import AuditRecord

EVENTS, EVENTS_IN_REPORT = 300, 10_000
"""The latest that the page tells, again with every look, and those that the report tells, once."""
_ENDINGS = frozenset({"release_aborted", "release_superseded"})
"""What ends a release without a verdict: who did it and why is its sentence."""
_WIDTH, _HALF_WIDTH = 1080, 530
"""Of plots, so that their letters are about as large as all others."""


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage in the track.

    Args:
        segment: its name and how far it is.
        planned: as the plan has it.
        state: as it is.
        word: how it stands, in a word or two.
        tone: its colour while it is running; empty otherwise.
        progress: share of the longest bake that is over; None unless it is running.
    """

    segment: Segment
    planned: Stage
    state: StageState
    word: str
    tone: str
    progress: float | None


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule.

    Args:
        result: what it says.
        rule: as the policy has it.
        values: its chart, markup; empty when there is nothing to draw.
        odds: the chart of its odds, likewise.
        learned: what history says of how unsteady the service is, for a rule that weighs evidence; empty otherwise.
        link: where its query can be seen in its source; empty when nobody said where that is.
    """

    result: RuleResult
    rule: Rule
    values: str
    odds: str
    learned: str
    link: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Args:
        at: when.
        who: who did it; empty for a rule.
        what: a word or two.
        detail: the sentence.
        tone: its colour, as in `wording.Standing`.
    """

    at: float
    who: str
    what: str
    detail: str
    tone: str


@dataclass(frozen=True, slots=True)
class Story:
    """What the page shows.

    Args:
        release: the release.
        standing: how it stands.
        shown: the verdict of the stage it is at.
        planned: that stage, as the plan has it.
        stages: the track.
        band: the chart of the verdicts, markup; empty before the first look.
        rules: every rule, the worst first, then in the policy's order.
        events: what happened, the latest first.
        is_cut: there were more.
    """

    release: Release
    standing: Standing
    shown: Shown
    planned: Stage
    stages: tuple[StageView, ...]
    band: str
    rules: tuple[RuleView, ...]
    events: tuple[Event, ...]
    is_cut: bool


def load(
    gate: Gate, identity: ReleaseId, links: Mapping[SourceName, str], now: float, most_events: int = EVENTS
) -> Story:
    """The story as of now.

    Args:
        gate: where the release is.
        identity: which release.
        links: where people reach the sources.
        now: Unix seconds.
        most_events: how many events it tells at most, the latest.

    Raises:
        NotFound: there is no such release.
        Unavailable: the store does not answer.
    """
    release = gate.store.release(identity)
    policy = gate.policy_of(release)
    shown = shown_now(release, policy, now, gate.validity_seconds)
    drawing = views.drawing_of(gate, release)
    # One more than are told says whether there are more.
    deeds = gate.store.audit(identity, limit=most_events + 1)
    ending = next((record.entry for record in deeds if record.entry.action in _ENDINGS), None)
    stands = standing(release, shown)
    if ending is not None:
        stands = replace(stands, sentence=_without_verdict(ending))
    changes = gate.store.history(identity, limit=most_events + 1)
    events = sorted((*_deeds(deeds), *_changes(changes)), key=lambda event: event.at, reverse=True)
    return Story(
        release=release,
        standing=stands,
        shown=shown,
        planned=policy.stage((release.current_stage or release.stages[0]).name),
        stages=tuple(_stages(gate, release, policy, now)),
        band="" if drawing is None else plots.band(drawing, _marks(release), release.service, _WIDTH),
        rules=tuple(sorted(_rules(release, policy, drawing, links), key=lambda each: _urgency(release, each))),
        events=tuple(events[:most_events]),
        is_cut=len(events) > most_events,
    )


def _without_verdict(ending: AuditEntry) -> str:
    if ending.action == "release_superseded" or ending.detail == f"aborted by {ending.actor}":
        return ending.detail
    return f"aborted by {ending.actor}: {ending.detail}"


def _stages(gate: Gate, release: Release, policy: Policy, now: float) -> Iterator[StageView]:
    for segment, state in zip(track(release), release.stages, strict=True):
        planned = policy.stage(state.name)
        shown = show(release, policy, state.name, now, gate.validity_seconds)
        running_for = now - state.started_at - planned.warmup_seconds if state.started_at is not None else 0.0
        share = min(1.0, max(0.0, running_for / planned.bake_max_seconds)) if planned.bake_max_seconds else 1.0
        is_running = segment.state == "now"
        yield StageView(
            segment,
            planned,
            state,
            _word(segment, shown),
            shown.verdict.value if is_running else "",
            share if is_running else None,
        )


def _word(segment: Segment, shown: Shown) -> str:
    match segment.state:
        case "done":
            return "promoted"
        case "later":
            return "not started"
        case "back":
            return "rolled back"
        case "stopped":
            return "ended"
        case _:
            return shown.verdict.value


def _marks(release: Release) -> list[Mark]:
    marks = [("stage", state.started_at, f"{state.name} began") for state in release.stages]
    if release.rollback is not None:
        marks.append(("breach", release.rollback.triggered_at, "rollback"))
        marks.append(("onset", release.rollback.reported_at, "rolled back"))
    return [Mark(kind, at, what) for kind, at, what in marks if at is not None]


def _rules(
    release: Release, policy: Policy, drawing: Drawing | None, links: Mapping[SourceName, str]
) -> Iterator[RuleView]:
    curves: dict[str, Curve] = {} if drawing is None else {curve.rule: curve for curve in drawing.curves}
    marks = _marks(release)
    for rule, state, result in zip(policy.rules, release.rules, release.results, strict=False):
        curve = curves.get(rule.name)
        values = odds = ""
        if drawing is not None and curve is not None and any(value is not None for value in curve.values):
            width = _HALF_WIDTH if curve.odds and curve.odds_limit is not None else _WIDTH
            values, odds = plots.values(drawing, curve, marks, width), plots.odds(drawing, curve, marks, _HALF_WIDTH)
        learned = state.evidence.calibration.note if state.evidence is not None and state.evidence.calibration else ""
        yield RuleView(result, rule, values, odds, learned, _link(links.get(rule.source, ""), result))


def _urgency(release: Release, each: RuleView) -> tuple[bool, bool, int]:
    """What made it go back first, then the worse before the better; what only warns stands behind, unless it warns."""
    result, back = each.result, release.rollback
    is_calm = result.on_breach is OnBreach.WARN and result.outcome is not Outcome.BREACH
    return back is None or back.rule != result.rule, is_calm, -result.outcome


def _link(source: str, result: RuleResult) -> str:
    """A page of Prometheus that shows the query over the last hour; old and new ones know this address."""
    if not source or not result.query or result.query.startswith(("http://", "https://")):
        return ""
    asked = {"g0.expr": result.query, "g0.tab": "0", "g0.range_input": "1h"}
    return f"{source.rstrip('/')}/graph?{urlencode(asked)}"


def _deeds(records: Sequence[AuditRecord]) -> Iterator[Event]:
    for record in records:
        entry = record.entry
        what = entry.action.replace("_", " ")
        where = f"{entry.stage}: {what}" if entry.stage else what
        yield Event(entry.at, entry.actor, where, entry.detail, _DEEDS.get(entry.action, "ended"))


_DEEDS = {
    "verdict_pending": "pending",
    "verdict_promote": "promote",
    "verdict_hold": "hold",
    "promote_claimed": "promote",
    "rollback_triggered": "rollback",
    "rolled_back_reported": "rollback",
    "release_paused": "hold",
    "stage_blind": "hold",
    "recovered": "promote",
    "not_recovered": "rollback",
}
"""The colours of what was done; the rest is grey."""


def _changes(history: Sequence[OutcomeChange]) -> Iterator[Event]:
    for change in history:
        result = change.result
        yield Event(
            change.at,
            "",
            f"{result.rule}: {result.outcome.text.replace('_', ' ')}",
            result.reason,
            TONES[result.outcome],
        )
