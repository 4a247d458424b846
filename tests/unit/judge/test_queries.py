"""What is asked for a release: of whose series, and nothing twice."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.judge.queries import queries_for
from gated.judge.workloads import workload_of
from gated.model.plan import LabelTemplate, Policy
from gated.model.reading import Buckets, FiringAlerts, HttpProbe, Increase, Instant, Newest, Query
from gated.model.release import Phase, Release
from gated.model.rule import Scope
from gated.model.selection import Matcher, MatchOp, is_exact
from tests import samples

POD = LabelTemplate("pod", "{service}-{version}-.+", MatchOp.REGEX)
SERVICE, VERSION = Matcher("service", "checkout"), Matcher("version", "v2")


def policy(*templates: LabelTemplate) -> Policy:
    """A policy whose workload has these labels."""
    return samples.policy(plan=samples.plan(workload=templates))


def asked_of(release: Release, policy: Policy) -> tuple[Query, ...]:
    """What is asked of a release at a look."""
    return queries_for(release, policy, now=samples.NOW, interval_seconds=15.0)


@pytest.mark.parametrize(
    ("scope", "workload"),
    [
        (Scope.VERSION, (SERVICE, VERSION)),
        (Scope.SERVICE, (SERVICE,)),
        (Scope.GLOBAL, ()),
    ],
)
def test_a_scope_says_whose_series_are_asked_for(scope: Scope, workload: tuple[Matcher, ...]) -> None:
    assert workload_of(samples.release(), samples.policy(), scope) == workload


def test_a_workload_is_ordered_by_label() -> None:
    """Equal workloads must be equal values, or one request could not serve them all."""
    templates = (LabelTemplate("version", "{version}"), LabelTemplate("env", "{environment}"))
    assert workload_of(samples.release(), policy(*templates), Scope.VERSION) == (
        Matcher("env", "production"),
        Matcher("version", "v2"),
    )


def test_the_service_scope_leaves_out_whatever_tells_versions_apart() -> None:
    templates = (LabelTemplate("service", "{service}"), LabelTemplate("pod", "x-{version}", MatchOp.NOT_REGEX))
    assert workload_of(samples.release(), policy(*templates), Scope.SERVICE) == (SERVICE,)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.RECOVERING])
def test_the_new_version_is_looked_at(phase: Phase) -> None:
    assert VERSION in workload_of(samples.release(phase=phase), samples.policy(), Scope.VERSION)


def test_a_service_that_recovers_is_looked_at_in_the_version_it_went_back_to() -> None:
    recovering = samples.release(phase=Phase.RECOVERING)
    assert Matcher("version", "v1") in workload_of(recovering, samples.policy(), Scope.VERSION)
    without_baseline = replace(recovering, baseline="")
    assert VERSION in workload_of(without_baseline, samples.policy(), Scope.VERSION)


def test_equality_takes_a_version_as_it_is() -> None:
    release = samples.release(version='1.2+build"{x}\\')
    assert Matcher("version", '1.2+build"{x}\\') in workload_of(release, samples.policy(), Scope.VERSION)


@pytest.mark.parametrize("op", [MatchOp.REGEX, MatchOp.NOT_REGEX])
def test_a_version_inside_a_regular_expression_stays_literal(op: MatchOp) -> None:
    """A version of `.*` would select every version, and be promoted on their health."""
    template = replace(POD, op=op)
    (matcher,) = workload_of(samples.release(version=".*|v1"), policy(template), Scope.VERSION)
    assert matcher == Matcher("pod", r"checkout-\.\*\|v1-.+", op)


@given(version=st.text(min_size=1), other=st.text(min_size=1))
def test_a_regular_expression_selects_one_version_only(version: str, other: str) -> None:
    template = LabelTemplate("pod", "{version}", MatchOp.REGEX)
    (matcher,) = workload_of(samples.release(version=version), policy(template), Scope.VERSION)
    assert re.fullmatch(matcher.value, version)
    assert bool(re.fullmatch(matcher.value, other)) == (version == other)


def test_a_text_with_braces_is_filled_in_once() -> None:
    release = samples.release(service="{version}")
    (matcher,) = workload_of(release, policy(LabelTemplate("service", "{service}")), Scope.VERSION)
    assert matcher.value == "{version}"


def test_only_equalities_can_share_a_request() -> None:
    assert is_exact((SERVICE, VERSION))
    assert is_exact(())
    assert not is_exact((SERVICE, Matcher("pod", "v2-.+", MatchOp.REGEX)))


def test_a_release_asks_each_question_once() -> None:
    """Error rate and availability share their total and its age."""
    asked = asked_of(samples.release(), samples.policy())
    assert len(set(asked)) == len(asked)
    assert [type(query.measure) for query in asked] == [
        Increase,  # error-rate: its errors, all requests, their age
        Increase,
        Newest,
        Buckets,  # latency-p95: the buckets and their age
        Newest,
        Increase,  # availability: its good ones only
        Instant,  # target-down: the value and its age
        Newest,
        FiringAlerts,
        HttpProbe,
    ]


def test_two_releases_of_a_plan_differ_in_their_workload_only() -> None:
    """That is what lets one request answer for both."""
    policy_of_both = samples.policy()
    one = asked_of(samples.release(), policy_of_both)
    other = asked_of(samples.release(service="search", version="v9"), policy_of_both)
    assert [(query.source, query.measure) for query in one] == [(query.source, query.measure) for query in other]
