"""One release with everything a person needs to decide. Pure: a document and a time in, lines out."""

from collections.abc import Iterator

from gated.cli.text import instant, printable, share
from gated.cli.top import piece, rows
from gated.cli.top.piece import Line, Piece, Tone
from gated.model.verdict import Verdict
from gated.operations.documents import ReleaseHistory, RuleDocument

HISTORY_LINES = 15
"""The end of the story; all of it is in `gated release show`."""
_BAR = 8
_WIDE = 110
"""From this width on, numbers stand in columns that a narrower terminal has no room for."""


def lines(found: ReleaseHistory, now: float, width: int, *, with_queries: bool = False) -> list[Line]:
    """A release as of `now`.

    Args:
        found: the release.
        now: the gate's Unix seconds.
        width: of the terminal, in characters.
        with_queries: whether what was asked is shown below every rule.
    """
    return [
        *_head(found, now),
        (),
        (Piece("STAGES", Tone.STRONG),),
        *_stages(found, now),
        (),
        (Piece("RULES", Tone.STRONG),),
        *_rules(found, now, width, with_queries=with_queries),
        (),
        (Piece("HISTORY", Tone.STRONG),),
        *_history(found, now),
    ]


def _head(found: ReleaseHistory, now: float) -> Iterator[Line]:
    stage = rows.present_stage(found)
    what = f"{found.service} {found.version} in {found.environment}"
    yield Piece(printable(what), Tone.STRONG), Piece("  " + printable(found.release), Tone.QUIET)
    said = rows.verdict(found)
    yield said, Piece(printable(f": {stage.reason}" if stage and stage.reason else ""))
    yield (
        Piece("stages ", Tone.QUIET),
        Piece(rows.track(found)),
        Piece("  "),
        rows.progress(found, now),
        Piece("  last look ", Tone.QUIET),
        rows.look(found, now),
    )
    opened = f"plan {found.plan}, against {found.baseline or 'no baseline'}, opened by {found.opened_by}"
    yield (Piece(printable(f"{opened} {piece.age(found.opened_at, now)} ago"), Tone.QUIET),)
    if found.paused is not None:
        why = f": {found.paused.reason}" if found.paused.reason else ""
        yield (Piece(printable(f"paused by {found.paused.by} {piece.age(found.paused.at, now)} ago{why}"), Tone.WARN),)
    if found.rollback is not None:
        target = f"; back to {found.rollback.target_version}" if found.rollback.target_version else ""
        when = piece.age(found.rollback.triggered_at, now)
        yield (Piece(printable(f"rollback {when} ago: {found.rollback.reason}{target}"), Tone.BAD),)


def _stages(found: ReleaseHistory, now: float) -> Iterator[Line]:
    names = max((len(stage.stage) for stage in found.stages), default=0)
    for sign, stage in zip(rows.track(found), found.stages, strict=True):
        name = printable(stage.stage).ljust(names)
        began = "not started" if stage.started_at is None else f"started {piece.age(stage.started_at, now)} ago"
        claimed = f"claimed by {printable(stage.claimed_by)}" if stage.claimed_by else ""
        # What was claimed stays promoted, though every verdict of a release that goes back is a rollback.
        stands = Verdict.PROMOTE if stage.claimed_by else stage.verdict
        said = piece.verdict(stands) if stage.started_at else Piece("")
        yield (
            Piece(f"{sign} {name}  {share(stage.traffic):>5}  "),
            Piece(f"{said.text:10}  ", said.tone),
            Piece(f"{began}  {claimed}", Tone.QUIET),
        )


def _rules(found: ReleaseHistory, now: float, width: int, *, with_queries: bool) -> Iterator[Line]:
    if not found.rules:
        yield (Piece("nothing was looked at yet", Tone.QUIET),)
        return
    names = max(len(printable(rule.rule)) for rule in found.rules)
    heading = f"{'OUTCOME':9}  {'RULE':{names}}  {'VALUE':>9} {'LIMIT':>9}  {'EVIDENCE':17}"
    if width >= _WIDE:
        heading += f"  {'INTERVAL':20}  {'SAMPLES':>11}  {'AGE':>5}"
    yield (Piece(heading, Tone.QUIET),)
    for rule in sorted(found.rules, key=lambda each: (-piece.badness(each.outcome), each.rule)):
        yield _rule(rule, names, width)
        yield (Piece("    " + "; ".join(_aside(rule, now, width)), Tone.QUIET),)
        if with_queries and rule.query:
            yield (Piece(f"    asked over {printable(rule.window)}: {printable(rule.query)}"),)


def _rule(rule: RuleDocument, names: int, width: int) -> Line:
    said = piece.outcome(rule.outcome)
    weight = piece.evidence(rule.evidence, rule.evidence_limit, _BAR)
    interval, samples, age = _measured(rule)
    value, limit = piece.quantity(rule.value, rule.unit), piece.quantity(rule.limit, rule.unit)
    return (
        Piece(f"{said.text:9}  ", said.tone),
        Piece(f"{printable(rule.rule):{names}}  ", Tone.STRONG),
        Piece(f"{value:>9} {limit:>9}  "),
        Piece(f"{weight.text:17}", weight.tone),
        Piece(f"  {interval:20}  {samples:>11}  {age:>5}" if width >= _WIDE else "", Tone.QUIET),
    )


def _aside(rule: RuleDocument, now: float, width: int) -> Iterator[str]:
    """The sentence of a rule, and what has no room above it."""
    yield printable(rule.reason)
    if rule.pre_existing:
        yield "it was so before the release, too"
    yield f"{piece.words(rule.outcome)} for {piece.age(rule.since, now)}"
    if width < _WIDE:
        interval, samples, age = _measured(rule)
        if rule.interval is not None:
            yield f"interval {interval}"
        if rule.samples is not None:
            yield f"{samples} samples, newest {age} old"


def _measured(rule: RuleDocument) -> tuple[str, str, str]:
    """Interval, samples and the age of the newest, as text."""
    interval = "-" if rule.interval is None else " to ".join(piece.quantity(end, rule.unit) for end in rule.interval)
    age = "-" if rule.sample_age_seconds is None else piece.brief(rule.sample_age_seconds)
    return interval, "-" if rule.samples is None else f"{rule.samples:,.0f}", age


def _history(found: ReleaseHistory, now: float) -> Iterator[Line]:
    said = [
        (change.at, f"{change.rule}: {piece.words(change.outcome)}; {change.reason}", Tone.QUIET)
        for change in found.history
    ]
    done = [
        (entry.at, f"{entry.actor}: {piece.words(entry.action)} {entry.stage} {entry.detail}", Tone.PLAIN)
        for entry in found.audit
    ]
    story = sorted(said + done, key=lambda each: each[0])[-HISTORY_LINES:]
    if not story:
        yield (Piece("nothing has happened yet", Tone.QUIET),)
    for at, text, tone in reversed(story):
        yield Piece(f"{instant(at)[11:]} {piece.age(at, now):>6} ago  ", Tone.QUIET), Piece(printable(text), tone)
