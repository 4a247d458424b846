"""The nouns: their orders, their look-ups, their copies."""

from dataclasses import FrozenInstanceError, replace

import pytest

from gated.model.errors import Conflict, GatedError, InvalidInput, NotAllowed, NotFound, Unavailable
from gated.model.ids import PlanName, RuleName, StageName
from gated.model.plan import LabelTemplate, Rulebook
from gated.model.release import RuleState
from gated.model.rule import Limit, OnBreach, Rule, Scope, Side
from gated.model.secret import MASK, Secret
from gated.model.selection import Matcher, MatchOp
from gated.model.units import Unit
from gated.model.verdict import Outcome, Verdict
from tests import samples

# --- outcome and verdict -----------------------------------------------------------------------------------------


def test_outcomes_are_ordered_from_fine_to_breach() -> None:
    assert sorted(Outcome) == [Outcome.OK, Outcome.PENDING, Outcome.NO_DATA, Outcome.ERROR, Outcome.BREACH]


def test_the_worst_outcome_is_the_greatest() -> None:
    assert max(Outcome.OK, Outcome.ERROR, Outcome.PENDING) is Outcome.ERROR


def test_outcomes_keep_the_numbers_they_are_stored_under() -> None:
    assert {outcome.text: outcome.value for outcome in Outcome} == {
        "ok": 0,
        "pending": 10,
        "no_data": 20,
        "error": 30,
        "breach": 40,
    }


def test_the_gate_is_blind_without_data_and_without_an_answer() -> None:
    assert {outcome for outcome in Outcome if outcome.is_blind} == {Outcome.NO_DATA, Outcome.ERROR}


def test_verdicts_are_the_four_of_the_poll_contract() -> None:
    assert [verdict.value for verdict in Verdict] == ["pending", "promote", "hold", "rollback"]


# --- rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "value", "passed"),
    [
        (Side.ABOVE, 1.9, False),
        (Side.ABOVE, 2.0, False),
        (Side.ABOVE, 2.1, True),
        (Side.BELOW, 2.1, False),
        (Side.BELOW, 2.0, False),
        (Side.BELOW, 1.9, True),
    ],
)
def test_a_limit_is_the_last_harmless_value(side: Side, value: float, passed: bool) -> None:
    assert Limit(2.0, side).is_passed_by(value) is passed


@pytest.mark.parametrize(("on_breach", "blocks"), [("rollback", True), ("hold", True), ("warn", False)])
def test_a_rule_that_only_warns_does_not_block(on_breach: str, blocks: bool) -> None:
    assert samples.ratio_rule(on_breach=OnBreach(on_breach)).is_blocking is blocks


@pytest.mark.parametrize(
    ("rule", "kind", "unit", "scope"),
    [
        (samples.ratio_rule(), "ratio", Unit.RATIO, Scope.VERSION),
        (samples.quantile_rule(), "quantile", Unit.SECONDS, Scope.VERSION),
        (samples.value_rule(), "value", Unit.NUMBER, Scope.VERSION),
        (samples.alerts_rule(), "alerts", Unit.COUNT, Scope.GLOBAL),
        (samples.probe_rule(), "probe", Unit.COUNT, Scope.GLOBAL),
    ],
    ids=["ratio", "quantile", "value", "alerts", "probe"],
)
def test_every_kind_knows_its_name_its_unit_and_its_scope(rule: Rule, kind: str, unit: Unit, scope: Scope) -> None:
    assert (rule.kind, rule.unit, rule.scope) == (kind, unit, scope)


def test_a_rule_cannot_be_changed() -> None:
    rule = samples.ratio_rule()
    with pytest.raises(FrozenInstanceError):
        rule.for_seconds = 0.0  # type: ignore[misc]  # that it is refused is the point


# --- plans -------------------------------------------------------------------------------------------------------


def test_a_policy_finds_its_stages_by_name() -> None:
    policy = samples.policy()
    assert policy.stage(StageName("full")) is policy.plan.stages[2]


def test_a_stage_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotFound) as missing:
        samples.policy().stage(StageName("half"))
    assert str(missing.value) == "plan standard has no stage 'half'; it has canary-5, canary-25, full"


def test_a_rulebook_finds_its_policies_by_plan() -> None:
    policy = samples.policy()
    assert Rulebook({}, {policy.plan.name: policy}).policy(policy.plan.name) is policy


@pytest.mark.parametrize(
    ("plans", "known"), [(("slow", "fast"), "fast, slow"), ((), "none")], ids=["two plans", "no plan"]
)
def test_a_plan_that_is_not_there_is_told_with_those_that_are(plans: tuple[str, ...], known: str) -> None:
    book = Rulebook({}, {PlanName(name): samples.policy() for name in plans})
    with pytest.raises(NotFound) as missing:
        book.policy(PlanName("standard"))
    assert str(missing.value) == f"there is no plan 'standard'; there is {known}"


@pytest.mark.parametrize(
    ("template", "tells"),
    [("{version}", True), ("{service}-{version}-.+", True), ("{service}", False), ("version", False)],
)
def test_a_label_tells_versions_apart_when_the_version_is_in_it(template: str, tells: bool) -> None:
    assert LabelTemplate("pod", template).depends_on_version is tells


def test_a_matcher_reads_like_promql() -> None:
    assert str(Matcher("pod", "v2-.+", MatchOp.REGEX)) == "pod=~'v2-.+'"
    assert sorted([Matcher("b", "1"), Matcher("a", "2")]) == [Matcher("a", "2"), Matcher("b", "1")]


# --- releases ----------------------------------------------------------------------------------------------------


def test_a_release_knows_the_stage_it_is_at_and_the_one_due() -> None:
    opened, baking = samples.release(), samples.baking_release()
    assert (opened.current_stage, opened.first_started_at) == (None, None)
    assert opened.next_stage == opened.stages[0]
    assert (baking.current_stage, baking.next_stage) == (baking.stages[0], baking.stages[1])
    assert baking.first_started_at == baking.stages[0].started_at


def test_a_release_at_its_last_stage_has_none_due() -> None:
    started = [replace(stage, started_at=samples.NOW + n) for n, stage in enumerate(samples.release().stages)]
    release = samples.release(stages=tuple(started))
    assert (release.current_stage, release.next_stage) == (started[2], None)


def test_changing_a_stage_leaves_the_others_and_the_original() -> None:
    release = samples.release()
    changed = replace(release.stages[1], started_at=5.0)
    after = release.with_stage(changed)
    assert after.stages == (release.stages[0], changed, release.stages[2])
    assert release.stages[1].started_at is None


FULL_MEMORY = RuleState(
    RuleName("errors"),
    past_since=1.0,
    past_seen_at=2.0,
    past_looks=3,
    first_past_at=0.5,
    was_kept=True,
    ok_since=4.0,
    looked_at=5.0,
    scheduled=6,
    evaluated=5,
    requests=7.0,
)


def test_a_new_stage_keeps_the_memory_of_harm_only() -> None:
    assert FULL_MEMORY.with_new_stage() == RuleState(
        RuleName("errors"), past_since=1.0, past_seen_at=2.0, past_looks=3, first_past_at=0.5, was_kept=True
    )


def test_a_limit_that_is_kept_again_leaves_the_counts() -> None:
    kept = FULL_MEMORY.with_nothing_past()
    assert (kept.past_since, kept.past_seen_at, kept.past_looks, kept.first_past_at) == (None, None, 0, None)
    assert (kept.ok_since, kept.scheduled, kept.evaluated, kept.requests, kept.was_kept) == (4.0, 6, 5, 7.0, True)


# --- errors and secrets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [InvalidInput, NotAllowed, NotFound, Conflict, Unavailable])
def test_every_error_has_one_root(kind: type[GatedError]) -> None:
    assert issubclass(kind, GatedError)


def test_invalid_input_tells_every_fault() -> None:
    error = InvalidInput("rules/web.yaml:3: no limit", "rules/web.yaml:9: no total")
    assert error.faults == ("rules/web.yaml:3: no limit", "rules/web.yaml:9: no total")
    assert str(error) == "rules/web.yaml:3: no limit\nrules/web.yaml:9: no total"


def test_a_secret_is_shown_nowhere() -> None:
    secret = Secret.of("hunter2")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        repr([secret]),
        repr({"k": secret}),
    ]
    assert all("hunter2" not in text and MASK in text for text in shown)
    assert "hunter2" not in str([getattr(secret, name, None) for name in dir(secret)])


def test_a_secret_is_fetched_anew_at_every_use() -> None:
    """A rotated file takes effect without a restart."""
    texts = iter(["old", "new"])
    secret = Secret(lambda: next(texts))
    assert [secret.reveal(), secret.reveal()] == ["old", "new"]
