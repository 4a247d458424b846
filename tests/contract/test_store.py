"""What the store promises, on SQLite and on PostgreSQL alike."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gated.model.errors import Conflict, InvalidInput, NotFound
from gated.model.ids import Actor, ReleaseId, StageName
from gated.model.release import Phase, Release
from gated.model.step import SignalKind, Step
from gated.model.verdict import Outcome
from gated.store.errors import AlreadyActive, AlreadyDecided, ReleaseChanged
from gated.store.records import Filter, Pruned
from gated.store.repository import Store
from gated.store.tables import outbox
from tests import databases, samples
from tests.samples import NOW, RELEASE


@pytest.fixture(params=databases.ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    return databases.empty(request)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with contextlib.closing(Store.open(url, upgrades=True)) as opened:
        yield opened


def opening(name: str, **changes: object) -> Step:
    """The opening of a release called `name`, of a service of its own."""
    return samples.opening_step(samples.release(**{"id": ReleaseId(name), "service": name, **changes}))


def opened(store: Store, name: str, **changes: object) -> Release:
    """Open a release called `name`, of a service of its own."""
    step = opening(name, **changes)
    store.commit(step, policy=samples.policy())
    return step.release


def ended(store: Store, name: str, at: float) -> Release:
    """Open a release, decide it, tell its signal and end it."""
    release = opened(store, name, opened_at=at - 10.0)
    step = samples.next_step(release, phase=Phase.COMPLETED, ended_at=at)
    records = Step(
        release=step.release,
        decisions=(samples.decision(release=release.id),),
        outcomes=(samples.outcome_change(), samples.outcome_change()),
        trace=(samples.trace_point(),),
    )
    store.commit(records)
    store.mark_delivered(f"{name}:1:release_opened", at)
    return records.release


def names(releases: tuple[Release, ...]) -> list[str]:
    return [release.id for release in releases]


def at_once(*actions: Callable[[], object]) -> list[BaseException | None]:
    """Do all at the same moment in threads of their own; what each raised."""
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> BaseException | None:
        barrier.wait(10)
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        return None

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


# --- commit -----------------------------------------------------------------------------------------------------


def test_a_step_is_read_back_as_it_was_written(store: Store) -> None:
    opened(store, RELEASE, service="checkout")
    step = samples.tick_step(
        release=samples.baking_release(revision=2),
        decisions=(samples.decision(),),
        signals=(samples.signal(id="promoted", kind=SignalKind.STAGE_PROMOTED),),
    )
    store.commit(step)
    assert store.release(RELEASE) == step.release
    assert store.decisions(RELEASE) == step.decisions
    assert store.history(RELEASE) == step.outcomes
    assert store.audit(RELEASE)[0].entry == step.audit[0]
    assert [entry.signal.id for entry in store.undelivered(10)] == [f"{RELEASE}:1:release_opened", "promoted"]


def test_what_charts_are_drawn_from_is_read_back_in_order_of_time(store: Store) -> None:
    release = opened(store, "r1")
    points = tuple(samples.trace_point(at=NOW + at) for at in (30.0, 15.0, 45.0))
    for point in points:
        step = replace(samples.next_step(release), trace=(point,))
        store.commit(step)
        release = step.release
    assert store.trace(ReleaseId("r1")) == tuple(sorted(points, key=lambda point: point.at))
    assert store.trace(ReleaseId("r2")) == ()


def test_two_looks_of_one_instant_are_one_in_the_charts(store: Store) -> None:
    """The clock was set back; the commit must not fail for that."""
    release = opened(store, "r1")
    for _ in range(2):
        step = replace(samples.next_step(release), trace=(samples.trace_point(),))
        store.commit(step)
        release = step.release
    assert store.trace(ReleaseId("r1")) == (samples.trace_point(),)


def test_a_policy_is_read_back_as_it_was_written(store: Store) -> None:
    opened(store, "r1")
    assert store.policy(samples.policy().digest) == samples.policy()


def test_a_policy_is_kept_once_for_all_its_releases(store: Store) -> None:
    opened(store, "r1")
    opened(store, "r2")
    assert names(store.active()) == ["r1", "r2"]


def test_a_release_whose_policy_is_unknown_is_refused(store: Store) -> None:
    """It could never be judged."""
    with pytest.raises(NotFound, match="needs policy sha256:5a"):
        store.commit(opening("r1"))
    assert store.active() == ()


def test_a_commit_without_steps_changes_nothing(store: Store) -> None:
    store.commit()
    assert store.active() == ()


@pytest.mark.parametrize("revision", [1, 2, 4], ids=["opened again", "already written", "one was skipped"])
def test_a_step_from_another_revision_than_the_stored_one_is_refused(store: Store, revision: int) -> None:
    release = opened(store, "r1")
    store.commit(samples.next_step(release))
    with pytest.raises(ReleaseChanged) as refused:
        store.commit(Step(release=replace(release, revision=revision, phase=Phase.ABORTED)))
    assert (refused.value.release, refused.value.expected) == ("r1", revision - 1)
    assert store.release(release.id).phase is Phase.OPEN


def test_a_step_of_a_release_that_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(ReleaseChanged):
        store.commit(samples.next_step(samples.release()))


def test_a_second_active_release_of_a_service_is_refused_with_the_first_ones_id(store: Store) -> None:
    opened(store, "r1", service="checkout")
    with pytest.raises(AlreadyActive) as refused:
        opened(store, "r2", service="checkout")
    error = refused.value
    assert (error.active, error.service, error.environment) == ("r1", "checkout", "production")
    assert names(store.active()) == ["r1"]


def test_another_environment_or_an_ended_release_is_no_obstacle(store: Store) -> None:
    first = opened(store, "r1", service="checkout")
    opened(store, "r2", service="checkout", environment="staging")
    store.commit(samples.next_step(first, phase=Phase.COMPLETED, ended_at=NOW))
    opened(store, "r3", service="checkout")
    assert names(store.active()) == ["r2", "r3"]


def test_a_successor_is_opened_as_its_predecessor_ends_in_one_commit(store: Store) -> None:
    first = opened(store, "r1", service="checkout")
    ending = samples.next_step(first, phase=Phase.SUPERSEDED, ended_at=NOW)
    store.commit(ending, opening("r2", service="checkout"))
    assert names(store.active()) == ["r2"]
    assert store.release(first.id) == ending.release


def test_a_predecessor_does_not_end_when_its_successor_cannot_be_opened(store: Store) -> None:
    """Otherwise nobody would watch the service."""
    first = opened(store, "r1", service="checkout")
    opened(store, "r2", service="other")
    ending = samples.next_step(first, phase=Phase.SUPERSEDED, ended_at=NOW)
    with pytest.raises(AlreadyActive):
        store.commit(ending, opening("r3", service="other"))
    assert store.release(first.id) == first


def test_a_stage_is_decided_once(store: Store) -> None:
    """I3: exactly one decision per release and stage."""
    release = opened(store, RELEASE)
    step = Step(release=replace(release, revision=2), decisions=(samples.decision(),))
    store.commit(step)
    again = Step(release=replace(release, revision=3), decisions=(samples.decision(reason="another"),))
    with pytest.raises(AlreadyDecided) as refused:
        store.commit(again)
    assert (refused.value.release, refused.value.stage) == (RELEASE, samples.CANARY)
    assert store.decisions(RELEASE) == step.decisions
    assert store.release(RELEASE).revision == 2


def test_decisions_are_in_order_of_time(store: Store) -> None:
    release = opened(store, RELEASE)
    later = samples.decision(stage=StageName("a"), at=NOW + 20.0)
    sooner = samples.decision(stage=StageName("b"), at=NOW + 10.0)
    store.commit(Step(release=replace(release, revision=2), decisions=(later, sooner)))
    assert store.decisions(RELEASE) == (sooner, later)


def test_a_row_that_fails_takes_everything_before_it_with_it(store: Store) -> None:
    """I5: state, audit entry and outbox change together. The last row written repeats the id of a signal."""
    release = opened(store, RELEASE)
    told = store.undelivered(1)[0].signal
    step = replace(
        samples.tick_step(),
        release=replace(release, revision=2),
        decisions=(samples.decision(),),
        signals=(samples.signal(id="new"), told),
    )
    with pytest.raises(sa.exc.IntegrityError) as defect:
        store.commit(step, policy=samples.policy(digest="sha256:new"))
    assert told.reason not in str(defect.value), "what people wrote does not belong into logs"
    assert store.release(RELEASE) == release
    assert store.decisions(RELEASE) == ()
    assert store.history(RELEASE) == ()
    assert len(store.audit()) == 1
    assert [entry.signal for entry in store.undelivered(10)] == [told]
    with pytest.raises(NotFound):
        store.policy("sha256:new")


def test_of_many_writers_of_one_revision_one_wins(store: Store) -> None:
    """A lost update would be a lost rollback."""
    release = opened(store, "r1")
    steps = [
        Step(replace(release, revision=2), audit=(samples.audit_entry(release=release.id, actor=Actor(f"a{n}")),))
        for n in range(8)
    ]
    raised = at_once(*[lambda step=step: store.commit(step) for step in steps])
    assert raised.count(None) == 1
    assert all(isinstance(error, ReleaseChanged) for error in raised if error is not None)
    assert store.audit(release.id)[0].entry == steps[raised.index(None)].audit[0]
    assert len(store.audit(release.id)) == 2


def test_of_many_openers_of_one_service_one_wins(store: Store) -> None:
    store.commit(policy=samples.policy())
    steps = [opening(f"r{n}", service="checkout") for n in range(8)]
    raised = at_once(*[lambda step=step: store.commit(step) for step in steps])
    winner = steps[raised.index(None)].release
    assert store.active() == (winner,)
    others = [error for error in raised if error is not None]
    assert len(others) == 7
    assert {getattr(error, "active", None) for error in others} == {winner.id}


def test_writers_that_read_again_after_a_conflict_lose_nothing(store: Store) -> None:
    release = opened(store, "r1")

    def write_ten_times() -> None:
        done = 0
        while done < 10:
            step = replace(samples.next_step(store.release(release.id)), audit=(samples.audit_entry(release="r1"),))
            with contextlib.suppress(ReleaseChanged):
                store.commit(step)
                done += 1

    assert at_once(*[write_ten_times] * 4) == [None] * 4
    assert store.release(release.id).revision == 41
    assert len(store.audit(release.id)) == 41


def test_commits_that_cross_each_other_end_in_a_conflict_at_worst(store: Store) -> None:
    """Two commits of the same two releases in opposite order: PostgreSQL sees a deadlock and ends one of them."""
    first, second = opened(store, "r1"), opened(store, "r2")
    forwards = [samples.next_step(first), samples.next_step(second)]
    raised = at_once(lambda: store.commit(*forwards), lambda: store.commit(*reversed(forwards)))
    assert raised.count(None) == 1
    assert isinstance(next(error for error in raised if error is not None), Conflict)
    assert [release.revision for release in store.active()] == [2, 2]


# --- what can be stored -----------------------------------------------------------------------------------------

ODD_TEXTS = {
    "other scripts": "Größe 版本 🚀 \N{RIGHT-TO-LEFT OVERRIDE}",
    "NUL": "before\0after",
    "control characters": "\x1b[31m\r\n\t\x7f",
    "quotes and backslashes": """'; DROP TABLE releases; -- "\\" %s :name ?""",
    "a megabyte": "ä" * 500_000,
    "empty": "",
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_any_text_for_people_survives(store: Store, text: str) -> None:
    """A reason may quote what a server or a person said; it must not be what keeps the gate from writing."""
    step = replace(
        opening(RELEASE),
        decisions=(samples.decision(reason=text),),
        outcomes=(samples.outcome_change(result=samples.rule_result(reason=text)),),
        audit=(samples.audit_entry(detail=text),),
        signals=(samples.signal(reason=text),),
    )
    store.commit(step, policy=samples.policy())
    store.mark_failed(step.signals[0].id, NOW, text)
    assert store.decisions(RELEASE) == step.decisions
    assert store.history(RELEASE) == step.outcomes
    assert store.audit()[0].entry == step.audit[0]
    entry = store.undelivered(1)[0]
    assert entry.signal == step.signals[0]
    assert entry.last_error == text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def test_a_text_that_is_not_unicode_is_refused_whole(store: Store) -> None:
    with pytest.raises(InvalidInput, match="this Release cannot be stored"):
        opened(store, "r1", baseline="\ud800")
    assert store.active() == ()


_keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_instants = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    release=st.from_type(Release),
    keys=st.tuples(_keys, _keys, _keys, _keys),
    opened_at=_instants,
    ended_at=st.none() | _instants,
)
def test_any_release_survives(
    store: Store, release: Release, keys: tuple[str, str, str, str], opened_at: float, ended_at: float | None
) -> None:
    """As text, because NaN equals nothing."""
    for stored in store.active():
        store.commit(samples.next_step(stored, ended_at=NOW))
    name, service, environment, version = keys
    release = replace(
        release,
        id=ReleaseId(f"{len(store.releases(limit=10_000).releases)}{name}"),
        service=service,
        environment=environment,
        version=version,
        policy_digest=samples.policy().digest,
        opened_at=opened_at,
        ended_at=ended_at,
        revision=1,
    )
    store.commit(Step(release), policy=samples.policy())
    assert repr(store.release(release.id)) == repr(release)


# --- reading ----------------------------------------------------------------------------------------------------


def test_a_release_or_policy_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no release 'r1'"):
        store.release(ReleaseId("r1"))
    with pytest.raises(NotFound, match="no policy 'sha256:0'"):
        store.policy("sha256:0")


def test_nothing_is_remembered_of_a_release_that_is_not_there(store: Store) -> None:
    nobody = ReleaseId("r1")
    assert (store.history(nobody), store.decisions(nobody), store.audit(nobody)) == ((), (), ())


def test_active_releases_are_those_that_have_not_ended_by_id(store: Store) -> None:
    for name in ("r3", "r1", "r2"):
        opened(store, name)
    store.commit(samples.next_step(store.release(ReleaseId("r1")), phase=Phase.ABORTED, ended_at=NOW))
    assert names(store.active()) == ["r2", "r3"]


def test_the_active_release_of_a_service_is_found(store: Store) -> None:
    release = opened(store, "r1", service="checkout", environment="staging")
    assert store.find_active("checkout", "staging") == release
    assert store.find_active("checkout", "production") is None
    store.commit(samples.next_step(release, phase=Phase.ABORTED, ended_at=NOW))
    assert store.find_active("checkout", "staging") is None


def test_recent_releases_are_the_active_ones_and_those_that_ended_since(store: Store) -> None:
    opened(store, "active")
    ended(store, "before", at=NOW - 1.0)
    ended(store, "then", at=NOW)
    ended(store, "after", at=NOW + 1.0)
    assert names(store.recent(NOW)) == ["active", "after", "then"]


FILTERS = {
    "everything": (Filter(), ["r4", "r3", "r2", "r1"]),
    "a service": (Filter(service="checkout"), ["r4", "r2", "r1"]),
    "an environment": (Filter(environment="staging"), ["r2"]),
    "a version": (Filter(version="v3"), ["r4", "r3"]),
    "a phase": (Filter(phases=[Phase.ROLLED_BACK]), ["r1"]),
    "two phases": (Filter(phases=[Phase.ROLLED_BACK, Phase.BAKING]), ["r3", "r1"]),
    "no phase": (Filter(phases=[]), []),
    "active": (Filter(is_active=True), ["r4", "r3", "r2"]),
    "ended": (Filter(is_active=False), ["r1"]),
    "all together": (Filter(service="checkout", environment="production", version="v3", is_active=True), ["r4"]),
    "nothing fits": (Filter(service="checkout' OR 1=1"), []),
}


@pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS)
def test_releases_are_filtered_newest_first(store: Store, wanted: Filter, expected: list[str]) -> None:
    first = opened(store, "r1", service="checkout", opened_at=NOW)
    store.commit(samples.next_step(first, phase=Phase.ROLLED_BACK, ended_at=NOW + 1.0))
    opened(store, "r2", service="checkout", environment="staging", opened_at=NOW + 1.0)
    opened(store, "r3", service="basket", version="v3", phase=Phase.BAKING, opened_at=NOW + 2.0)
    opened(store, "r4", service="checkout", version="v3", opened_at=NOW + 3.0)
    assert names(store.releases(wanted).releases) == expected


def test_pages_join_without_gap_or_repetition_while_releases_are_opened_and_written(store: Store) -> None:
    """Seven releases in pages of two, most of them opened in the same instant."""
    for n in range(7):
        opened(store, f"r{n}", opened_at=NOW if n else NOW - 1.0)
    seen: list[str] = []
    cursor = ""
    while True:
        page = store.releases(limit=2, after=cursor)
        seen += names(page.releases)
        cursor = page.next_cursor
        if not cursor:
            break
        opened(store, f"newer{len(seen)}", opened_at=NOW + len(seen))
        store.commit(samples.next_step(page.releases[0], phase=Phase.BAKING))
    assert seen == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]


def test_a_page_that_is_just_full_is_the_last(store: Store) -> None:
    opened(store, "r1")
    opened(store, "r2")
    assert store.releases(limit=2).next_cursor == ""


def test_a_cursor_of_somebody_elses_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="cursor: 'bogus'"):
        store.releases(after="bogus")


def test_history_is_in_the_order_it_was_written(store: Store) -> None:
    release = opened(store, "r1")
    changes = [samples.outcome_change(result=samples.rule_result(outcome=outcome)) for outcome in Outcome]
    store.commit(Step(replace(release, revision=2), outcomes=tuple(changes[:3])))
    store.commit(Step(replace(release, revision=3), outcomes=tuple(changes[3:])))
    opened(store, "r2")
    assert store.history(release.id) == tuple(changes)
    assert store.history(release.id, limit=2) == tuple(changes[-2:])


def test_the_audit_is_paged_newest_first(store: Store) -> None:
    for n in range(5):
        opened(store, f"r{n}")
    first = store.audit(limit=2)
    second = store.audit(limit=2, before=first[-1].sequence)
    third = store.audit(limit=2, before=second[-1].sequence)
    assert [record.entry.release for record in first + second + third] == ["r4", "r3", "r2", "r1", "r0"]
    assert store.audit(limit=2, before=third[-1].sequence) == ()


def test_the_audit_of_one_release_is_its_own(store: Store) -> None:
    opened(store, "r1")
    release = opened(store, "r2")
    assert [record.entry.release for record in store.audit(release.id)] == ["r2"]


# --- the outbox -------------------------------------------------------------------------------------------------


def test_signals_are_told_in_the_order_they_arose(store: Store) -> None:
    step = replace(opening("r1"), signals=tuple(samples.signal(id=name, release="r1") for name in "cab"))
    store.commit(step, policy=samples.policy())
    assert [entry.signal.id for entry in store.undelivered(10)] == ["c", "a", "b"]
    assert [entry.signal.id for entry in store.undelivered(2)] == ["c", "a"]


def test_a_delivered_signal_is_not_told_again(store: Store) -> None:
    opened(store, "r1")
    store.mark_delivered("r1:1:release_opened", NOW)
    assert store.undelivered(10) == ()


def test_a_failed_signal_stays_and_says_what_happened(store: Store) -> None:
    opened(store, "r1")
    store.mark_failed("r1:1:release_opened", NOW + 5.0, "connection refused")
    store.mark_failed("r1:1:release_opened", NOW + 9.0, "503")
    (entry,) = store.undelivered(10)
    assert (entry.attempts, entry.attempted_at, entry.last_error) == (2, NOW + 9.0, "503")


def test_a_signal_that_keeps_failing_stands_in_nobodys_way(store: Store) -> None:
    opened(store, "r1")
    store.mark_failed("r1:1:release_opened", NOW, "410")
    opened(store, "r2")
    assert [entry.signal.release for entry in store.undelivered(1)] == ["r2"]


def test_a_late_failure_does_not_revive_a_delivered_signal(store: Store) -> None:
    """Two replicas told it; the slower one failed."""
    opened(store, "r1")
    store.mark_delivered("r1:1:release_opened", NOW)
    store.mark_failed("r1:1:release_opened", NOW + 1.0, "timeout")
    assert store.undelivered(10) == ()
    with store._database.reading() as connection:
        row = connection.execute(sa.select(outbox.c.delivered_at, outbox.c.attempts, outbox.c.last_error)).one()
    assert tuple(row) == (NOW, 1, "")


def test_marking_a_signal_that_is_not_there_is_harmless(store: Store) -> None:
    store.mark_delivered("nobody", NOW)
    store.mark_failed("nobody", NOW, "timeout")
    assert store.undelivered(10) == ()


def test_the_oldest_undelivered_signal_gives_the_age_of_the_backlog(store: Store) -> None:
    assert store.oldest_undelivered_at() is None
    opened(store, "r1", opened_at=NOW + 5.0)
    opened(store, "r2", opened_at=NOW + 3.0)
    assert store.oldest_undelivered_at() == NOW + 3.0
    store.mark_delivered("r2:1:release_opened", NOW + 6.0)
    assert store.oldest_undelivered_at() == NOW + 5.0


# --- retention --------------------------------------------------------------------------------------------------


def test_what_ended_long_ago_is_forgotten_with_all_that_hangs_on_it(store: Store) -> None:
    old, young = ended(store, "old", at=NOW - 1.0), ended(store, "young", at=NOW)
    assert store.prune(NOW) == Pruned(releases=1, outcomes=2, decisions=1, signals=1)
    with pytest.raises(NotFound):
        store.release(old.id)
    assert (store.history(old.id), store.decisions(old.id)) == ((), ())
    assert store.release(young.id) == young
    assert len(store.history(young.id)) == 2


def test_who_did_what_is_never_forgotten(store: Store) -> None:
    old = ended(store, "old", at=NOW - 1.0)
    store.prune(NOW)
    assert len(store.audit(old.id)) == 1


def test_an_active_release_is_never_forgotten(store: Store) -> None:
    release = opened(store, "r1", opened_at=0.0)
    assert store.prune(NOW) == Pruned()
    assert store.release(release.id) == release


def test_an_ended_release_is_kept_until_its_last_signal_is_told(store: Store) -> None:
    """I6: every signal is delivered at least once, and telling it takes the release."""
    old = ended(store, "old", at=NOW - 2.0)
    store.commit(Step(replace(old, revision=3), signals=(samples.signal(id="last", release=old.id),)))
    assert store.prune(NOW) == Pruned()
    store.mark_delivered("last", NOW)
    assert store.prune(NOW).releases == 1


def test_nothing_to_forget_is_nothing(store: Store) -> None:
    assert store.prune(NOW) == Pruned()


def test_more_than_one_batch_is_forgotten_in_one_go(store: Store) -> None:
    gone = [Step(replace(opening(f"r{n}").release, ended_at=NOW - n)) for n in range(1, 451)]
    store.commit(*gone, policy=samples.policy())
    assert store.prune(NOW) == Pruned(releases=450)
    assert store.releases().releases == ()


# --- readiness --------------------------------------------------------------------------------------------------


def test_a_healthy_store_answers_pings(store: Store) -> None:
    store.ping()
    store.ping()


def test_a_closed_store_can_be_opened_again(url: str) -> None:
    with contextlib.closing(Store.open(url, upgrades=True)) as store:
        release = opened(store, "r1")
    with contextlib.closing(Store.open(url)) as store:
        assert store.release(release.id) == release
