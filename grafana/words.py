"""The words of the gate as Grafana shows them: a number to draw, and one colour for one meaning everywhere.

A metric such as `gated_stage_verdict` has one series per word, of which one is 1. A table cell or a band of a timeline
wants a single number instead; `number_of` makes it in PromQL, and `mappings` turns it back into the word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMapping, ValueMappingResult

from gated.model.release import Phase
from gated.model.verdict import Outcome, Verdict

GOOD, WAITING, BLIND, BAD = "green", "blue", "orange", "red"
"""Go on; wait; the gate cannot see or does not dare; go back."""
QUIET, BARE = "text", "transparent"
"""Nothing to say: as the colour of a text or a line, and as a background."""


@dataclass(frozen=True, slots=True)
class Word:
    """One value of a label.

    Args:
        text: as the metric spells it.
        number: what it is drawn as; the worst of several has the greatest, so that `max` is the summary.
        color: what it means.
    """

    text: str
    number: int
    color: str


NO_STAGE = Word("no stage yet", 0, BARE)
"""A release that is registered and whose first stage has not started has no verdict."""
VERDICTS = (
    Word(Verdict.PROMOTE.value, 1, GOOD),
    Word(Verdict.PENDING.value, 2, WAITING),
    Word(Verdict.HOLD.value, 3, BLIND),
    Word(Verdict.ROLLBACK.value, 4, BAD),
)
"""A release's stages that are behind it stay at promote, so the greatest is the verdict of the present one."""
_OUTCOME_COLORS = {
    Outcome.OK: GOOD,
    Outcome.PENDING: WAITING,
    Outcome.NO_DATA: BLIND,
    Outcome.ERROR: "purple",
    Outcome.BREACH: BAD,
}
OUTCOMES = tuple(Word(outcome.text, outcome.value, color) for outcome, color in _OUTCOME_COLORS.items())
ENDED = (
    Word(Phase.COMPLETED.value, 0, GOOD),
    Word(Phase.ROLLED_BACK.value, 1, BAD),
    Word(Phase.ABORTED.value, 2, BLIND),
)
"""How a release ends. `superseded` is not among them: its successor takes its series over in the same moment."""
GOING_BACK = Word("rolling back", 0, BAD)
NOT_WELL = Word("no", 1, BLIND)
WELL = Word("yes", 2, GOOD)
UNKNOWN = Word("unknown", 3, BARE)
RECOVERY = (GOING_BACK, NOT_WELL, WELL, UNKNOWN)
"""Whether a service is well again after a rollback."""
UNDER_WAY = "|".join(phase.value for phase in Phase if phase.is_active)
"""A regular expression of the phases in which the gate watches a release."""
PHASE_COLORS = {
    Phase.OPEN: QUIET,
    Phase.BAKING: WAITING,
    Phase.BETWEEN: GOOD,
    Phase.ROLLING_BACK: BAD,
    Phase.RECOVERING: BLIND,
}
"""Of the phases of a release under way."""


def number_of(metric: str, label: str, words: Sequence[Word], *, matchers: str, by: str) -> str:
    """An expression for the number of the word that is 1, the greatest one per group.

    Args:
        metric: has one series per word.
        label: whose values are the words.
        words: all of them.
        matchers: label matchers, separated by commas.
        by: labels of a group.
    """
    each = [f'{word.number} * {metric}{{{matchers},{label}="{word.text}"}}' for word in words]
    # A word that is not the present one yields 0, so the greatest product is the number of the one that is.
    return f"max by ({by}) (\n    " + "\n or ".join(each) + "\n)"


def mappings(words: Iterable[Word]) -> list[ValueMapping]:
    """What turns the numbers of words into coloured words."""
    return _mappings({str(word.number): word for word in words})


def label_mappings(words: Iterable[Word]) -> list[ValueMapping]:
    """What colours words that an answer has in a label."""
    return _mappings({word.text: word for word in words})


def _mappings(words: Mapping[str, Word]) -> list[ValueMapping]:
    results = {
        value: ValueMappingResult(text=word.text, color=word.color, index=index)
        for index, (value, word) in enumerate(words.items())
    }
    return [ValueMap(options=results)]
