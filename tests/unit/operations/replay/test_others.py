"""What all instances but one did."""

import pytest

from gated.model.ids import DEFAULT_SOURCE
from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    Increase,
    Instant,
    Measure,
    Newest,
    NoData,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher, MatchOp, Workload
from gated.operations.replay.others import Others, less
from tests.replay_world import Past, service

NOW = 36_000.0
VERSION: Workload = (Matcher("service", "checkout"), Matcher("version", "v1"))
ONE = Matcher("instance", "checkout-v1-0")
REST: Workload = tuple(sorted((*VERSION, Matcher("instance", ONE.value, MatchOp.NOT_EQUAL))))
PAST = Past(service("checkout", instances=3, fails={0.0: 0.1}, slow={0.0: 0.2}), 0.0, NOW)


def read(measure: Measure, workload: Workload) -> Reading:
    query = Query(DEFAULT_SOURCE, measure, workload)
    return Others(PAST).read((query,), NOW).readings[query]


COUNTS: dict[str, Measure] = {
    "an increase": Increase("http_requests_total", 60.0),
    "events": Events("http_requests_total", NOW - 300, NOW),
    "observations": Observations("http_request_duration_seconds", NOW - 300, NOW),
}


@pytest.mark.parametrize("measure", COUNTS.values(), ids=COUNTS.keys())
def test_what_the_others_did_is_what_they_did(measure: Measure) -> None:
    """The world also knows the answer to the question itself."""
    query = Query(DEFAULT_SOURCE, measure, REST)
    asked_directly = PAST.read((query,), NOW).readings[query]
    found = read(measure, REST)
    assert isinstance(found, Value)
    assert isinstance(asked_directly, Value)
    assert found.number == pytest.approx(asked_directly.number)
    assert [bound for bound, _ in found.buckets] == [bound for bound, _ in asked_directly.buckets]
    assert [count for _, count in found.buckets] == pytest.approx([count for _, count in asked_directly.buckets])


def test_only_questions_are_sent_that_many_can_share() -> None:
    PAST.asked.clear()
    read(COUNTS["events"], REST)
    ((_, asked),) = PAST.asked
    assert all(matcher.op is MatchOp.EQUAL for query in asked for matcher in query.workload)
    assert len(asked) == 2


def test_the_history_of_the_others_has_no_track_of_the_one() -> None:
    found = read(CountHistory("http_requests_total", None, "instance", NOW - 600, NOW, 15.0), REST)
    assert isinstance(found, Value)
    assert [track.instance for track in found.tracks] == ["checkout-v1-1", "checkout-v1-2"]


def test_a_history_of_all_together_is_less_by_what_the_one_did() -> None:
    measure = CountHistory("http_requests_total", None, "", NOW - 600, NOW, 15.0)
    whole, rest, one = (read(measure, each) for each in (VERSION, REST, tuple(sorted((*VERSION, ONE)))))
    assert isinstance(whole, Value)
    assert isinstance(rest, Value)
    assert isinstance(one, Value)
    for all_of_it, other, own in zip(whole.tracks[0].counts, rest.tracks[0].counts, one.tracks[0].counts, strict=True):
        assert all_of_it is not None
        assert own is not None
        assert other == pytest.approx(all_of_it - own)


def test_how_fresh_the_others_are_is_read_off_all_of_them() -> None:
    assert read(Newest("http_requests_total"), REST) == read(Newest("http_requests_total"), VERSION)


def test_what_is_no_count_is_asked_as_it_is() -> None:
    PAST.asked.clear()
    read(Instant("process_resident_memory_bytes"), REST)
    ((_, (query,)),) = PAST.asked
    assert query.workload == REST


QUERY = Query(DEFAULT_SOURCE, Events("x", 0.0, 1.0), VERSION)
ABSENT = NoData(NoDataReason.ABSENT)
FAILED = QueryFailed(FailureReason.AMBIGUOUS)


@pytest.mark.parametrize(
    ("everyone", "one", "expected"),
    [
        pytest.param(Value(5.0, NOW), ABSENT, Value(5.0, NOW), id="the one did nothing"),
        pytest.param(ABSENT, ABSENT, ABSENT, id="nobody did anything"),
        pytest.param(FAILED, Value(1.0, NOW), FAILED, id="no answer for all"),
        pytest.param(Value(5.0, NOW), FAILED, FAILED, id="no answer for the one"),
        pytest.param(Value(5.0, NOW), Value(6.0, NOW), Value(0.0, NOW, " - "), id="never less than nothing"),
    ],
)
def test_an_answer_that_is_missing_is_not_made_up(everyone: Reading, one: Reading, expected: Reading) -> None:
    assert less(QUERY, everyone, one) == expected
