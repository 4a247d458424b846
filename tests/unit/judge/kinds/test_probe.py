"""What one look says about an endpoint."""

import pytest

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import probe
from gated.model.reading import (
    Reading,
    Value,
)
from gated.model.rule import ProbeRule
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import AT, WORKLOAD, finding_of


def assess_probe(reading: Reading, rule: ProbeRule | None = None) -> Assessment:
    """Assess a probe of the login."""
    rule = rule or samples.probe_rule()
    (query,) = probe.queries(rule, WORKLOAD)
    return probe.assess(rule, WORKLOAD, {query: reading})


def test_an_endpoint_that_answers_is_fine_and_one_that_does_not_is_past_its_limit() -> None:
    answers, refuses = assess_probe(Value(1.0, AT, detail="200 in 12 ms")), assess_probe(Value(0.0, AT))
    assert (answers.finding, answers.value, answers.reason) == (Finding.INSIDE, 0.0, "200 in 12 ms")
    assert (refuses.finding, refuses.value, refuses.reason) == (Finding.PAST, 1.0, "the endpoint does not answer")
    assert assess_probe(Value(1.0, AT)).reason == "the endpoint answers"


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_probe_that_was_not_made_is_blind(reason: Blindness) -> None:
    assert assess_probe(unseen(reason)).finding is finding_of(reason)


def test_nothing_of_a_release_reaches_a_probe() -> None:
    """Whoever opens a release must not be able to make the gate send requests of their choice."""
    rule = samples.probe_rule()
    assert probe.queries(rule, WORKLOAD) == probe.queries(rule, ())
