"""What the server needs of the daemon that wires it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from gated.model.ids import SourceName
from gated.model.plan import Rulebook
from gated.operations.gate import Gate
from gated.server.bell import Bell
from gated.server.pages.live import Live


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
        live: the pages that are watched.
        metrics: the exposition of everything measured, in Prometheus' text format, and its content type.
        readiness: whether the gate can be relied upon.
        external_url: where people reach gated; empty when nobody said.
        source_links: where people reach the sources.
        reload: load the rule files again; returns the faults that kept it from it. None when it may not be asked for.
    """

    gate: Gate
    rulebook: Callable[[], Rulebook]
    now: Callable[[], float]
    bell: Bell
    live: Live
    metrics: Callable[[], tuple[bytes, str]]
    readiness: Callable[[], Readiness]
    external_url: str
    source_links: Mapping[SourceName, str]
    reload: Callable[[], tuple[str, ...]] | None
