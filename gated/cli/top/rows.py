"""What the list says of each release, in which order, and of which. Pure: documents and a time in, rows out."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gated.cli.text import printable
from gated.cli.top import piece
from gated.cli.top.piece import NOTHING, Piece, Tone
from gated.model.release import Phase
from gated.model.verdict import Verdict
from gated.operations.documents import ReleaseDocument, StageDocument

_BAR = 6
_WORST_FIRST = (Verdict.ROLLBACK, Verdict.HOLD, Verdict.PENDING, Verdict.PROMOTE)
_ENDED_AS = {Phase.COMPLETED: ("✓", Tone.GOOD), Phase.ROLLED_BACK: ("✗", Tone.BAD)}


class Order(enum.Enum):
    """By what the list is sorted; the text form is the option's value."""

    WORST = "worst"
    """The worst verdict, then the worst rule, then by service."""
    SERVICE = "service"
    """By service and environment."""
    EVIDENCE = "evidence"
    """The most evidence against a version first."""
    NEWEST = "newest"
    """Opened last first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One release in the list.

    Args:
        release: its id, as the API knows it.
        what: its names, safe to print, for a sentence.
        verdict: of its present stage, or how it ended.
        service: its service.
        environment: where.
        version: which.
        stages: a sign per stage: ● done, ◐ running, ○ to come, ✗ went back.
        rule: the worst rule, its value against its limit.
        evidence: the odds against the version, on their way to the limit.
        progress: how far the bake is and what is left of it, or what is waited for.
        look: age of the last look.
        since: for how long the verdict stands.
        reason: the verdict's sentence.
        is_active: whether the gate still watches it.
        is_paused: whether it is paused.
        badness: the worse, the smaller.
        evidence_share: 0 to 1.
        opened_at: Unix seconds.
    """

    release: str
    what: str
    verdict: Piece
    service: Piece
    environment: Piece
    version: Piece
    stages: Piece
    rule: Piece
    evidence: Piece
    progress: Piece
    look: Piece
    since: Piece
    reason: Piece
    is_active: bool
    is_paused: bool
    badness: tuple[int, int]
    evidence_share: float
    opened_at: float


def row(found: ReleaseDocument, now: float) -> Row:
    """One release as of `now`, the gate's Unix seconds."""
    stage = present_stage(found)
    worst = found.worst_rule
    names = (found.service, found.environment, found.version)
    service, environment, version = map(printable, names)
    share = piece.evidence_share(worst.evidence, worst.evidence_limit) if worst else None
    return Row(
        release=found.release,
        what=f"{service} {version} in {environment}",
        verdict=verdict(found),
        service=Piece(service, Tone.STRONG),
        environment=Piece(environment),
        version=Piece(version),
        stages=Piece(track(found)),
        rule=_rule(found, now),
        evidence=piece.evidence(worst.evidence, worst.evidence_limit, _BAR) if worst else NOTHING,
        progress=progress(found, now),
        look=look(found, now),
        since=Piece(piece.age(_since(found, stage), now)),
        reason=Piece(printable(stage.reason) if stage else ""),
        is_active=found.active,
        is_paused=found.paused is not None,
        badness=_badness(found, stage),
        evidence_share=share or 0.0,
        opened_at=found.opened_at.timestamp(),
    )


def arranged(rows: Iterable[Row], order: Order, wanted: str = "") -> list[Row]:
    """The rows that have every wanted word somewhere, sorted; what has ended comes last."""
    kept = [each for each in rows if _matches(each, wanted)]
    return sorted(kept, key=lambda each: (not each.is_active, *_place(each, order)))


def summary(rows: Iterable[Row]) -> str:
    """How many there are of each verdict, in a few words."""
    active = [each for each in rows if each.is_active]
    counts = [
        f"{number} {said.value}"
        for at, said in enumerate(_WORST_FIRST)
        if (number := sum(each.badness[0] == at for each in active))
    ]
    return f"{len(active)} active" + (f": {', '.join(counts)}" if counts else "")


def present_stage(found: ReleaseDocument) -> StageDocument | None:
    """The stage started last, or the first; None when the release has none, which only a broken gate says."""
    started = (stage for stage in found.stages if stage.stage == found.current_stage)
    return next(started, found.stages[0] if found.stages else None)


def verdict(found: ReleaseDocument) -> Piece:
    """The verdict of a release's present stage; of one that has ended, how."""
    if not found.active:
        sign, tone = _ENDED_AS.get(found.phase, ("–", Tone.QUIET))
        return Piece(f"{sign} {piece.words(found.phase.value)}", tone)
    stage = present_stage(found)
    return piece.verdict(stage.verdict) if stage else NOTHING


def track(found: ReleaseDocument) -> str:
    """A sign per stage."""
    return "".join(_sign(found, stage) for stage in found.stages)


def progress(found: ReleaseDocument, now: float) -> Piece:
    """How far the bake is, or what is waited for."""
    if found.paused is not None and found.active:
        return Piece(f"paused by {printable(found.paused.by)}", Tone.WARN)
    match found.phase:
        case Phase.OPEN | Phase.BETWEEN:
            return Piece(f"{printable(found.next_stage or 'nothing')} is next", Tone.QUIET)
        case Phase.BAKING:
            return _bake(found, now)
        case Phase.ROLLING_BACK:
            return Piece(f"go back to {printable(found.baseline)}" if found.baseline else "go back", Tone.BAD)
        case Phase.RECOVERING:
            return Piece("recovering", Tone.WARN)
        case _:
            return Piece(f"ended {piece.age(found.ended_at, now)} ago", Tone.QUIET)


def look(found: ReleaseDocument, now: float) -> Piece:
    """The age of the last look; plainly said when it is too old to be believed."""
    text = piece.age(found.evaluated_at, now)
    return Piece(f"stale {text}", Tone.WARN) if is_stale(found, now) else Piece(text, Tone.QUIET)


def is_stale(found: ReleaseDocument, now: float) -> bool:
    """Whether the gate should have looked since."""
    return found.stale_at is not None and now > found.stale_at.timestamp()


def _bake(found: ReleaseDocument, now: float) -> Piece:
    stage = present_stage(found)
    if stage is None or stage.started_at is None:
        return NOTHING
    elapsed = max(now - stage.started_at.timestamp(), 0.0)
    if stage.eta_seconds is None:
        return Piece(f"{piece.brief(elapsed)} so far")
    whole = elapsed + stage.eta_seconds
    return Piece(f"{piece.bar(elapsed / whole if whole else 1.0, _BAR)} {piece.brief(stage.eta_seconds)} left")


def _sign(found: ReleaseDocument, stage: StageDocument) -> str:
    if stage.started_at is None:
        return "○"
    if stage.stage == found.current_stage and found.rollback is not None:
        return "✗"
    return "●" if stage.claimed_by is not None or stage.ended_at is not None else "◐"


def _rule(found: ReleaseDocument, now: float) -> Piece:
    worst, rollback = found.worst_rule, found.rollback
    if is_stale(found, now):
        # On every terminal, also where the age of the look has no room: what rules said then is no news.
        return Piece(f"no look for {piece.age(found.evaluated_at, now)}", Tone.WARN)
    if rollback is not None and rollback.rule is not None and (worst is None or worst.rule != rollback.rule):
        return Piece(f"{printable(rollback.rule)} (went back)", Tone.BAD)
    if worst is None:
        return NOTHING
    said = piece.outcome(worst.outcome)
    name = printable(worst.rule)
    if worst.value is None:
        return Piece(f"{name} {piece.words(worst.outcome)}", said.tone)
    against = "" if worst.limit is None else f" of {piece.quantity(worst.limit, worst.unit)}"
    tone = Tone.PLAIN if said.tone is Tone.GOOD else said.tone
    return Piece(f"{name} {piece.quantity(worst.value, worst.unit)}{against}", tone)


def _since(found: ReleaseDocument, stage: StageDocument | None) -> datetime | None:
    return found.ended_at or (stage.since if stage else None)


def _badness(found: ReleaseDocument, stage: StageDocument | None) -> tuple[int, int]:
    said = stage.verdict if stage else Verdict.HOLD
    worst = -piece.badness(found.worst_rule.outcome) if found.worst_rule else 0
    return _WORST_FIRST.index(said), worst


def _place(each: Row, order: Order) -> tuple[float | str, ...]:
    names = (each.service.text, each.environment.text, each.release)
    match order:
        case Order.WORST:
            return (*each.badness, *names)
        case Order.SERVICE:
            return names
        case Order.EVIDENCE:
            return (-each.evidence_share, *names)
        case Order.NEWEST:
            return (-each.opened_at, *names)


def _matches(each: Row, wanted: str) -> bool:
    cells = (each.verdict, each.service, each.environment, each.version, each.rule, each.progress, each.look)
    text = " ".join((each.release, *(cell.text for cell in cells))).lower()
    return all(word in text for word in wanted.lower().split())
