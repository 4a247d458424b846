"""What the daemon says of its last tick, in one sentence."""

import pytest

from gated.daemon.work import standing
from gated.model.ids import ReleaseId, SourceName
from gated.model.reading import FailureReason
from gated.operations.tick import Skipped, Tick
from gated.sources.look import QueryReport
from tests import samples

AT = 1_800_000_000.0
ANSWERED = QueryReport(SourceName("default"), "up", 0.01)
FAILED = QueryReport(SourceName("default"), "up", 0.7, FailureReason.TIMEOUT, "no answer in 700 ms")


def tick(*, looked: int = 0, skipped: int = 0, reports: tuple[QueryReport, ...] = ()) -> Tick:
    return Tick(
        tuple(samples.tick_step() for _ in range(looked)),
        tuple(Skipped(ReleaseId("r"), ValueError("broken")) for _ in range(skipped)),
        reports,
        len(reports),
    )


@pytest.mark.parametrize(
    ("done", "sentence"),
    [
        pytest.param(tick(), "No release under way; last look at 2027-01-15 08:00:00 UTC", id="nothing to do"),
        pytest.param(
            tick(looked=1, reports=(ANSWERED,)), "1 release watched; last look at 2027-01-15 08:00:00 UTC", id="one"
        ),
        pytest.param(
            tick(looked=3, reports=(ANSWERED, FAILED)),
            "3 releases watched; last look at 2027-01-15 08:00:00 UTC, 1 of 2 requests to sources failed",
            id="a source that fails",
        ),
        pytest.param(
            tick(looked=1, skipped=1),
            "2 releases watched; last look at 2027-01-15 08:00:00 UTC, 1 release could not be looked at",
            id="a release that breaks the look",
        ),
    ],
)
def test_a_tick_is_one_sentence(done: Tick, sentence: str) -> None:
    assert standing(done, AT) == sentence
