"""How a release stands, in a word and a colour. The word always stands beside the colour."""

from dataclasses import dataclass

from gated.judge.present import Shown, show
from gated.judge.stage import is_blind
from gated.model.plan import Policy
from gated.model.release import Phase, Release
from gated.model.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """How a release stands.

    Args:
        tone: the colour: `pending`, `promote`, `hold`, `rollback` or `ended`.
        word: what it is called.
        sentence: why.
        rank: how much it wants to be looked at; the smaller the more.
    """

    tone: str
    word: str
    sentence: str
    rank: int


_WORDS = {
    Verdict.PENDING: ("pending", "pending", 5),
    Verdict.PROMOTE: ("promote", "promote", 4),
    Verdict.HOLD: ("hold", "hold", 2),
    Verdict.ROLLBACK: ("rollback", "rollback", 0),
}
TONES = {
    Outcome.OK: "promote",
    Outcome.PENDING: "pending",
    Outcome.NO_DATA: "hold",
    Outcome.ERROR: "hold",
    Outcome.BREACH: "rollback",
}
"""The colour of what a rule says."""
_ENDED = {
    Phase.COMPLETED: ("promote", "promoted"),
    Phase.ROLLED_BACK: ("rollback", "rolled back"),
    Phase.ABORTED: ("ended", "aborted"),
    Phase.SUPERSEDED: ("ended", "superseded"),
}
_BLIND_RANK, _RECOVERING_RANK, _BETWEEN_RANK, _OPEN_RANK, _ENDED_RANK = 1, 3, 6, 7, 9


def standing(release: Release, shown: Shown) -> Standing:
    """How a release stands, by the verdict of the stage it is at."""
    phase = release.phase
    if phase in _ENDED:
        tone, word = _ENDED[phase]
        return Standing(tone, word, _how_it_ended(release, shown), _ENDED_RANK)
    match phase:
        case Phase.OPEN:
            first = release.stages[0].name
            return Standing("ended", "open", f"registered; {first} has not started", _OPEN_RANK)
        case Phase.BETWEEN if shown.verdict is not Verdict.HOLD and release.next_stage is not None:
            waits = f"{release.next_stage.name} has not started"
            return Standing("promote", "promoted", f"{shown.reason}; {waits}", _BETWEEN_RANK)
        case Phase.RECOVERING:
            return Standing("rollback", "recovering", f"rolled back; {shown.reason}", _RECOVERING_RANK)
        case _:
            tone, word, rank = _WORDS[shown.verdict]
            if shown.verdict is Verdict.HOLD and is_blind(release.results):
                return Standing(tone, "blind", shown.reason, _BLIND_RANK)
            return Standing(tone, word, shown.reason, rank)


def shown_now(release: Release, policy: Policy, now: float, validity_seconds: float) -> Shown:
    """The verdict of the stage a release is at; of the first before it has begun."""
    name = (release.current_stage or release.stages[0]).name
    return show(release, policy, name, now, validity_seconds)


def _how_it_ended(release: Release, shown: Shown) -> str:
    match release.phase:
        case Phase.COMPLETED:
            return f"promoted through every stage; {shown.reason}"
        case Phase.ROLLED_BACK if release.rollback is not None:
            return release.rollback.reason
        case _:
            return shown.reason
