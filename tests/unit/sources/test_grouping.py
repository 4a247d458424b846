"""Which queries share a request."""

from gated.model.ids import DEFAULT_SOURCE
from gated.model.reading import CountHistory, Events, FailureReason, Increase, Measure, Query
from gated.model.selection import Matcher, MatchOp, Workload
from gated.promql.syntax import PromQLError
from gated.sources.grouping import requests_for


def words(measure: Measure, workload: Workload, by: tuple[str, ...]) -> str:
    if measure == REFUSED or UNSPEAKABLE in workload:
        raise PromQLError("cannot be\nsaid")
    return f"{measure} of {', '.join(map(str, workload))} by {by}"


SEEN = Increase("seen_total", 60.0)
FAILED = Increase("failed_total", 60.0)
UNSPEAKABLE = Matcher("version", "\ud800")
REFUSED = Increase("refused_total", 60.0)


def of(service: str, version: str) -> Workload:
    return (Matcher("service", service), Matcher("version", version))


def query(measure: Measure, workload: Workload = ()) -> Query:
    return Query(DEFAULT_SOURCE, measure, workload)


def test_workloads_of_the_same_labels_share_a_request_per_measure() -> None:
    queries = [query(measure, of(f"s{number}", "v1")) for measure in (SEEN, FAILED) for number in range(1000)]
    requests, refused = requests_for(queries, words)
    assert [(request.measure, request.by) for request in requests] == [
        (SEEN, ("service", "version")),
        (FAILED, ("service", "version")),
    ]
    assert requests[0].asked["s7", "v1"].query == query(SEEN, of("s7", "v1"))
    assert sum(len(request.asked) for request in requests) == 2000
    assert refused == {}


def test_the_shared_request_names_every_value_once() -> None:
    queries = [query(SEEN, of("cart", "v1")), query(SEEN, of("shop", "v1"))]
    (request,), _ = requests_for(queries, words)
    assert "service=~'cart|shop', version='v1' by ('service', 'version')" in request.expression


def test_each_query_is_shown_as_if_it_was_asked_alone() -> None:
    (request,), _ = requests_for([query(SEEN, of(service, "v1")) for service in ("cart", "shop")], words)
    assert "service='cart', version='v1' by" in request.asked["cart", "v1"].expression


def test_workloads_of_other_labels_have_another_request() -> None:
    queries = [query(SEEN, of("cart", "v1")), query(SEEN, (Matcher("job", "cart"),)), query(SEEN)]
    requests, _ = requests_for(queries, words)
    assert sorted(request.by for request in requests) == [(), ("job",), ("service", "version")]


def test_a_workload_found_by_a_pattern_or_by_two_matchers_of_a_label_is_asked_alone() -> None:
    by_pattern = (Matcher("pod", "cart-.*", MatchOp.REGEX),)
    by_exception = (Matcher("version", "v1", MatchOp.NOT_EQUAL),)
    twice = (Matcher("version", "v1"), Matcher("version", "v2"))
    requests, _ = requests_for([query(SEEN, each) for each in (by_pattern, by_exception, twice)], words)
    assert [request.by for request in requests] == [(), (), ()]


def test_a_history_shares_its_request_with_no_other_workload() -> None:
    past = CountHistory("seen_total", None, "instance", 0.0, 3600.0, 15.0)
    requests, _ = requests_for([query(past, of(service, "v1")) for service in ("cart", "shop", "cart")], words)
    assert [request.by for request in requests] == [(), (), ()]


def test_events_share_a_request_as_far_as_they_are_counted_from_and_to_the_same_times() -> None:
    measures = (Events("seen_total", 0.0, 15.0), Events("seen_total", 0.0, 15.0), Events("seen_total", 0.5, 15.0))
    queries = [query(measure, of(f"s{number}", "v1")) for number, measure in enumerate(measures)]
    requests, _ = requests_for(queries, words)
    assert [len(request.asked) for request in requests] == [2, 1]


def test_a_measure_that_cannot_be_said_is_a_bad_query_and_stops_no_other() -> None:
    queries = [query(REFUSED, of("cart", "v1")), query(REFUSED), query(SEEN, of("cart", "v1"))]
    requests, refused = requests_for(queries, words)
    assert [request.measure for request in requests] == [SEEN]
    assert set(refused) == set(queries[:2])
    assert {(reading.reason, reading.detail) for reading in refused.values()} == {
        (FailureReason.BAD_QUERY, "cannot be said")
    }


def test_a_workload_that_cannot_be_said_takes_no_other_with_it() -> None:
    odd = query(SEEN, (Matcher("service", "cart"), UNSPEAKABLE))
    requests, refused = requests_for([odd, query(SEEN, of("shop", "v1"))], words)
    assert [list(request.asked) for request in requests] == [[("shop", "v1")]]
    assert list(refused) == [odd]
