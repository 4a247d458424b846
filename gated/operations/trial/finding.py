"""What was said, against what was expected."""

from collections.abc import Iterator
from dataclasses import dataclass

from gated.model.release import Release, RuleResult
from gated.model.units import format_duration, format_quantity
from gated.rulebook.case import Expectation, Expected


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that was not met.

    Args:
        expectation: which.
        message: what was expected and what was, in one line.
        sentence: what the rule said then; without a rule, the verdict.
    """

    expectation: Expectation
    message: str
    sentence: str


def check(expectation: Expectation, release: Release) -> Failure | None:
    """Compare a release with what was expected of it at this moment; None when it is so."""
    result = next((each for each in release.results if each.rule == expectation.rule), None)
    current = release.current_stage
    verdict = current.verdict if current is not None else None
    said = result.reason if result is not None else verdict.reason if verdict is not None else ""
    wrong = [*_of_rule(expectation, result), *_of_release(expectation, release)]
    if expectation.reason_contains not in said:
        wrong.append(f"reason contains {expectation.reason_contains!r} was expected")
    if not wrong:
        return None
    place = f"at {format_duration(expectation.at_seconds)}"
    of = f", {expectation.rule}" if expectation.rule is not None else ""
    return Failure(expectation, f"{place}{of}: {'; '.join(wrong)}", said)


def _of_rule(expectation: Expectation, result: RuleResult | None) -> Iterator[str]:
    if result is None:
        return
    if expectation.outcome not in {None, result.outcome}:
        code = f" ({result.code})" if result.code else ""
        yield f"outcome {expectation.outcome.text} was expected, it is {result.outcome.text}{code}"
    if expectation.code not in {"", result.code}:
        yield f"code {expectation.code} was expected, {f'it is {result.code}' if result.code else 'there is none'}"
    unit = result.unit
    value = None if result.value is None else format_quantity(result.value, unit)
    yield from _number("value", expectation.value, result.value, value)
    yield from _number("samples", expectation.samples, result.samples, None)
    yield from _number("odds", expectation.odds, result.odds, None)


def _number(name: str, expected: Expected | None, number: float | None, shown: str | None) -> Iterator[str]:
    if expected is not None and (number is None or not expected.accepts(number)):
        was = "there is none" if number is None else f"it is {shown or f'{number:.6g}'}"
        yield f"{name} {expected.text} was expected, {was}"


def _of_release(expectation: Expectation, release: Release) -> Iterator[str]:
    current = release.current_stage
    stage = current.name if current is not None else "none"
    if expectation.stage not in {None, stage}:
        yield f"stage {expectation.stage} was expected, it is {stage}"
    verdict = current.verdict.verdict.value if current is not None and current.verdict is not None else "none"
    if expectation.verdict is not None and expectation.verdict.value != verdict:
        yield f"verdict {expectation.verdict.value} was expected, it is {verdict}"
    by = release.rollback.rule if release.rollback is not None else None
    if expectation.by is not None and expectation.by != by:
        yield f"a rollback by {expectation.by} was expected, it was by {by or 'none'}"
