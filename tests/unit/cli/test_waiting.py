"""The state machine of `gated wait`: one answer in, one action out."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gated.cli import waiting as machine
from gated.cli.client import NoReply, Reply
from gated.cli.exits import Exit
from gated.cli.trust import Expected
from gated.cli.waiting import Claim, Done, Moment, Poll, Waiting
from tests.fakes import gate_server
from tests.fakes.gate_server import PROMOTE_ID, claimed, problem, verdict

NOW = 1_700_000_000.0
EXPECTED = Expected(release=gate_server.RELEASE, stage=gate_server.STAGE, actor=gate_server.ACTOR)
AT_START = Moment(elapsed_seconds=0.25, asked_at_seconds=0.0, now=NOW)
FRESH = {"valid_until": "2023-11-14T22:14:00Z"}  # 40 s after NOW


def begun(**changes: Any) -> Waiting:
    waiting, action = machine.begin(EXPECTED, 1800.0)
    assert action == Poll()
    return replace(waiting, **changes)


def reply(document: Any, status: int = 200) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode(), dated_at=NOW)


def at(elapsed: float) -> Moment:
    return Moment(elapsed, elapsed - 0.25, NOW)


def test_a_pending_stage_is_polled_again_and_the_gate_may_hold_the_answer() -> None:
    known, action = machine.heard(begun(), Poll(), reply(verdict("pending")), AT_START)
    assert action == Poll(PROMOTE_ID, hold_seconds=29.25, delay_seconds=0.75)
    assert known.verdict is not None
    assert known.verdict.reason == "because it is pending"


def test_an_answer_that_was_held_is_followed_by_the_next_poll_at_once() -> None:
    moment = Moment(elapsed_seconds=31.0, asked_at_seconds=1.0, now=NOW)
    _, action = machine.heard(begun(), Poll(), reply(verdict("hold")), moment)
    assert action == Poll(PROMOTE_ID, hold_seconds=30.0, delay_seconds=0.0)


def test_the_last_poll_is_held_so_long_that_its_answer_still_comes_in_time() -> None:
    moment = Moment(elapsed_seconds=1790.0, asked_at_seconds=1760.0, now=NOW)
    _, action = machine.heard(begun(), Poll(), reply(verdict("hold")), moment)
    assert action == Poll(PROMOTE_ID, hold_seconds=9.0, delay_seconds=0.0)


def test_a_fresh_promote_is_claimed() -> None:
    _, action = machine.heard(begun(), Poll(), reply(verdict("promote", **FRESH)), AT_START)
    assert action == Claim(PROMOTE_ID)


def test_the_answer_to_the_claim_ends_the_wait() -> None:
    known, action = machine.heard(begun(), Claim(PROMOTE_ID), reply(claimed()), AT_START)
    assert isinstance(action, Done)
    assert action.exit is Exit.DONE
    assert not known.claim_is_open


def test_a_claim_of_one_promote_is_not_answered_by_another() -> None:
    _, action = machine.heard(begun(), Claim("older"), reply(claimed()), AT_START)
    assert isinstance(action, Poll)


def test_a_poll_that_says_claimed_by_us_does_not_end_the_wait_by_itself() -> None:
    """Only the answer to a claim does: the gate may have rolled back since."""
    _, action = machine.heard(begun(), Poll(), reply(claimed()), AT_START)
    assert action == Claim(PROMOTE_ID)


def test_the_version_of_the_first_verdict_is_expected_from_then_on() -> None:
    known, _ = machine.heard(begun(), Poll(), reply(verdict("promote", **FRESH)), AT_START)
    _, action = machine.heard(known, Claim(PROMOTE_ID), reply(claimed(version="v3")), AT_START)
    assert action == Done(Exit.UNKNOWN, "the answer is about version v3, not v2")


def test_failures_are_met_with_longer_and_longer_pauses() -> None:
    waiting, delays = begun(), []
    for _ in range(8):
        waiting, action = machine.heard(waiting, Poll(), NoReply("connection refused"), AT_START)
        assert isinstance(action, Poll)
        delays.append(action.delay_seconds)
    assert delays == [0.5, 1, 2, 4, 8, 15, 15, 15]
    known, action = machine.heard(waiting, Poll(), reply(verdict("pending")), AT_START)
    assert (known.failures, known.trouble) == (0, "")


def test_a_year_of_failures_is_no_overflow() -> None:
    _, action = machine.heard(begun(failures=30_000_000), Poll(), NoReply("down"), AT_START)
    assert action == Poll(delay_seconds=15.0)


def test_claims_that_keep_failing_are_made_more_and_more_slowly() -> None:
    """The polls in between succeed, and must not start the pauses anew."""
    waiting, delays = begun(), []
    for _ in range(4):
        waiting, action = machine.heard(waiting, Poll(), reply(verdict("promote", **FRESH)), AT_START)
        assert isinstance(action, Claim)
        waiting, action = machine.heard(waiting, action, reply(b"", 502), AT_START)
        assert isinstance(action, Poll)
        delays.append(action.delay_seconds)
    assert delays == [0.5, 1, 2, 4]
    assert waiting.claim_is_open


def test_claims_that_keep_being_refused_are_made_more_and_more_slowly() -> None:
    waiting, delays = begun(), []
    for _ in range(3):
        waiting, action = machine.heard(waiting, Claim(PROMOTE_ID), reply(problem("conflict", "gone"), 409), AT_START)
        assert isinstance(action, Poll)
        assert action.after == "", "at once, whatever the verdict's id"
        delays.append(action.delay_seconds)
    assert delays == [0.5, 1, 2]
    assert not waiting.claim_is_open


def test_a_pause_never_reaches_beyond_the_deadline() -> None:
    _, action = machine.heard(begun(failures=9), Poll(), NoReply("down"), at(1799.0))
    assert action == Poll(delay_seconds=1.0)


DEADLINES: dict[str, tuple[dict[str, Any], Exit, str]] = {
    "nothing was ever heard": ({}, Exit.UNTRUSTED, "none came"),
    "the last answer was a lie": ({"trouble": "not a verdict"}, Exit.UNTRUSTED, "not a verdict"),
    "a claim is open": ({"trouble": "reset", "claim_is_open": True}, Exit.UNTRUSTED, "may have been taken"),
}


@pytest.mark.parametrize(("known", "code", "why"), DEADLINES.values(), ids=DEADLINES.keys())
def test_the_deadline_without_a_trusted_answer(known: dict[str, Any], code: Exit, why: str) -> None:
    done = machine.out_of_time(begun(**known))
    assert done.exit is code
    assert why in done.why


def test_trouble_at_the_deadline_is_untrusted_even_after_good_answers() -> None:
    known, _ = machine.heard(begun(), Poll(), reply(verdict("pending")), at(1700.0))
    _, action = machine.heard(known, Poll(), NoReply("connection refused"), at(1800.0))
    assert isinstance(action, Done)
    assert action.exit is Exit.UNTRUSTED
    assert "connection refused; last: pending, because it is pending" in action.why


def test_a_hold_at_the_deadline_is_a_hold_and_names_the_refused_claim() -> None:
    known, _ = machine.heard(begun(), Claim(PROMOTE_ID), reply(problem("conflict", "it is gone"), 409), at(1700.0))
    _, action = machine.heard(known, Poll(), reply(verdict("hold")), at(1799.5))
    assert isinstance(action, Done)
    assert action.exit is Exit.HOLD
    assert "because it is hold; the last claim was refused: it is gone" in action.why


NOT_FINAL = {
    "not gated's 404": (404, {"detail": "Not Found"}),
    "404 of another kind": (404, problem("gone", "away")),
    "not gated's 409": (409, {}),
    "422 without a problem": (422, b""),
}


@pytest.mark.parametrize(("status", "body"), NOT_FINAL.values(), ids=NOT_FINAL.keys())
@pytest.mark.parametrize("asked", [Poll(), Claim(PROMOTE_ID)], ids=["poll", "claim"])
def test_what_a_proxy_says_for_a_minute_is_no_end(asked: Poll | Claim, status: int, body: Any) -> None:
    known, action = machine.heard(begun(), asked, reply(body, status), AT_START)
    assert isinstance(action, Poll)
    assert known.failures == 1


def test_a_redirect_asks_for_the_right_address() -> None:
    known, _ = machine.heard(begun(), Poll(), reply(b"", 301), AT_START)
    assert known.trouble == "the server answered with status 301; redirects are not followed, is the address right?"


def test_a_conflict_is_no_answer_to_a_poll() -> None:
    known, _ = machine.heard(begun(), Poll(), reply(problem("conflict", "gone"), 409), AT_START)
    assert known.trouble == "the server answered with status 409: gone"


def test_a_promote_that_somebody_else_claimed_is_left_to_them() -> None:
    _, action = machine.heard(begun(), Poll(), reply(claimed(claimed_by="mallory")), AT_START)
    assert action == Done(Exit.HOLD, "the promote was already claimed by mallory")
