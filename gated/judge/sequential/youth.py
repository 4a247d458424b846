"""What an early crossing of the line means.

Caches fill, connections open, code is compiled: a healthy version's first minutes can look exactly like a fault. In
its first minutes (`cold_start`) crossing the line therefore means hold, and the evidence starts anew, unless

- harm of more than ten times the line is proved, or
- the crossing comes after two fifths of them, and the harm has not been falling from the first to the second half
  of the version's life.

After these minutes any crossing rolls back. NOT covered: a decay slower than two minutes, and a release that
introduces a cold start of more than tenfold harm.
"""

from dataclasses import replace

from gated.judge.sequential.evidence import anew, is_young, known_line
from gated.judge.sequential.setting import Setting
from gated.judge.stats.cold_start import is_not_falling
from gated.model.evidence import Calibration, Evidence
from gated.model.rule import SequentialRule

_SETTLED_SHARE = 0.4
"""From this share of the early minutes on (two of five), harm that does not fall is no cold start."""


def is_excused_by_youth(rule: SequentialRule, evidence: Evidence, setting: Setting) -> bool:
    """Whether a crossing of the line may still be a cold start."""
    if not is_young(evidence, setting):
        return False
    if evidence.tenfold is not None and setting.weight(rule) * evidence.tenfold.value >= setting.odds_limit:
        return False
    age = setting.now - (evidence.born_at or setting.now)
    line, known = known_line(rule, evidence, setting), evidence.calibration or Calibration()
    return age < _SETTLED_SHARE * setting.plan.cold_start_seconds or not is_not_falling(evidence.early, line, known)


def suspected(evidence: Evidence, setting: Setting) -> Evidence:
    """The evidence anew, and the suspicion remembered for as long as the version is young."""
    return replace(anew(evidence, setting.now), suspected_at=setting.now)


def is_suspected(evidence: Evidence, setting: Setting) -> bool:
    """Whether an early crossing still holds the stage."""
    return evidence.suspected_at is not None and is_young(evidence, setting)
