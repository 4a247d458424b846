"""What the server needs of the daemon that wires it."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from gated.model.plan import Rulebook
from gated.operations.gate import Gate
from gated.server.bell import Bell


class Check(BaseModel):
    """One thing that must be true before the gate can be relied upon."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    passed: bool
    detail: str
    """What was found, in a few words."""


class Readiness(BaseModel):
    """Whether the gate can be relied upon, and why not."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What requests are answered with.

    Args:
        gate: releases and their store.
        rulebook: the rules as loaded now.
        now: the time, Unix seconds.
        bell: rings when a verdict changes.
        metrics: the exposition of everything measured, in Prometheus' text format, and its content type.
        readiness: whether the gate can be relied upon.
        reload: load the rule files again; returns the faults that kept it from it. None when it may not be asked for.
    """

    gate: Gate
    rulebook: Callable[[], Rulebook]
    now: Callable[[], float]
    bell: Bell
    metrics: Callable[[], tuple[bytes, str]]
    readiness: Callable[[], Readiness]
    reload: Callable[[], tuple[str, ...]] | None
