"""What one look's readings say about firing alerts."""

import pytest

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import alerts
from gated.model.reading import (
    FiringAlert,
    Value,
)
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import AT, finding_of


def assess_alerts(*firing: FiringAlert, began_at: float | None = 500.0) -> Assessment:
    """Assess a rule about the WAF's alerts, in a release that began at 500."""
    rule = samples.alerts_rule()
    (query,) = alerts.queries(rule, ())
    return alerts.assess(rule, (), {query: Value(len(firing), AT, "ALERTS", alerts=firing)}, began_at)


def test_no_firing_alert_is_fine() -> None:
    found = assess_alerts()
    assert (found.finding, found.value, found.query) == (Finding.INSIDE, 0.0, "ALERTS")


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_silence_that_proves_nothing_is_not_fine(reason: Blindness) -> None:
    rule = samples.alerts_rule()
    (query,) = alerts.queries(rule, ())
    found = alerts.assess(rule, (), {query: unseen(reason)}, None)
    assert (found.finding, found.code) == (finding_of(reason), reason.value)


@pytest.mark.parametrize(
    ("began_at", "since", "counted_from"),
    [
        pytest.param(500.0, (700.0,), 700.0, id="one alert"),
        pytest.param(500.0, (700.0, 600.0), 600.0, id="the oldest of the release's own"),
        pytest.param(500.0, (100.0, 600.0), 600.0, id="an older alert does not hide one of the release's own"),
        pytest.param(500.0, (100.0, 200.0), 100.0, id="only alerts from before the release"),
        pytest.param(500.0, (100.0, 500.0), 500.0, id="one that began with the release is its own"),
        pytest.param(None, (100.0, 600.0), 100.0, id="before the release the oldest counts"),
        pytest.param(500.0, (0.0,), None, id="the source does not say"),
        pytest.param(500.0, (600.0, 0.0), None, id="the source says it of some only"),
    ],
)
def test_alerts_count_from_when_they_became_active(
    began_at: float | None, since: tuple[float, ...], counted_from: float | None
) -> None:
    found = assess_alerts(*(FiringAlert(f"Waf{n}", at) for n, at in enumerate(since)), began_at=began_at)
    assert (found.finding, found.value, found.active_since) == (Finding.PAST, len(since), counted_from)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (1, "firing: A0"),
        (3, "firing: A0, A1, A2"),
        (4, "firing: A0, A1, A2 and 1 more"),
        (9, "firing: A0, A1, A2 and 6 more"),
    ],
)
def test_firing_alerts_are_named_and_the_rest_counted(number: int, sentence: str) -> None:
    assert assess_alerts(*(FiringAlert(f"A{n}", 600.0) for n in range(number))).reason == sentence


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Waf", "Waf", "Waf"], "firing: Waf (3)"),
        (["High429", "Waf", "Waf", "Waf"], "firing: High429, Waf (3)"),
        (["A", "B", "B", "C", "D", "D", "E"], "firing: A, B (2), C and 3 more"),
    ],
    ids=["one name", "two names", "more than are named"],
)
def test_a_name_of_many_firing_instances_is_told_once(names: list[str], sentence: str) -> None:
    found = assess_alerts(*(FiringAlert(name, 600.0) for name in names))
    assert (found.reason, found.value) == (sentence, len(names))


def test_an_older_instance_does_not_hide_one_of_the_same_name() -> None:
    found = assess_alerts(FiringAlert("Waf", 100.0), FiringAlert("Waf", 600.0), FiringAlert("Waf", 700.0))
    assert found.active_since == 600.0
