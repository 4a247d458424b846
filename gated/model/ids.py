"""Identities that must not be confused with one another."""

from typing import NewType

ReleaseId = NewType("ReleaseId", str)
"""One rollout; `<service>-<version>-<random>`, unique for ever."""

RuleName = NewType("RuleName", str)
"""The key of a rule in the rule files; unique in a rulebook."""

StageName = NewType("StageName", str)
"""The name of a stage; unique in its plan."""

PlanName = NewType("PlanName", str)
"""The key of a plan in the rule files; unique in a rulebook."""

SourceName = NewType("SourceName", str)
"""The key of a source in gated.yaml."""

VerdictId = NewType("VerdictId", str)
"""One verdict of one stage; changes whenever the verdict changes, never otherwise."""

Actor = NewType("Actor", str)
"""Who did it: a person or pipeline as they named themselves, or `gated` itself."""

GATE: Actor = Actor("gated")
"""The gate acting on its own judgement."""

DEFAULT_SOURCE: SourceName = SourceName("default")
"""The source of a rule that names none."""
