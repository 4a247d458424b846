"""From the alerts of a Prometheus to the end of a release: whose fault an alert is."""

from collections.abc import Iterator

import pytest

from gated.judge.queries import queries_for
from gated.model.ids import DEFAULT_SOURCE
from gated.model.release import Phase
from gated.model.rule import OnBreach
from gated.model.verdict import Outcome, Verdict
from gated.sources.reader import Sources
from gated.sources.settings import SourceSettings
from tests import samples
from tests.fakes.prometheus import FakePrometheus
from tests.judge_story import Story, one_stage


class Watched:
    """A release that is guarded by the WAF's alerts, as a Prometheus tells them.

    Args:
        prometheus: the server; its clock is the story's.
        story: the release.
    """

    def __init__(self) -> None:
        rule = samples.alerts_rule(on_breach=OnBreach.ROLLBACK)
        self.story = Story(rules=[rule], stages=[one_stage()])
        self.prometheus = FakePrometheus(lambda: self.story.now)

    def fire(self, instance: str, active_since: float) -> None:
        """Let an instance of an alert fire, active since that time of the story."""
        release = self.story.release
        self.prometheus.alert(
            "WafBlocks",
            active_since=samples.NOW + active_since,
            instance=instance,
            service=release.service,
            version=release.version,
        )

    def look_after(self, seconds: float) -> None:
        """Look at the server once that time has passed."""
        self.story.skip(seconds)
        with Sources([SourceSettings(DEFAULT_SOURCE, self.prometheus.url)]) as sources:
            queries = queries_for(
                self.story.release, self.story.policy, now=self.story.now, interval_seconds=self.story.interval
            )
            self.story.look(sources.read(queries, self.story.now).readings)


@pytest.fixture
def watched() -> Iterator[Watched]:
    told = Watched()
    with told.prometheus:
        yield told


def test_an_old_instance_does_not_excuse_a_new_one_of_the_same_alert(watched: Watched) -> None:
    """With the earliest time of the name alone, the release would never be blamed while the old instance fires."""
    watched.fire("a", active_since=-600)
    watched.story.start()
    watched.look_after(15)
    assert (watched.story.outcome(), watched.story.result().is_pre_existing) == (Outcome.BREACH, True)
    assert watched.story.verdict() is Verdict.HOLD

    watched.fire("b", active_since=20)
    watched.look_after(15)
    assert (watched.story.outcome(), watched.story.result().is_pre_existing) == (Outcome.BREACH, False)
    assert watched.story.verdict() is Verdict.ROLLBACK
    assert watched.story.phase() is Phase.ROLLING_BACK
    assert watched.story.result().reason == "firing: WafBlocks (2)"
