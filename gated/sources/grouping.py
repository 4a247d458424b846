"""Which queries share one request: those that differ only in the values of their workload's labels.

1,000 releases × 6 rules = 6,000 queries = 6 requests.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gated.model.errors import InvalidInput
from gated.model.reading import CountHistory, FailureReason, Measure, Query, QueryFailed
from gated.model.selection import Workload, is_exact
from gated.promql import render
from gated.sources.errors import brief

Labels = tuple[str, ...]
"""The names of the labels by which an answer is handed out."""

Identity = tuple[str, ...]
"""The values of the labels by which an answer is handed out."""


Express = Callable[[Measure, Workload, Labels], str]
"""Puts a measure of a workload, grouped by labels, into the words of a source; raises InvalidInput if it cannot."""


class Asked(NamedTuple):
    """A query, and how it reads when it is asked alone: what people are shown, and may paste elsewhere."""

    query: Query
    expression: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request and the queries it answers.

    Args:
        measure: what is asked.
        expression: the same in the words of the source, for the workloads of all of its queries together.
        by: the labels by which the answer is handed out; empty when all of it belongs to the one query.
        asked: the queries, by their values of those labels.
    """

    measure: Measure
    expression: str
    by: Labels
    asked: Mapping[Identity, Asked]

    def identity(self, labels: Mapping[str, str]) -> Identity:
        """Whose a series of the answer is."""
        return tuple(labels.get(name, "") for name in self.by)


def requests_for(queries: Iterable[Query], express: Express) -> tuple[list[Request], dict[Query, QueryFailed]]:
    """The fewest requests that answer every query.

    Queries of one measure whose workloads are picked by equality on the same labels share one request: it asks for
    all of their values and groups by the labels. Any other query has a request of its own, as the workload of a
    series cannot be read from its labels when it was found by a regular expression. So has a history, which is long.

    Args:
        queries: of one source.
        express: how to put them into words.

    Returns:
        The requests, and a reading for each query that cannot be put into words; that one takes no other with it.
    """
    shared: defaultdict[tuple[Measure, Labels], dict[Identity, Asked]] = defaultdict(dict)
    requests: list[Request] = []
    refused: dict[Query, QueryFailed] = {}
    for query in queries:
        by = shared_labels(query)
        try:
            asked = Asked(query, express(query.measure, query.workload, by))
        except InvalidInput as error:
            refused[query] = QueryFailed(FailureReason.BAD_QUERY, brief(str(error)))
            continue
        if by:
            shared[query.measure, by][tuple(matcher.value for matcher in query.workload)] = asked
        else:
            requests.append(Request(query.measure, asked.expression, (), {(): asked}))
    for (measure, by), of_identity in shared.items():
        values = zip(by, zip(*of_identity, strict=True), strict=True)
        workload = tuple(render.any_of(name, each) for name, each in values)
        requests.append(Request(measure, express(measure, workload, by), by, of_identity))
    return requests, refused


def shared_labels(query: Query) -> Labels:
    """The labels by which an answer for many workloads can be handed out to this one; empty when it cannot."""
    if isinstance(query.measure, CountHistory):
        return ()
    names = tuple(matcher.name for matcher in query.workload)
    return names if is_exact(query.workload) and len(set(names)) == len(names) else ()
