"""Documents of the API as people read them. Pure: a document in, text out."""

from collections.abc import Iterator

from gated.cli.text import instant, printable, share, table
from gated.operations.documents import (
    ReleaseDocument,
    ReleaseHistory,
    ReleasePage,
    RollbackDocument,
    RuleDocument,
    StageDocument,
)

_AUDIT_LINES = 20
"""The end of the story; all of it is in the JSON."""


def releases(page: ReleasePage) -> str:
    """A line per release."""
    rows = [
        (
            found.release,
            found.service,
            found.environment,
            found.version,
            found.phase.value,
            found.current_stage or "",
            instant(found.opened_at),
        )
        for found in page.releases
    ]
    return table(("RELEASE", "SERVICE", "ENVIRONMENT", "VERSION", "PHASE", "STAGE", "OPENED"), rows)


def sentence(found: ReleaseDocument) -> str:
    """A release in one line."""
    stage = f" at {found.current_stage}" if found.current_stage else ""
    paused = f", paused by {found.paused.by}" if found.paused else ""
    what = f"{found.service} {found.version} in {found.environment} along {found.plan}"
    return printable(f"{found.release}: {what} is {_words(found.phase.value)}{stage}{paused}")


def history(found: ReleaseHistory) -> str:
    """One release with everything that happened to it."""
    return "\n\n".join(_sections(found))


def _sections(found: ReleaseHistory) -> Iterator[str]:
    yield "\n".join((sentence(found), *(printable(line) for line in _facts(found))))
    yield table(
        ("STAGE", "TRAFFIC", "STARTED", "ENDED", "VERDICT", "REASON"),
        [
            (
                stage.stage,
                share(stage.traffic),
                instant(stage.started_at),
                instant(stage.ended_at),
                *_how_it_stands(found, stage),
            )
            for stage in found.stages
        ],
    )
    if found.rules:
        yield table(("RULE", "OUTCOME", "REASON"), [_rule(rule) for rule in found.rules])
    if found.audit:
        yield table(
            ("WHEN", "WHO", "WHAT", "STAGE", "DETAIL"),
            [
                (instant(entry.at), entry.actor, _words(entry.action), entry.stage, entry.detail)
                for entry in found.audit[-_AUDIT_LINES:]
            ],
        )


def _how_it_stands(found: ReleaseHistory, stage: StageDocument) -> tuple[str, str]:
    """A word and the sentence: how a stage was decided, else its verdict.

    A release that goes back has that verdict at all of its stages, whatever was decided of those before.
    """
    for decision in found.decisions:
        if decision.stage == stage.stage:
            return _words(decision.decision.value), decision.reason
    if stage.started_at is None and found.rollback is not None:
        return "–", "not started"
    return stage.verdict.value, stage.reason


def _facts(found: ReleaseHistory) -> Iterator[str]:
    yield f"opened by {found.opened_by} at {instant(found.opened_at)}; baseline {found.baseline or 'none'}"
    if found.paused is not None:
        yield f"paused by {found.paused.by} at {instant(found.paused.at)}: {found.paused.reason or 'no reason given'}"
    if found.rollback is not None:
        yield from _rollback(found.rollback)
    if found.ended_at is not None:
        yield f"ended at {instant(found.ended_at)}"


def _rollback(rollback: RollbackDocument) -> Iterator[str]:
    target = f"; back to {rollback.target_version}" if rollback.target_version else ""
    yield f"rollback triggered at {instant(rollback.triggered_at)}: {rollback.reason}{target}"
    if rollback.reported_at is not None:
        recovered = f"recovered at {instant(rollback.recovered_at)}" if rollback.recovered_at else "not recovered yet"
        yield f"rolled back at {instant(rollback.reported_at)}; {recovered}"


def _rule(rule: RuleDocument) -> tuple[str, str, str]:
    before = " (before the release, too)" if rule.pre_existing else ""
    return rule.rule, _words(rule.outcome), f"{rule.reason}{before}"


def _words(constant: str) -> str:
    return constant.replace("_", " ")
