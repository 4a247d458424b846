"""From tracks of instances to stretches that can be learned from."""

import pytest

from gated.judge.stats import calibration, history
from gated.judge.stats.history import Stretch
from gated.model.evidence import Counts
from gated.model.reading import Track
from tests.unit.judge.stats.simulated_service import LOOKS_AN_HOUR, STEP_SECONDS, Service, seeded


def constant(name: str, number: float, looks: int, absent: range = range(0)) -> Track:
    return Track(name, tuple(None if look in absent else number for look in range(looks)))


def turns_of(total: list[Track], step_seconds: float = STEP_SECONDS) -> list[tuple[str, int]]:
    """Who had a turn, and from which look."""
    everyone = history.instances([], total)
    return [(instance.name, hour.start) for instance, hour in history.in_turn(everyone, step_seconds)]


def test_errors_and_requests_meet_by_name() -> None:
    total = [Track("a", (10.0, 10.0)), Track("b", (20.0, 20.0))]
    bad = [Track("b", (2.0, 3.0)), Track("a", (1.0, 0.0)), Track("unknown", (9.0, 9.0))]
    a, b = history.instances(bad, total)
    assert (a.name, a.bad, a.total) == ("a", [1, 0], [10, 10])
    assert (b.name, b.bad, b.total) == ("b", [2, 3], [20, 20])


def test_requests_without_errors_are_zero_errors() -> None:
    only, partly = history.instances(
        [Track("partly", (None, 1.0))], [Track("only", (5.0,)), Track("partly", (5.0, 5.0))]
    )
    assert only.bad == [0, 0]
    assert partly.bad == [0, 1]


@pytest.mark.parametrize(
    ("bad", "total", "counted"),
    [
        pytest.param(3.0, 2.0, (2, 2), id="more bad than there were"),
        pytest.param(float("nan"), 2.0, (0, 2), id="errors are not a number"),
        pytest.param(float("inf"), 2.0, (0, 2), id="infinite errors"),
        pytest.param(-1.0, 2.0, (0, 2), id="negative errors"),
        pytest.param(1.0, float("nan"), (0, 0), id="requests are not a number"),
        pytest.param(1.0, float("inf"), (0, 0), id="infinite requests"),
        pytest.param(1.0, -1.0, (0, 0), id="negative requests"),
        pytest.param(1.0, None, (0, 0), id="errors without requests"),
    ],
)
def test_what_is_no_count_counts_for_nothing(bad: float, total: float | None, counted: tuple[float, float]) -> None:
    (one,) = history.instances([Track("a", (bad, 1.0))], [Track("a", (total, 1.0))])
    assert (one.bad[0], one.total[0]) == counted


def test_an_instance_without_any_sample_was_never_there() -> None:
    assert history.instances([], [constant("a", 1.0, 5, absent=range(5))]) == []


def test_every_instance_has_its_turn_before_one_has_two() -> None:
    turns = turns_of([constant(f"pod-{n}", 10.0, 4 * LOOKS_AN_HOUR) for n in range(9)])
    assert len(turns) == len(set(turns)) == 24
    assert len({name for name, _ in turns[:9]}) == 9
    hours = [start for _, start in turns]
    assert {hours.count(start) for start in set(hours)} == {6}


def test_a_large_service_costs_no_more() -> None:
    turns = turns_of([constant(f"pod-{n}", 10.0, 4 * LOOKS_AN_HOUR) for n in range(50)])
    assert len({name for name, _ in turns}) == 24


def test_a_small_service_gives_all_its_hours() -> None:
    assert sorted(turns_of([constant(name, 10.0, 4 * LOOKS_AN_HOUR) for name in "ab"])) == [
        (name, start) for name in "ab" for start in (0, 240, 480, 720)
    ]


def test_of_a_long_history_the_newest_hours_are_used() -> None:
    turns = turns_of([constant(name, 10.0, 30 * LOOKS_AN_HOUR) for name in "ab"])
    assert min(start for _, start in turns) == 6 * LOOKS_AN_HOUR


def test_only_steady_hours_are_used() -> None:
    """An hour in which it was away, or had just started, says nothing about a steady instance."""
    looks = 4 * LOOKS_AN_HOUR
    turns = turns_of(
        [
            constant("away", 10.0, looks, absent=range(300, 400)),
            constant("born", 10.0, looks, absent=range(475)),
            constant("scraped badly", 10.0, looks, absent=range(7)),
        ]
    )
    assert sorted(turns) == [
        ("away", 0),
        ("away", 480),
        ("away", 720),
        ("born", 720),
        *(("scraped badly", start) for start in (0, 240, 480, 720)),
    ]


def test_a_history_shorter_than_an_hour_is_one_turn() -> None:
    assert turns_of([constant("a", 10.0, 50)]) == [("a", 0)]


def test_looks_longer_than_an_hour_are_turns_of_their_own() -> None:
    assert sorted(turns_of([constant("a", 10.0, 3)], step_seconds=7200)) == [("a", 0), ("a", 1), ("a", 2)]


def test_a_pseudo_canary_is_compared_with_all_the_others() -> None:
    total = [constant("a", 10.0, 240), constant("b", 20.0, 240), constant("brief", 5.0, 240, absent=range(100, 240))]
    bad = [constant("a", 1.0, 240), constant("brief", 2.0, 240, absent=range(100, 240))]
    turns = calibration.pseudo_canaries(bad, total, STEP_SECONDS)
    looks = {canary.total[0]: (looked(canary, others, 0), looked(canary, others, 200)) for canary, others in turns}
    assert looks == {
        10: ((Counts(1, 10), Counts(2, 25)), (Counts(1, 10), Counts(0, 20))),
        20: ((Counts(0, 20), Counts(3, 15)), (Counts(0, 20), Counts(1, 10))),
    }


def looked(canary: Stretch, others: Stretch, at: int) -> tuple[Counts, ...]:
    """One look of both sides."""
    return tuple(Counts(side.bad[at], side.total[at]) for side in (canary, others))


def test_nobody_plays_canary_against_nobody() -> None:
    bad, total = Service(instances=1).tracks(LOOKS_AN_HOUR, seeded(1))
    assert calibration.pseudo_canaries(bad, total, STEP_SECONDS) == []
    assert calibration.pseudo_canaries([], [], STEP_SECONDS) == []


def test_a_missing_look_keeps_its_place_in_time() -> None:
    total = [constant("a", 10.0, 240, absent=range(7, 8)), constant("b", 10.0, 240)]
    turns = calibration.pseudo_canaries([], total, STEP_SECONDS)
    assert all(len(column) == 240 for turn in turns for side in turn for column in side)
    assert any(looked(*turn, 7) == (Counts(), Counts(0, 10)) for turn in turns)
