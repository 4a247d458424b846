"""The shell around the state machine, on a clock that only moves when somebody waits."""

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from gated.cli.client import NoReply, Reply, Request
from gated.cli.trust import Expected
from gated.cli.waiter import Waiter
from gated.cli.waiting import Waiting
from tests.fakes.gate_server import ACTOR, PROMOTE_ID, RELEASE, STAGE, claimed, verdict

NOW = 1_700_000_000.0
FRESH = {"valid_until": "2033-05-18T03:33:20Z"}
PENDING = verdict("pending", verdict_id="pending-1")


class FakeClock:
    """Time that passes by sleeping."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return NOW + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


class FakeGate:
    """Answers in turn, each after its time; the last one for ever. A poll that may be held is held to the end."""

    def __init__(self, clock: FakeClock, *answers: Any) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.asked: list[tuple[Request, float]] = []

    def ask(self, request: Request, within_seconds: float, meanwhile: Callable[[], None]) -> Reply | NoReply:
        self.asked.append((request, within_seconds))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer()
        if answer is None:
            self.clock.passed += within_seconds
            return NoReply("no complete answer in time")
        held = float(request.query.get("wait", "0s").rstrip("s").replace("s", ".").replace("m", "") or 0)
        self.clock.passed += min(held, within_seconds)
        meanwhile()
        return Reply(200, json.dumps(answer).encode())


class Shown:
    """What was shown when."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.is_closed = False

    def show(self, _waiting: Waiting, elapsed_seconds: float) -> None:
        self.at.append(elapsed_seconds)

    def close(self) -> None:
        self.is_closed = True


def waiter(*answers: Any, timeout: float = 1800.0) -> tuple[Waiter, FakeGate, FakeClock, Shown]:
    clock, shown = FakeClock(), Shown()
    gate = FakeGate(clock, *answers)
    expected = Expected(release=RELEASE, stage=STAGE, actor=ACTOR)
    return Waiter(expected, timeout, client=gate, clock=clock, jitter=lambda: 0.0, progress=shown), gate, clock, shown


def test_polls_and_the_claim_are_asked_as_the_api_wants_them() -> None:
    waiting, gate, _, shown = waiter(PENDING, verdict("promote", **FRESH), claimed())
    code, why = waiting.run()
    assert (code, shown.is_closed) == (0, True)
    assert "promote claimed" in why
    path = ("api", "v1", "releases", RELEASE)
    first, held, claim = gate.asked
    assert first == (Request("GET", (*path, "verdict"), {"stage": STAGE, "after": "", "wait": ""}), 10.0)
    assert held[0] == Request("GET", (*path, "verdict"), {"stage": STAGE, "after": "pending-1", "wait": "29s"})
    assert held[1] == 39.0
    assert claim == (Request("POST", (*path, "claim"), body={"verdict_id": PROMOTE_ID}), 10.0)


def test_no_request_may_outlive_the_deadline() -> None:
    waiting, gate, clock, _ = waiter(None, timeout=25.0)
    code, _ = waiting.run()
    assert code == 12
    began = 0.0
    for _, within in gate.asked:
        assert within <= 25.0 - began
        began += within
    assert clock.passed <= 25.0


def test_a_pending_stage_is_given_up_at_the_deadline_and_not_later() -> None:
    waiting, _, clock, _ = waiter(PENDING, timeout=100.0)
    assert waiting.run()[0] == 11
    assert 99.0 <= clock.passed <= 100.0


def test_people_see_every_second_of_a_pause() -> None:
    waiting, _, clock, shown = waiter(None, None, None, None, None, claimed(), claimed())
    assert waiting.run()[0] == 0
    assert max(clock.slept) <= 1.0
    assert len(shown.at) > len(clock.slept)


def test_jitter_only_lengthens_pauses() -> None:
    clock = FakeClock()
    gate = FakeGate(clock, None, claimed(), claimed())
    expected = Expected(release=RELEASE, stage=STAGE, actor=ACTOR)
    Waiter(expected, 1800.0, client=gate, clock=clock, jitter=lambda: 0.9, progress=Shown()).run()
    assert sum(clock.slept) == pytest.approx(0.5 * (1 + 0.25 * 0.9))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_leaves_the_handlers_as_they_were(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    waiting, _, _, shown = waiter(lambda: os.kill(os.getpid(), number))
    code, why = waiting.run()
    assert code == 128 + number
    assert why == f"stopped by {number.name}; nothing is promoted here"
    assert shown.is_closed
    assert signal.getsignal(number) is before


def test_a_signal_during_a_claim_says_so() -> None:
    waiting, _, _, _ = waiter(verdict("promote", **FRESH), lambda: os.kill(os.getpid(), signal.SIGTERM))
    code, why = waiting.run()
    assert code == 143
    assert "a claim was sent and may have been taken" in why
