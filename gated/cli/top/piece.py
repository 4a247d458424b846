"""Pieces of text with a tone, and the small shapes they are made of. Knows no terminal."""

import enum
import math
from dataclasses import dataclass
from datetime import datetime

from gated.cli.text import printable
from gated.model.units import Unit, format_quantity
from gated.model.verdict import Outcome, Verdict

_EIGHTHS = " ▏▎▍▌▋▊▉"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MOST_ODDS = 10_000


class Tone(enum.Enum):
    """What a piece of text means for whoever looks; it never says it alone, the words do."""

    PLAIN = "plain"
    """As everything else."""
    QUIET = "quiet"
    """Can be passed over."""
    STRONG = "strong"
    """A title."""
    GOOD = "good"
    """Go on."""
    WARN = "warn"
    """Somebody should look."""
    BAD = "bad"
    """Go back."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one tone.

    Args:
        text: one line, safe to print.
        tone: what it means.
    """

    text: str
    tone: Tone = Tone.PLAIN

    def __str__(self) -> str:
        return self.text


NOTHING = Piece("-", Tone.QUIET)
Line = tuple[Piece, ...]

_VERDICTS = {
    Verdict.ROLLBACK: ("✗", Tone.BAD),
    Verdict.HOLD: ("‖", Tone.WARN),
    Verdict.PENDING: ("…", Tone.PLAIN),
    Verdict.PROMOTE: ("✓", Tone.GOOD),
}
_OUTCOMES = {
    Outcome.BREACH.text: ("✗", Tone.BAD),
    Outcome.ERROR.text: ("!", Tone.WARN),
    Outcome.NO_DATA.text: ("?", Tone.WARN),
    Outcome.PENDING.text: ("…", Tone.PLAIN),
    Outcome.OK.text: ("✓", Tone.GOOD),
}


def verdict(said: Verdict) -> Piece:
    """A verdict as sign and word."""
    sign, tone = _VERDICTS[said]
    return Piece(f"{sign} {said.value}", tone)


def outcome(said: str) -> Piece:
    """An outcome as sign and word; one of a newer gate as it stands."""
    sign, tone = _OUTCOMES.get(said, ("?", Tone.WARN))
    return Piece(f"{sign} {words(said)}", tone)


def badness(said: str) -> int:
    """An outcome's place among all, the worst the greatest; one of a newer gate counts as an error."""
    return next((each for each in Outcome if each.text == said), Outcome.ERROR).value


def words(constant: str) -> str:
    """A constant of the API for people."""
    return printable(constant.replace("_", " "))


def bar(share: float, width: int) -> str:
    """A bar of `width` characters, filled to an eighth of a character; a share outside 0 to 1 is cut."""
    eighths = 0 if math.isnan(share) else round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "·")


def evidence_share(odds: float | None, limit: float | None) -> float | None:
    """How far the odds are on their way from 1 to the limit, 0 to 1.

    On a logarithmic scale: evidence multiplies, so that equal harm moves the bar by equal steps.
    """
    if odds is None or limit is None or math.isnan(odds) or not 1 < limit < math.inf:
        return None
    return 0.0 if odds <= 1 else min(math.log(odds) / math.log(limit), 1.0)


def evidence(odds: float | None, limit: float | None, width: int) -> Piece:
    """A bar of the evidence against a version, and the odds beside their limit."""
    share = evidence_share(odds, limit)
    if share is None or odds is None or limit is None:
        return NOTHING
    tone = Tone.BAD if share >= 1 else Tone.WARN if share >= 1 / 2 else Tone.PLAIN
    return Piece(f"{bar(share, width)} {number(odds)}/{number(limit)}", tone)


def number(odds: float) -> str:
    """Odds in at most six characters."""
    if odds >= _MOST_ODDS:
        return f">{_MOST_ODDS - 1}"
    if odds >= 10:  # noqa: PLR2004 -- two digits and more need no fraction
        return f"{odds:.0f}"
    return f"{odds:.2g}" if odds >= 0.01 else "<0.01"  # noqa: PLR2004 -- smaller ones tell nobody anything


def quantity(value: float | None, unit: Unit) -> str:
    """A value with its unit; a dash for none."""
    return "-" if value is None or not math.isfinite(value) else format_quantity(value, unit)


def brief(seconds: float) -> str:
    """A duration in two units at most: `12s`, `4m`, `2h10m`, `3d4h`; `?` for one without end."""
    if not math.isfinite(seconds):
        return "?"
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    large, small, factor, of = (_HOUR, _MINUTE, "h", "m") if whole < _DAY else (_DAY, _HOUR, "d", "h")
    rest = whole % large // small
    return f"{whole // large}{factor}" + (f"{rest}{of}" if rest else "")


def age(at: datetime | None, now: float) -> str:
    """How long ago something was; a dash for what has not happened."""
    return "-" if at is None else brief(now - at.timestamp())


def clipped(text: str, width: int) -> str:
    """A text that is no wider than a column."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
