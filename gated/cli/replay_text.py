"""A replay as people read it on a terminal. Pure: a report in, text out."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gated.cli.text import duration, instant, printable, table
from gated.model.units import Unit, format_quantity
from gated.operations.documents import AuditDocument
from gated.operations.replay.report import ReplayReport
from gated.operations.replay.results import Ending, Replayed, ReplayedRule
from gated.operations.replay.totals import Rate, Totals

_LISTED = 20
"""Made-up rollouts that went back are listed up to so many; all of them are in the JSON and on the page."""
_VERDICT = "verdict_"


def text(report: ReplayReport) -> str:
    """Everything worth saying."""
    return "\n\n".join(_sections(report))


def _sections(report: ReplayReport) -> Iterator[str]:
    real = [each for each in report.releases if not each.made_up]
    yield from map(_story, real)
    gone_back = [each for each in report.releases if each.made_up and each.rollback is not None]
    if gone_back:
        more = len(gone_back) - _LISTED
        rest = [f"… and {more} more that went back; they are in the JSON and on the page"] if more > 0 else []
        yield "\n".join((*map(_line, gone_back[:_LISTED]), *rest))
    if len(real) > 1:
        yield f"{sum(each.rollback is not None for each in real)} of {len(real)} rollouts would have gone back"
    if len(real) < len(report.releases):
        yield "\n".join((sentence(report.totals), *_whole(report.releases)))
        yield _rules(report.totals)
    left_out = [f"{each.rule} was not replayed: {each.reason}" for plan in report.plans for each in plan.left_out]
    if left_out:
        yield "\n".join(dict.fromkeys(map(printable, left_out)))


def sentence(totals: Totals) -> str:
    """The sum of it in one line."""
    back = totals.rolled_back
    parts = [f"{back.count:,} of {back.of:,} rollouts would have gone back: {interval(back)}"]
    if totals.blind:
        parts.append(f"{totals.blind:,} of them because the gate was blind")
    if totals.before_onset:
        parts.append(f"{totals.before_onset:,} of them before the onset")
    if totals.unfinished:
        parts.append(f"{totals.unfinished:,} would have been neither promoted nor rolled back")
    return "; ".join(parts)


def interval(rate: Rate) -> str:
    """A share with its confidence interval."""
    low, share, high = (format_quantity(each, Unit.RATIO) for each in (rate.low, rate.share, rate.high))
    return f"{share}, 95 % interval {low} to {high}"


def title(replayed: Replayed) -> str:
    """A rollout and its end in one line."""
    split = f" (instance {replayed.instance} against the others)" if replayed.instance else ""
    what = f"{replayed.service} {replayed.version} in {replayed.environment} along {replayed.plan}{split}"
    return printable(f"{what}: {ending(replayed)}")


def ending(replayed: Replayed) -> str:
    """How a rollout ended, in a few words."""
    back = replayed.rollback
    match replayed.ending:
        case Ending.COMPLETED:
            return f"promoted through {len(replayed.stages)} stage{'s' if len(replayed.stages) > 1 else ''}"
        case Ending.ROLLED_BACK if back is not None:
            if back.rule is None and replayed.onset_at is None:
                return f"rolled back at {back.stage} because the gate was blind"
            why = f"by {back.rule}" if back.rule else "because the gate was blind"
            return f"rolled back at {back.stage} {why}, {after(replayed, back.seconds_to_trigger)}"
        case _:
            last = [stage.stage for stage in replayed.stages if stage.started_at is not None]
            return f"neither promoted nor rolled back{f', still at {last[-1]}' if last else ''}"


def after(replayed: Replayed, seconds: float) -> str:
    """How long something took, and from when."""
    since = "the first harm seen" if replayed.onset_at is None else "the onset"
    if seconds < 0:
        return f"{duration(-seconds)} BEFORE {since}"
    return f"{duration(seconds)} after {since}"


def _line(replayed: Replayed) -> str:
    why = f": {printable(replayed.rollback.reason)}" if replayed.rollback is not None else ""
    return f"{instant(replayed.opened_at)}  {title(replayed)}{why}"


def _story(replayed: Replayed) -> str:
    lines = [title(replayed)]
    events = [(each.at, f"{printable(each.stage)}: {said(each)}") for each in replayed.audit if said(each)]
    if replayed.onset_at is not None:
        events.append((replayed.onset_at, "onset of the known fault"))
    lines += [f"  {instant(at)}  {what}" for at, what in sorted(events, key=lambda event: event[0])]
    lines += [
        f"  {stage.stage} really began {duration(_gap(stage.really_started_at, stage.started_at))} earlier"
        for stage in replayed.stages
        if _gap(stage.really_started_at, stage.started_at) > 0
    ]
    rows = list(map(_row, replayed.rules))
    return "\n".join((*lines, _indented(table(("RULE", "FIRST BREACH", "AFTER", "LOOKS", "REASON"), rows))))


def said(entry: AuditDocument) -> str:
    """A line of the story; empty for what goes without saying."""
    match entry.action:
        case "stage_started":
            return "started"
        case "promote_claimed":
            return "promoted"
        case "rollback_triggered":
            return f"ROLLBACK: {printable(entry.detail)}"
        case action if action.startswith(_VERDICT):
            return f"{action.removeprefix(_VERDICT)}: {printable(entry.detail)}"
        case _:
            return ""


def _gap(begin: datetime | None, end: datetime | None) -> float:
    return (end - begin).total_seconds() if begin is not None and end is not None else 0.0


def _row(rule: ReplayedRule) -> tuple[str, ...]:
    looks = f"{rule.looks:,}" + (f" ({rule.blind_looks:,} blind)" if rule.blind_looks else "")
    seconds = rule.seconds_to_breach
    waited = "" if seconds is None else duration(seconds) if seconds >= 0 else f"-{duration(-seconds)}"
    return rule.rule, instant(rule.breached_at), waited, looks, rule.reason


def _whole(releases: Sequence[Replayed]) -> Iterator[str]:
    whole = sum(each.made_up and not each.instance for each in releases)
    if whole:
        yield f"{whole:,} of them had no second instance: rules that compare had no say in them"


def _rules(totals: Totals) -> str:
    rows = [
        (
            rule.rule,
            rule.on_breach.value,
            f"{rule.breached.count:,} of {rule.breached.of:,}",
            interval(rule.breached),
            f"{rule.caused:,}",
            f"{rule.held:,}",
            duration(rule.median_seconds_to_breach),
            format_quantity(rule.blind_share, Unit.RATIO),
        )
        for rule in totals.rules
    ]
    return table(("RULE", "ON BREACH", "IN BREACH", "SHARE", "WENT BACK", "HELD", "MEDIAN TIME", "BLIND"), rows)


def _indented(lines: str) -> str:
    return "\n".join(f"  {line}" for line in lines.splitlines())
