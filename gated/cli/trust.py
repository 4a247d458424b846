"""Whether an answer is the verdict that was asked for. Pure: bytes in, a verdict or the reason against it out.

Whose clock says that a promote has expired? The gate's: `valid_until` is compared with the `Date` header of the very
same answer, so that a runner whose clock is a little off can still go on. The machine's own clock has a say as well,
with `CLOCK_TOLERANCE_SECONDS` to spare: an old answer that somebody replays brings its old date along, and only our own
clock can tell. `evaluated_at` is no measure of now; every old promote was fresh when it was made.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from gated.cli.text import duration, printable
from gated.model.verdict import Verdict
from gated.operations.documents import VerdictDocument

CLOCK_TOLERANCE_SECONDS = 300.0
"""How far the machine's clock and the gate's may differ; what Kerberos allows, and more than any synchronised pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a verdict must be about.

    Args:
        release: the release's id.
        stage: the stage's name.
        actor: on whose behalf a promote is claimed.
        version: the version to be rolled out; None when any will do.
        service: the service; None when any will do.
    """

    release: str
    stage: str
    actor: str
    version: str | None = None
    service: str | None = None


def read(body: bytes) -> VerdictDocument | None:
    """The verdict in an answer's body; None when it is anything else."""
    try:
        document = VerdictDocument.model_validate_json(body, strict=True)
    except ValidationError:
        return None
    moments = (document.valid_until, document.evaluated_at, document.since, document.claimed_at)
    return document if all(at is None or at.tzinfo is not None for at in moments) else None


def mismatch(document: VerdictDocument, expected: Expected) -> str | None:
    """How a verdict is about something else than expected; None when it is not."""
    for name, found, wanted in (
        ("release", document.release, expected.release),
        ("stage", document.stage, expected.stage),
        ("version", document.version, expected.version),
        ("service", document.service, expected.service),
    ):
        if wanted is not None and found != wanted:
            return f"the answer is about {name} {printable(found)}, not {printable(wanted)}"
    return None


def objection(document: VerdictDocument, dated_at: float | None, now: float) -> str | None:
    """Why an unclaimed promote must not be claimed; None when it may be.

    Args:
        document: a verdict that says promote.
        dated_at: what time the gate said it was, Unix seconds; None when it did not say.
        now: what time this machine says it is, Unix seconds.
    """
    if document.verdict is not Verdict.PROMOTE:
        return f"{document.verdict.value} is not a promote"
    if document.valid_until is None:
        return "a promote that does not say until when it is valid"
    valid_until = document.valid_until.timestamp()
    if dated_at is not None and valid_until <= dated_at:
        return f"a promote that had expired {duration(dated_at - valid_until)} before it was sent"
    tolerance = 0.0 if dated_at is None else CLOCK_TOLERANCE_SECONDS
    if valid_until + tolerance <= now:
        return f"a promote that expired {duration(now - valid_until)} ago by this machine's clock"
    return None


def is_claimed(document: VerdictDocument, verdict_id: str, expected: Expected) -> bool:
    """Whether the answer to a claim says that this very promote is ours. Only then may traffic be widened."""
    return (
        mismatch(document, expected) is None
        and document.verdict is Verdict.PROMOTE
        and document.verdict_id == verdict_id
        and document.claimed_by == expected.actor
    )
