"""The demo's story: a good version goes through every stage, a bad one is rolled back."""

import threading
from collections.abc import Callable
from typing import Any

import requests

from deploy.demo.pipeline import PROMOTE, ROLLBACK, STAGES, Pipeline, Rollout, WentWrong
from deploy.demo.surroundings import Surroundings
from deploy.demo.timeline import Timeline, described

_GOOD, _BAD = "v2", "v3"
_ALERT = "GatedRollbackTriggered"
_PATIENCE_SECONDS = 30.0
_TOLERANCE = 0.03
"""How far the measured share of traffic may be from the planned one: requests under way at the shift."""


def tell(around: Surroundings, timeline: Timeline) -> None:
    """Promote a good version, roll back a bad one, and check that both really happened.

    Args:
        around: the servers.
        timeline: where it is told.

    Raises:
        WentWrong: something did not end as it should; the message says what.
    """
    pipeline = Pipeline(around, timeline)
    timeline.title("v1 serves all traffic; v2 is a good version")
    around.deploy("v1")
    around.workload.set_shares({"v1": 1.0})
    pipeline.await_scrape("v1")
    good = pipeline.roll_out(_GOOD, replaces="v1")
    timeline.title("v2 serves all traffic; v3 breaks under more than a tenth of it")
    bad = pipeline.roll_out(_BAD, replaces=_GOOD, faulty_above=0.1, beside_thresholds=True)
    _await(lambda: _ALERT in around.firing_alerts(), f"the alert {_ALERT} never reached Alertmanager")
    timeline.say(f"Alertmanager has the alert {_ALERT}")
    _await(lambda: not _release(around, bad)["active"], "the recovery was never seen")
    ended = _release(around, bad)
    timeline.say(f"release {bad.release} is {ended['phase'].replace('_', ' ')}", "good")
    timeline.title("How it ended")
    timeline.facts(_summary(around, good, bad, ended))
    timeline.title("How long the bad version went unnoticed")
    timeline.facts(
        [
            (
                "threshold",
                f"{described(bad.seconds_by_threshold):>6}   past a limit for 20s; 5 minutes, were this not so fast",
            ),
            (
                "sequential",
                f"{described(bad.seconds_to_detect):>6}   the same limits, judged by the evidence",
            ),
        ]
    )
    _check(around, good, bad, ended)


def _summary(around: Surroundings, good: Rollout, bad: Rollout, ended: dict[str, Any]) -> list[tuple[str, str]]:
    counts, rollback = around.workload.counts(), ended["rollback"]
    harmed, total = counts[_BAD].harmed, sum(count.requests for count in counts.values())
    recovered = rollback["seconds_to_recover"]
    return [
        ("v2, good", f"promoted through {good.stages} stages in {described(good.seconds)}"),
        ("  its share of traffic", ", ".join(f"{stage} {share:.1%}" for stage, share in good.shares.items())),
        ("v3, bad", f"rolled back at stage {bad.stages + 1} by {rollback['reason']}"),
        ("  detected", f"{described(bad.seconds_to_detect)} after the traffic reached it"),
        (
            "  gone back",
            f"{described(rollback['seconds_to_act'])} after the signal, once the thresholds had seen it too",
        ),
        ("  well again", "not seen" if recovered is None else f"{described(recovered)} after that"),
        ("  requests harmed", f"{harmed:,} of {counts[_BAD].requests:,} to v3, of {total:,} in all"),
    ]


def _check(around: Surroundings, good: Rollout, bad: Rollout, ended: dict[str, Any]) -> None:
    """Everything that must be true at the end."""
    counts = around.workload.counts()
    wrong = [
        message
        for is_wrong, message in (
            (good.ended != PROMOTE or good.stages != len(STAGES), f"v2 was not promoted through every stage: {good}"),
            (bad.ended != ROLLBACK or bad.stages != 1, f"v3 was not rolled back at its second stage: {bad}"),
            (bad.seconds_by_threshold < bad.seconds_to_detect, "thresholds were faster than the evidence"),
            (ended["phase"] != "rolled_back", f"v3's release ended {ended['phase']}"),
            (counts[_BAD].harmed == 0, "v3 harmed nobody, so nothing was proved"),
            *(
                (abs(share - STAGES[stage]) > _TOLERANCE, f"v2 had {share:.1%} of the traffic at {stage}")
                for stage, share in good.shares.items()
            ),
        )
        if is_wrong
    ]
    if wrong:
        raise WentWrong("; ".join(wrong))


def _release(around: Surroundings, rollout: Rollout) -> dict[str, Any]:
    answer = requests.get(f"{around.gated.url}/api/v1/releases/{rollout.release}", timeout=5)
    document: dict[str, Any] = answer.json()
    return document


def _await(is_true: Callable[[], bool], otherwise: str) -> None:
    for _ in range(round(_PATIENCE_SECONDS * 2)):
        if is_true():
            return
        threading.Event().wait(0.5)
    raise WentWrong(f"{otherwise} within {_PATIENCE_SECONDS:.0f} s")
