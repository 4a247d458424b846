"""Whose series a release looks at: the matchers of its plan, filled in."""

from functools import lru_cache

from gated.model.plan import LabelTemplate, Policy
from gated.model.release import Phase, Release
from gated.model.rule import Scope
from gated.model.selection import Matcher, Workload, literal_pattern


def workload_of(release: Release, policy: Policy, scope: Scope) -> Workload:
    """The matchers that pick out the release's series, ordered by label name.

    While a rolled back service recovers, the version looked at is the one it went back to.
    """
    templates = policy.plan.workload
    match scope:
        case Scope.GLOBAL:
            return ()
        case Scope.SERVICE:
            templates = tuple(template for template in templates if not template.depends_on_version)
        case Scope.VERSION:
            pass
    recovering = release.phase is Phase.RECOVERING and release.baseline
    return _filled(templates, release, release.baseline if recovering else release.version)


def version_of(release: Release, policy: Policy) -> Workload:
    """The matchers of the new version itself, also after it was rolled back."""
    return _filled(policy.plan.workload, release, release.version)


def baseline_of(release: Release, policy: Policy) -> Workload | None:
    """The matchers of the baseline; None when the release names none."""
    if not release.baseline:
        return None
    if policy.plan.baseline:
        return _filled(policy.plan.baseline, release, release.version)
    return _filled(policy.plan.workload, release, release.baseline)


def _filled(templates: tuple[LabelTemplate, ...], release: Release, version: str) -> Workload:
    return _matchers(templates, release.service, release.environment, version, release.baseline)


@lru_cache(maxsize=4096)  # a look at a release needs each of its workloads many times
def _matchers(
    templates: tuple[LabelTemplate, ...], service: str, environment: str, version: str, baseline: str
) -> Workload:
    """Fill in templates. Inside a regular expression the release's own texts stay literal."""
    texts = {"service": service, "environment": environment, "version": version, "baseline": baseline}
    literal = {key: literal_pattern(text) for key, text in texts.items()}
    return tuple(
        sorted(
            Matcher(each.name, each.template.format_map(literal if each.op.is_pattern else texts), each.op)
            for each in templates
        )
    )
