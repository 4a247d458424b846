"""What came of cases, for people and for programs. Pure: results in, text out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gated.cli.text import printable, table
from gated.model.units import format_duration
from gated.operations.trial.finding import Failure
from gated.operations.trial.run import Moment
from gated.operations.trial.stand import Tried
from gated.rulebook.case import Case


@dataclass(frozen=True, slots=True)
class Told:
    """A case with what came of it.

    Args:
        file: the file it is written in.
        case: the test.
        tried: what came of it.
    """

    file: str
    case: Case
    tried: Tried

    @property
    def result(self) -> str:
        """`passed`, `failed`, or `error` for a case that could not be run."""
        if self.tried.trial is None:
            return "error"
        return "passed" if self.tried.has_passed else "failed"


def lines(told: Told, *, is_verbose: bool) -> Iterator[str]:
    """A case in a line, with more lines for what is wrong, and for all that happened if that is wanted."""
    case, tried = told.case, told.tried
    yield printable(f"{told.result:6}  {told.file}: {case.name} ({tried.place})")
    if tried.trial is None:
        yield f"  {told.file}:{case.place.line}:{case.place.column}: {printable(tried.trouble)}"
        return
    for failure in tried.trial.failures:
        yield f"  {_place(told, failure)}: {printable(failure.message)}"
        if failure.sentence:
            yield f"      {_speaker(failure)} said then: {printable(failure.sentence)}"
    if is_verbose:
        yield from (f"  {line}" for line in timeline(told).splitlines())


def timeline(told: Told) -> str:
    """Everything that changed its mind in a case, and when."""
    return table(("AT", "WHO", "WHAT", "WHY"), _changes(told.tried.trial.moments if told.tried.trial else ()))


def document(told: Told) -> dict[str, Any]:
    """A case for programs."""
    case, tried = told.case, told.tried
    failures = tried.trial.failures if tried.trial is not None else ()
    return {
        "file": told.file,
        "line": case.place.line,
        "name": case.name,
        "result": told.result,
        "place": tried.place,
        "duration_seconds": round(tried.duration_seconds, 3),
        "trouble": tried.trouble,
        "failures": [
            {
                "line": failure.expectation.place.line,
                "column": failure.expectation.place.column,
                "message": failure.message,
                "sentence": failure.sentence,
            }
            for failure in failures
        ],
        "timeline": [
            {"at": at, "who": who, "what": what, "why": why}
            for at, who, what, why in _changes(tried.trial.moments if tried.trial is not None else ())
        ],
    }


def failure_lines(told: Told) -> Iterator[str]:
    """What is wrong with a case that failed, with places."""
    for failure in told.tried.trial.failures if told.tried.trial is not None else ():
        said = f" ({_speaker(failure)} said then: {failure.sentence})" if failure.sentence else ""
        yield printable(f"{_place(told, failure)}: {failure.message}{said}")


def _place(told: Told, failure: Failure) -> str:
    place = failure.expectation.place
    return f"{told.file}:{place.line}:{place.column}"


def _speaker(failure: Failure) -> str:
    return failure.expectation.rule or "the verdict"


def _changes(moments: tuple[Moment, ...]) -> Iterator[tuple[str, str, str, str]]:
    """When, who, what and why, whenever a rule's outcome, the stage or its verdict is another than before."""
    known: dict[str, str] = {}
    for moment in moments:
        at = format_duration(moment.at_seconds)
        said: list[tuple[str, str, str]] = [
            (result.rule, result.outcome.text, result.reason) for result in moment.release.results
        ]
        current = moment.release.current_stage
        if current is not None and current.verdict is not None:
            said.append((f"stage {current.name}", current.verdict.verdict.value, current.verdict.reason))
        for who, what, why in said:
            if known.get(who) != what:
                known[who] = what
                yield at, who, what.replace("_", " "), why
