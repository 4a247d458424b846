"""Operations against a real store: races, retries, broken releases, and the delivery of what was committed."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gated.judge import commands
from gated.model.errors import Conflict
from gated.model.ids import Actor, PlanName, ReleaseId, StageName
from gated.model.plan import Rulebook
from gated.model.reading import Query
from gated.model.release import Phase
from gated.model.step import Signal, SignalKind, Step
from gated.model.verdict import Verdict
from gated.operations import releases
from gated.operations.delivery import Endpoint, deliver
from gated.operations.gate import Gate
from gated.operations.tick import tick
from gated.sources.look import Look
from gated.store.repository import Store
from tests import samples
from tests.serving import INTERVAL, World

RULEBOOK = Rulebook({rule.name: rule for rule in samples.rules()}, {PlanName("standard"): samples.policy()})
SECOND = Actor("second-pipeline")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'gated.db'}", upgrades=True)
    yield opened
    opened.close()


@pytest.fixture
def committed() -> list[Step]:
    return []


@pytest.fixture
def gate(store: Store, committed: list[Step]) -> Gate:
    return Gate(store, interval_seconds=INTERVAL, listeners=(committed.append,))


def opened(gate: Gate, service: str = "checkout", *, now: float = samples.NOW) -> ReleaseId:
    order = releases.Order(service=service, environment="production", version="v2", plan=PlanName("standard"))
    release, _ = releases.open_release(gate, RULEBOOK, order, samples.PIPELINE, now)
    releases.start_stage(gate, release.id, StageName("canary-5"), samples.PIPELINE, now)
    return release.id


def baked(gate: Gate, release: ReleaseId, looks: int = 125) -> float:
    """Look until the first stage is promoted; returns the time."""
    now = samples.NOW
    for _ in range(looks):
        now += INTERVAL
        tick(gate, World(), now)
    assert gate.store.release(release).stages[0].verdict is not None
    return now


def test_a_command_that_comes_between_reading_and_judging_is_not_lost(gate: Gate, store: Store) -> None:
    """The tick reads a release, a person pauses it, the tick commits: the pause must stand."""
    release = opened(gate)

    class Meddler(World):
        def read(self, queries: Collection[Query], now: float) -> Look:
            releases.pause(gate, release, Actor("ada"), "wait", now)
            return super().read(queries, now)

    done = tick(gate, Meddler(), samples.NOW + INTERVAL)
    assert not done.skipped
    after = store.release(release)
    assert after.pause is not None
    assert after.evaluated_at == samples.NOW + INTERVAL
    assert after.stages[0].verdict is not None
    assert after.stages[0].verdict.verdict is Verdict.HOLD


def test_a_release_that_ends_during_a_look_stays_ended(gate: Gate, store: Store) -> None:
    release = opened(gate)

    class Meddler(World):
        def read(self, queries: Collection[Query], now: float) -> Look:
            releases.abort(gate, release, Actor("ada"), "no", now)
            return super().read(queries, now)

    done = tick(gate, Meddler(), samples.NOW + INTERVAL)
    assert (done.steps, done.skipped) == ((), ())
    assert store.release(release).phase is Phase.ABORTED


def test_one_broken_release_does_not_blind_the_others(gate: Gate, store: Store) -> None:
    broken, sound = opened(gate, "broken"), opened(gate, "sound")
    spoilt = store.release(broken)
    store.commit(Step(replace(spoilt, rules=spoilt.rules[:1], revision=spoilt.revision + 1)))
    done = tick(gate, World(), samples.NOW + INTERVAL)
    assert [skipped.release for skipped in done.skipped] == [broken]
    assert [step.release.id for step in done.steps] == [sound]
    assert store.release(broken).evaluated_at is None, "its verdict expires by itself"


def test_questions_that_releases_share_are_asked_once(gate: Gate) -> None:
    for number in range(20):
        opened(gate, f"service-{number}")
    world = World()
    tick(gate, world, samples.NOW + INTERVAL)
    # Of the six sample rules, ratio, quantile and value rules look at 20 workloads, alerts and probe at none.
    shared = 2
    assert (world.asked[0] - shared) % 20 == 0


def test_nothing_is_told_before_it_is_committed(gate: Gate, store: Store, committed: list[Step]) -> None:
    release = opened(gate)
    told = len(committed)
    stale = store.release(release)
    step = commands.pause(stale, samples.PIPELINE, "", samples.NOW)
    assert step is not None
    gate.commit(step)
    with pytest.raises(Conflict):
        gate.commit(step)
    assert len(committed) == told + 1


def test_two_orders_at_once_for_the_same_service_give_one_release(gate: Gate, store: Store) -> None:
    """The rival opens between our look for an active release and our commit."""
    order = releases.Order(service="cart", environment="production", version="v2", plan=PlanName("standard"))

    class Late(Store):
        looks = 0

        def find_active(self, service: str, environment: str) -> None:
            self.looks += 1
            return None if self.looks == 1 else store.find_active(service, environment)  # type: ignore[return-value]

    first, is_new = releases.open_release(gate, RULEBOOK, order, samples.PIPELINE, samples.NOW)
    assert is_new
    late = Gate(Late(store._database), interval_seconds=INTERVAL)
    second, is_new = releases.open_release(late, RULEBOOK, order, SECOND, samples.NOW)
    assert (second.id, is_new) == (first.id, False)


def test_a_signal_is_told_until_its_endpoint_takes_it_always_under_one_id(gate: Gate, store: Store) -> None:
    opened(gate)
    heard: list[Signal] = []

    def deaf(signal: Signal) -> None:
        heard.append(signal)
        raise ConnectionError("nobody listens")

    failed = deliver(gate, Endpoint("hook", deaf), samples.NOW)
    assert [type(attempt.error) for attempt in failed] == [ConnectionError, ConnectionError]
    assert store.oldest_undelivered_at() == samples.NOW
    deliver(gate, Endpoint("hook", heard.append), samples.NOW + 1)
    assert [signal.kind for signal in heard[:2]] == [SignalKind.RELEASE_OPENED, SignalKind.STAGE_STARTED]
    assert sorted(signal.id for signal in heard[:2]) == sorted(signal.id for signal in heard[2:])
    assert deliver(gate, Endpoint("hook", heard.append), samples.NOW + 2) == ()
    assert store.oldest_undelivered_at() is None


def test_a_claim_is_for_the_actor_who_made_it(gate: Gate) -> None:
    release = opened(gate)
    now = baked(gate, release)
    current = gate.store.release(release).stages[0].verdict
    assert current is not None
    _, stage = releases.claim(gate, release, current.id, samples.PIPELINE, now)
    assert stage.claim is not None
    again, _ = releases.claim(gate, release, current.id, samples.PIPELINE, now + 1)
    assert again.phase is Phase.BETWEEN
    with pytest.raises(Conflict, match="already claimed by"):
        releases.claim(gate, release, current.id, SECOND, now + 1)
    assert len(gate.store.decisions(release)) == 1
