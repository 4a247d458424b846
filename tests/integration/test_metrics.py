"""What /metrics shows: true to the store, clean to promtool, without a release's id."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import binaries
from gated.model.reading import FailureReason
from gated.signals.metrics import Metrics
from tests.serving import ServedGate


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    with ServedGate(tmp_path) as gate:
        yield gate


def sample(served: ServedGate, line: str) -> str | None:
    """The value of a series, as text; None when there is no such series."""
    for row in served.get("/metrics").text.splitlines():
        if row.startswith(line + " "):
            return row.rpartition(" ")[2]
    return None


VERDICT = 'gated_stage_verdict{{environment="production",service="checkout",stage="canary-5",verdict="{}"}}'


def test_promtool_finds_nothing_to_say(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(20)
    served.metrics.query_sent("default", 0.01, FailureReason.TIMEOUT)
    served.world.is_dark = True
    served.tick()
    promtool = binaries.find("promtool")
    checked = subprocess.run(
        [str(promtool.path), "check", "metrics"],
        input=served.get("/metrics").text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_present_verdict_is_1_and_the_others_0(served: ServedGate) -> None:
    release = served.open()
    assert sample(served, VERDICT.format("pending")) is None, "no series before the stage starts"
    served.start(release)
    served.tick(125)
    values = {
        verdict: sample(served, VERDICT.format(verdict)) for verdict in ("pending", "promote", "hold", "rollback")
    }
    assert values == {"pending": "0.0", "promote": "1.0", "hold": "0.0", "rollback": "0.0"}


def test_a_gate_that_stopped_looking_shows_hold(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(125)
    served.now += 120
    assert sample(served, VERDICT.format("promote")) == "0.0"
    assert sample(served, VERDICT.format("hold")) == "1.0"


def test_rollbacks_exist_at_zero_from_the_start_of_a_stage(served: ServedGate) -> None:
    """An alert on `increase()` never sees a counter that is born at 1."""
    series = 'gated_rollbacks_triggered_total{environment="production",rule="error-rate",service="checkout"}'
    release = served.open()
    served.start(release)
    assert sample(served, series) == "0.0"
    served.tick(20)
    served.world.error_share = 0.5
    served.tick(22)
    assert sample(served, series) == "1.0"
    assert sample(served, 'gated_decisions_total{decision="rolled_back",reason="rule"}') == "1.0"
    assert sample(served, "gated_detection_seconds_sum") == "300.0"


BLIND_SINCE = 'gated_stage_blind_since_timestamp_seconds{environment="production",service="checkout",stage="canary-5"}'


def test_a_stage_is_blind_since_the_first_look_without_evidence_and_no_longer(served: ServedGate) -> None:
    release = served.open()
    served.world.is_dark = True
    served.tick()
    assert sample(served, BLIND_SINCE) is None, "nothing waits for evidence before the first stage"
    served.world.is_dark = False
    served.start(release)
    served.tick(20)
    assert sample(served, BLIND_SINCE) is None
    served.world.is_dark = True
    served.tick()
    since = served.now
    served.tick(4)
    assert float(sample(served, BLIND_SINCE) or 0) == since
    served.world.is_dark = False
    served.tick()
    assert sample(served, BLIND_SINCE) is None


def test_a_release_that_ended_is_not_blind(served: ServedGate) -> None:
    """Its last results stay for an hour, and would call people to a release that is over."""
    release = served.open()
    served.start(release)
    served.tick(20)
    served.world.is_dark = True
    served.tick(2)
    served.post(f"/api/v1/releases/{release}/abort")
    assert "gated_rule_blind{" in served.get("/metrics").text
    assert sample(served, BLIND_SINCE) is None


def rolled_back(served: ServedGate) -> str:
    """A release that had to go back at `served.now`."""
    release = served.open()
    served.start(release)
    served.tick(20)
    served.world.error_share = 0.5
    while sample(served, VERDICT.format("rollback")) != "1.0":
        served.tick()
    return release


TRIGGERED = (
    'gated_rollback_triggered_timestamp_seconds{baseline="v1",cause="rule",environment="production",'
    'rule="error-rate",service="checkout",version="v2"}'
)
RECOVERED = 'gated_rollback_recovered{baseline="v1",environment="production",service="checkout",version="v2"}'


def test_a_rollback_is_told_with_its_rule_even_when_the_next_release_has_begun(served: ServedGate) -> None:
    rolled_back(served)
    at = served.now
    assert float(sample(served, TRIGGERED) or 0) == at
    served.now += 1
    served.open(version="v3", supersede=True)
    assert float(sample(served, TRIGGERED) or 0) == at
    served.now += 3601
    assert sample(served, TRIGGERED) is None


def test_the_same_version_rolled_back_twice_is_one_series_with_the_later_time(served: ServedGate) -> None:
    """Two series with the same labels would make the whole scrape fail."""
    first = rolled_back(served)
    served.post(f"/api/v1/releases/{first}/rolled-back")
    served.world.error_share = 0.0
    served.tick(40)
    second = rolled_back(served)
    assert second != first
    text = served.get("/metrics").text
    assert text.count("gated_rollback_triggered_timestamp_seconds{") == 1
    assert float(sample(served, TRIGGERED) or 0) == served.now


def test_a_recovery_is_open_from_the_report_until_the_service_is_well(served: ServedGate) -> None:
    release = rolled_back(served)
    assert sample(served, RECOVERED) is None, "nobody has gone back yet"
    served.post(f"/api/v1/releases/{release}/rolled-back")
    served.tick(2)
    assert sample(served, RECOVERED) == "0.0"
    served.world.error_share = 0.0
    served.tick(40)
    assert sample(served, RECOVERED) == "1.0"


def test_a_recovery_that_was_never_seen_stays_open(served: ServedGate) -> None:
    release = rolled_back(served)
    served.post(f"/api/v1/releases/{release}/rolled-back")
    served.tick(70)
    assert served.get(f"/api/v1/releases/{release}").json()["phase"] == "rolled_back"
    assert sample(served, RECOVERED) == "0.0"


def test_series_of_an_ended_release_go_after_an_hour(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(2)
    served.post(f"/api/v1/releases/{release}/abort")
    assert sample(served, VERDICT.format("hold")) == "1.0"
    served.now += 3601
    assert sample(served, VERDICT.format("hold")) is None


def test_a_new_release_takes_the_place_of_the_ended_one(served: ServedGate) -> None:
    old = served.open()
    served.start(old)
    served.tick()
    served.now += 1
    served.open(version="v3", supersede=True)
    text = served.get("/metrics").text
    assert text.count("gated_release_info{") == 1
    assert 'version="v3"' in text


def test_an_id_of_a_release_is_nowhere(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(20)
    assert release not in served.get("/metrics").text


def test_a_rule_says_what_its_value_is_measured_in(served: ServedGate) -> None:
    """A dashboard cannot draw a share and a duration on one axis."""
    release = served.open()
    served.start(release)
    served.tick()
    rule = 'gated_rule_info{{environment="production",rule="{}",service="checkout",unit="{}"}}'
    assert sample(served, rule.format("error-rate", "ratio")) == "1.0"
    assert served.get("/metrics").text.count("gated_rule_info{") == len(served.policy.rules)


def test_the_address_for_people_is_told_and_empty_when_nobody_said() -> None:
    assert b'gated_config_info{external_url=""} 1.0' in Metrics().exposition()[0]
    told = Metrics(external_url="https://gated.example").exposition()[0]
    assert b'gated_config_info{external_url="https://gated.example"} 1.0' in told
