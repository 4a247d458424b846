"""Stories that lead to every phase of a release."""

from collections.abc import Callable

from gated.model.ids import Actor, StageName
from gated.model.release import Phase
from gated.model.verdict import Verdict
from tests import samples
from tests.judge_story import Facts, Story, World, healthy, one_stage

RULE = samples.ratio_rule(for_seconds=0.0)
FULL = StageName("full")
ADA, BOB = Actor("ada"), Actor("bob")


def opened(world: World = healthy) -> Story:
    """A release of two stages, just opened."""
    return Story(world, rules=[RULE], stages=[one_stage(), one_stage(name="full")])


def promotable(world: World = healthy) -> Story:
    """Its first stage may be claimed, at 315."""
    story = opened(world).start().run(315)
    assert story.verdict() is Verdict.PROMOTE
    return story


def rolling_back() -> Story:
    """Its first stage is rolled back."""
    return opened(lambda _: Facts(error_share=0.5)).start().run(15)


IN_PHASE: dict[Phase, Callable[[], Story]] = {
    Phase.OPEN: opened,
    Phase.BAKING: lambda: opened().start().run(60),
    Phase.BETWEEN: lambda: promotable().claim().run(60),
    Phase.ROLLING_BACK: rolling_back,
    Phase.RECOVERING: lambda: rolling_back().report_rolled_back(),
    Phase.COMPLETED: lambda: promotable().claim().start("full").run(315).claim(),
    Phase.ROLLED_BACK: lambda: rolling_back().report_rolled_back().run(3600),
    Phase.ABORTED: lambda: opened().start().run(60).abort(),
    Phase.SUPERSEDED: lambda: opened().start().run(60).supersede(),
}
"""A story that leads to each phase."""
