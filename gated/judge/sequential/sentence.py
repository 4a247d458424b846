"""What a look at a sequential rule says to people."""

from gated.judge.sequential.counting import counts_good
from gated.judge.sequential.evidence import harmful_share
from gated.judge.sequential.setting import Setting, compares
from gated.model.evidence import BaselineKind, Evidence
from gated.model.rule import ActivityRule, Limit, QuantileRule, RatioRule, SequentialRule
from gated.model.units import Unit, format_duration, format_quantity

_WHOLE_FROM = 10.0
_BEYOND_WORDS = 1e6


def facts(rule: SequentialRule, evidence: Evidence, setting: Setting) -> str:
    """The half of the sentence that says what was seen."""
    new, good = evidence.canary, shows_good(rule)
    what = _what(rule, evidence)
    sentence = f"{_percent(shown(new.share, good=good))} of {new.total:,.0f} {what}"
    if isinstance(rule.limit, Limit):
        line = _percent(shown(harmful_share(rule, rule.limit), good=good))
        if isinstance(rule, QuantileRule):
            return f"{sentence}, {line} may be"
        return f"{sentence}, at least {line} must be" if good else f"{sentence}, limit {line}"
    seen = baseline_share(rule, evidence, setting)
    if seen is None:
        return sentence
    against = _percent(shown(seen, good=good))
    if setting.kind is BaselineKind.BEFORE:
        return f"{sentence} against {against} before the release"
    return f"{sentence} against {against} of {evidence.baseline.total:,.0f} on {setting.baseline_name}"


def _what(rule: SequentialRule, evidence: Evidence) -> str:
    match rule:
        case RatioRule():
            return "were good" if counts_good(rule) else "were bad"
        case ActivityRule():
            return "caused an event"
        case QuantileRule():
            bound = evidence.boundaries[-1][1]
            return f"were slower than {format_quantity(bound, rule.unit)}"


def shows_good(rule: SequentialRule) -> bool:
    """Whether a rule's file speaks of the harmless events."""
    return isinstance(rule, RatioRule) and counts_good(rule)


def shown(share: float, *, good: bool) -> float:
    """A harmful share as the rule's file speaks of it."""
    return 1.0 - share if good else share


def baseline_share(rule: SequentialRule, evidence: Evidence, setting: Setting) -> float | None:
    """What the new version is compared with; for a fixed limit, what the old version does beside it."""
    if setting.kind is BaselineKind.BEFORE and compares(rule):
        return evidence.past.share if evidence.past is not None else None
    return evidence.baseline.share if evidence.baseline.total else None


def in_odds(value: float) -> str:
    """Odds as people say them."""
    if value >= _WHOLE_FROM:
        return f"{value:,.0f} : 1" if value < _BEYOND_WORDS else "over a million : 1"
    return f"{value:.2g} : 1"


def _percent(share: float) -> str:
    return format_quantity(share, Unit.RATIO)


def in_words(seconds: float) -> str:
    """A duration to the second, at least one."""
    return format_duration(max(1.0, round(seconds)))
