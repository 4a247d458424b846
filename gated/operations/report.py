"""What happened to a release: the whole story as one document, and as Markdown for a ticket or a chat."""

from collections.abc import Iterator
from datetime import datetime

from gated.model.release import Phase
from gated.model.units import Unit, format_duration, format_quantity
from gated.operations.documents import ReleaseHistory, RuleDocument, StageDocument

_ENDINGS = {
    Phase.OPEN.value: "has not started",
    Phase.BAKING.value: "is under way",
    Phase.BETWEEN.value: "is under way, between two stages",
    Phase.ROLLING_BACK.value: "is going back",
    Phase.RECOVERING.value: "was rolled back; its recovery is being watched",
    Phase.COMPLETED.value: "was promoted through every stage",
    Phase.ROLLED_BACK.value: "was rolled back",
    Phase.ABORTED.value: "was aborted",
    Phase.SUPERSEDED.value: "was superseded by another version",
}


def headline(told: ReleaseHistory) -> str:
    """How it ended, in one sentence."""
    ended = _ENDINGS[told.phase.value]
    return f"{told.service} {told.version} in {told.environment} {ended}"


def markdown(told: ReleaseHistory) -> str:
    """The story of a release as Markdown, whole."""
    return "\n".join(_lines(told)) + "\n"


def _lines(told: ReleaseHistory) -> Iterator[str]:
    yield f"# {_safe(headline(told))}"
    yield ""
    yield from _facts(told)
    yield ""
    yield "## Stages"
    yield ""
    yield "| stage | traffic | started | ended | how it ended |"
    yield "|---|---|---|---|---|"
    for stage in told.stages:
        yield _stage(told, stage)
    if told.rollback is not None:
        yield ""
        yield from _rollback(told)
    yield ""
    yield "## Rules now" if told.active else "## Rules at the end"
    yield ""
    yield "| rule | outcome | value | limit | what it said |"
    yield "|---|---|---|---|---|"
    for rule in told.rules:
        yield _rule(rule)
    yield ""
    yield "## Who did what"
    yield ""
    for entry in told.audit:
        where = f" ({entry.stage})" if entry.stage else ""
        when = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"- {when}, {_safe(entry.actor)}: {_safe(entry.action)}{where}: {_safe(entry.detail)}"


def _facts(told: ReleaseHistory) -> Iterator[str]:
    ended = f", ended {told.ended_at:%Y-%m-%d %H:%M:%S} UTC" if told.ended_at is not None else ""
    yield f"- release `{told.release}`, plan {told.plan}, policy `{told.policy_digest}`"
    yield f"- replaces {_safe(told.baseline) if told.baseline else 'nothing'}"
    yield f"- opened {told.opened_at:%Y-%m-%d %H:%M:%S} UTC by {_safe(told.opened_by)}{ended}"
    if told.ended_at is not None:
        yield f"- took {_after(round((told.ended_at - told.opened_at).total_seconds()))}"
    if told.paused is not None:
        yield f"- paused by {_safe(told.paused.by)}: {_safe(told.paused.reason or 'no reason given')}"


def _stage(told: ReleaseHistory, stage: StageDocument) -> str:
    decided = next((decision for decision in told.decisions if decision.stage == stage.stage), None)
    how = "not decided" if decided is None else f"{decided.decision.value.replace('_', ' ')}: {decided.reason}"
    started = _clock(told, stage.started_at) if stage.started_at is not None else "–"
    ended = _clock(told, stage.ended_at) if stage.ended_at is not None else "–"
    return f"| {stage.stage} | {format_quantity(stage.traffic, Unit.RATIO)} | {started} | {ended} | {_safe(how)} |"


def _rollback(told: ReleaseHistory) -> Iterator[str]:
    back = told.rollback
    if back is None:
        return
    yield "## Rollback"
    yield ""
    yield f"- why: {_safe(back.reason)}"
    yield f"- first harm seen {_clock(told, back.first_harm_at)}, signalled {_after(back.seconds_to_detect)} later"
    if back.seconds_to_act is not None:
        yield f"- done {_after(back.seconds_to_act)} after the signal"
    if back.seconds_to_recover is not None:
        yield f"- well again {_after(back.seconds_to_recover)} after that"
    yield f"- back to {_safe(back.target_version) if back.target_version else 'no version: there was none before'}"


def _rule(rule: RuleDocument) -> str:
    value = "–" if rule.value is None else format_quantity(rule.value, rule.unit)
    limit = "–" if rule.limit is None else format_quantity(rule.limit, rule.unit)
    return f"| {rule.rule} | {rule.outcome} | {value} | {limit} | {_safe(rule.reason)} |"


def _clock(told: ReleaseHistory, at: datetime) -> str:
    """A time of day, with the day when that is not the day the release was opened."""
    return f"{at:%H:%M:%S}" if at.date() == told.opened_at.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _after(seconds: float) -> str:
    """A duration; one that is negative, by a clock that was set back, is none."""
    return format_duration(max(0.0, round(seconds, 1)))


def _safe(text: str) -> str:
    """Text of others: on one line, and without what Markdown or HTML would take for markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in flat)
