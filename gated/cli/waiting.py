"""Waiting for a verdict, as a state machine: an answer in, the next action out. No clock, no HTTP, no terminal.

    start ──▶ Poll ──▶ heard ──┬─▶ Poll       pending, hold, an answer that cannot be trusted, a refused claim
                ▲              ├─▶ Claim ──▶ heard ──┬─▶ Done      claimed
                │              │                     └─▶ Poll      refused, or no answer: the next poll tells
                └──────────────┴─▶ Done       rollback, ended, somebody else's, mismatch, unknown, denied, deadline

The invariant, whatever a server answers:

    Done(exit=DONE)  ⇒  the answer just heard is a 200 to a Claim and a verdict
                        of the expected release, stage, version and service
                        that says promote, with the claimed verdict_id, claimed_by our actor;
                        and that Claim followed a 200 to a Poll with the same promote, unexpired or ours already

A claim is idempotent for its actor, so a lost answer is no riddle: the next poll shows the promote as still to be had,
or as ours, and either way it is claimed (again).
"""

from dataclasses import dataclass, replace
from typing import assert_never

from gated.cli import problem, trust
from gated.cli.client import NoReply, Reply
from gated.cli.exits import Exit
from gated.cli.text import printable
from gated.cli.trust import Expected
from gated.model.units import format_duration
from gated.model.verdict import Verdict
from gated.operations.documents import VerdictDocument

LONG_POLL_SECONDS = 30.0
"""How long one poll may be held by the gate: under the minute after which proxies in between give up."""
ANSWER_SECONDS = 10.0
"""How long an answer may take beyond the time the gate may hold it."""
PACE_SECONDS = 1.0
"""Never two polls within this time, should the gate not hold them. Also left over before the deadline, so that the last
poll is answered before it and not cut off by it."""
LONGEST_BACKOFF_SECONDS = 15.0
_FIRST_BACKOFF_SECONDS = 0.5
_OK = 200
_CONFLICT = 409
_DENIED = (401, 403)
_REDIRECTS = range(300, 400)
_UNKNOWN = ((404, "not_found"), (422, "invalid"))
"""The status and the problem's constant must agree: a 404 may be a proxy's that lost its way for a minute."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask for the verdict.

    Args:
        after: the gate may hold the answer while the verdict's id is this one; empty for at once.
        hold_seconds: for so long at most.
        delay_seconds: how long to wait before asking.
    """

    after: str = ""
    hold_seconds: float = 0.0
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Take the promote, at once.

    Args:
        verdict_id: which.
    """

    verdict_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """Stop waiting.

    Args:
        exit: how.
        why: one sentence for people.
    """

    exit: Exit
    why: str


Action = Poll | Claim | Done


@dataclass(frozen=True, slots=True)
class Moment:
    """When an answer was heard.

    Args:
        elapsed_seconds: since the waiting began.
        asked_at_seconds: since the waiting began, when the question was sent.
        now: what time the machine says it is, Unix seconds.
    """

    elapsed_seconds: float
    asked_at_seconds: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is remembered while waiting.

    Args:
        expected: what a verdict must be about; takes the version and service of the first one if none were given.
        timeout_seconds: how long to wait in all.
        verdict: the last verdict that could be trusted; None before the first.
        document: that verdict as the gate sent it.
        trouble: why the last answer could not be used; empty when it could.
        failures: answers in a row that could not be used. A poll that leads to a claim ends no row: what is broken
            may be the claim.
        refusal: why the gate refused the last claim; empty when it did not.
        refusals: how many claims it refused.
        claim_is_open: a claim was sent and nobody knows whether it was taken.
    """

    expected: Expected
    timeout_seconds: float
    verdict: VerdictDocument | None = None
    document: str = ""
    trouble: str = ""
    failures: int = 0
    refusal: str = ""
    refusals: int = 0
    claim_is_open: bool = False


def begin(expected: Expected, timeout_seconds: float) -> tuple[Waiting, Action]:
    """Start waiting: the first answer is wanted at once."""
    return Waiting(expected=expected, timeout_seconds=timeout_seconds), Poll()


def heard(waiting: Waiting, asked: Poll | Claim, reply: Reply | NoReply, moment: Moment) -> tuple[Waiting, Action]:
    """Take in an answer.

    Args:
        waiting: what was known before.
        asked: what it answers.
        reply: the answer.
        moment: when it came.

    Returns:
        What is known now, and what to do next.
    """
    waiting = replace(waiting, claim_is_open=waiting.claim_is_open or isinstance(asked, Claim))
    if isinstance(reply, NoReply):
        return _failed(waiting, reply.why, moment)
    if (end := _refused_access(waiting, reply)) is not None:
        return waiting, end
    if isinstance(asked, Claim) and reply.status == _CONFLICT:
        return _refused_claim(waiting, reply, moment)
    if reply.status != _OK:
        return _failed(waiting, _status(reply), moment)
    document = trust.read(reply.body)
    if document is None:
        return _failed(waiting, "the answer is not a verdict of gated", moment)
    if (why := trust.mismatch(document, waiting.expected)) is not None:
        return waiting, Done(Exit.UNKNOWN, why)
    match asked:
        case Poll():
            return _heard_verdict(waiting, document, reply, moment)
        case Claim():
            return _heard_claim(waiting, asked, document, reply, moment)
        case _:
            assert_never(asked)


def out_of_time(waiting: Waiting) -> Done:
    """What the deadline means, given what was heard last."""
    within = format_duration(waiting.timeout_seconds)
    last = "no verdict was heard"
    if waiting.verdict is not None:
        last = f"last: {waiting.verdict.verdict.value}, {printable(waiting.verdict.reason)}"
    if waiting.trouble or waiting.verdict is None:
        trouble = waiting.trouble or "none came"
        return Done(Exit.UNTRUSTED, f"no answer to be trusted within {within}: {trouble}; {last}{open_claim(waiting)}")
    refusal = f"; the last claim was refused: {waiting.refusal}" if waiting.refusal else ""
    return Done(Exit.HOLD, f"not promoted within {within}; {last}{refusal}")


def open_claim(waiting: Waiting) -> str:
    """What to know about a claim without an answer, to be added to a sentence; empty when there is none."""
    if not waiting.claim_is_open:
        return ""
    return "; a claim was sent and may have been taken: the same command, run again by the same actor, will tell"


def _heard_verdict(waiting: Waiting, document: VerdictDocument, reply: Reply, moment: Moment) -> tuple[Waiting, Action]:
    """Act on a verdict that is about what was asked."""
    if document.verdict is Verdict.PROMOTE:
        return _heard_promote(waiting, document, reply, moment)
    known = _knowing(waiting, document, reply)
    reason = printable(document.reason)
    if document.verdict is Verdict.ROLLBACK:
        return known, Done(Exit.ROLLBACK, f"roll back: {reason}")
    if document.final:
        return known, Done(Exit.HOLD, f"the release ended without a verdict: {reason}")
    return _poll_on(known, document.verdict_id, moment)


def _heard_promote(waiting: Waiting, document: VerdictDocument, reply: Reply, moment: Moment) -> tuple[Waiting, Action]:
    if document.claimed_by is not None and document.claimed_by != waiting.expected.actor:
        by = printable(document.claimed_by)
        return _knowing(waiting, document, reply), Done(Exit.HOLD, f"the promote was already claimed by {by}")
    # What is ours already does not expire: the gate has recorded it, and says rollback should it turn bad.
    is_ours = document.claimed_by is not None
    why = None if is_ours else trust.objection(document, reply.dated_at, moment.now)
    if why is not None:
        return _failed(waiting, why, moment)
    known = replace(_knowing(waiting, document, reply), failures=waiting.failures)
    return known, Claim(document.verdict_id)


def _heard_claim(
    waiting: Waiting, claim: Claim, document: VerdictDocument, reply: Reply, moment: Moment
) -> tuple[Waiting, Action]:
    if not trust.is_claimed(document, claim.verdict_id, waiting.expected):
        return _failed(waiting, "the answer to the claim does not say that the promote is ours", moment)
    known = _knowing(waiting, document, reply)
    what = f"{document.stage} of {document.service} {document.version} in {document.environment}"
    return known, Done(Exit.DONE, f"promote claimed: {printable(what)} is good to go on")


def _refused_claim(waiting: Waiting, reply: Reply, moment: Moment) -> tuple[Waiting, Action]:
    """The promote is gone, or was never there; the next poll says what is instead."""
    told = problem.read(reply.body)
    if told is None:
        return _failed(waiting, _status(reply), moment)
    refused = replace(
        waiting, trouble="", failures=0, refusal=str(told), refusals=waiting.refusals + 1, claim_is_open=False
    )
    return _later(refused, _backoff(refused.refusals), moment)


def _refused_access(waiting: Waiting, reply: Reply) -> Done | None:
    """The answers that no later one will improve."""
    told = problem.read(reply.body)
    said = f": {told}" if told is not None else ""
    if reply.status in _DENIED:
        return Done(Exit.DENIED, f"access was refused with status {reply.status}{said}")
    if told is not None and (reply.status, told.error) in _UNKNOWN:
        return Done(Exit.UNKNOWN, f"the gate does not know {printable(waiting.expected.release)}{said}")
    return None


def _failed(waiting: Waiting, why: str, moment: Moment) -> tuple[Waiting, Action]:
    failed = replace(waiting, trouble=why, failures=waiting.failures + 1)
    return _later(failed, _backoff(failed.failures), moment)


def _later(waiting: Waiting, delay_seconds: float, moment: Moment) -> tuple[Waiting, Action]:
    left = waiting.timeout_seconds - moment.elapsed_seconds
    return (waiting, Poll(delay_seconds=min(delay_seconds, left))) if left > 0 else (waiting, out_of_time(waiting))


def _poll_on(waiting: Waiting, after: str, moment: Moment) -> tuple[Waiting, Action]:
    hold = min(LONG_POLL_SECONDS, waiting.timeout_seconds - moment.elapsed_seconds - PACE_SECONDS)
    if hold <= 0:
        return waiting, out_of_time(waiting)
    pause = max(0.0, PACE_SECONDS - (moment.elapsed_seconds - moment.asked_at_seconds))
    return waiting, Poll(after, max(0.0, hold - pause), pause)


def _knowing(waiting: Waiting, document: VerdictDocument, reply: Reply) -> Waiting:
    """The state after an answer that can be trusted. A release never changes its version, so it is pinned here."""
    pinned = replace(waiting.expected, version=document.version, service=document.service)
    text = reply.body.decode(errors="replace")
    return replace(
        waiting, expected=pinned, verdict=document, document=text, trouble="", failures=0, claim_is_open=False
    )


def _backoff(times: int) -> float:
    """0.5, 1, 2, 4, 8, 15, 15, … seconds."""
    doublings = min(times - 1, 10)  # more would not fit into a float in a year of failing
    return min(LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2.0**doublings)


def _status(reply: Reply) -> str:
    told = problem.read(reply.body)
    hint = "; redirects are not followed, is the address right?" if reply.status in _REDIRECTS else ""
    return f"the server answered with status {reply.status}" + (f": {told}" if told is not None else hint)
