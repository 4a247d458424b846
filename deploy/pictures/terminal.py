"""`gated top` as docs/top.md shows it: the real view, drawn from documents that are written down here."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from gated.cli.api import Failed
from gated.cli.client import Reply, Request
from gated.cli.exits import Exit
from gated.cli.top.app import Top
from gated.cli.top.rows import Order
from gated.cli.top.watch import Watch
from gated.operations.documents import ReleaseDocument, ReleasePage

NOW = 1_764_412_800.0
"""2025-11-29 10:40 UTC."""
_SIZE = (132, 17)
_PLAN = (("canary-5", 0.05), ("canary-25", 0.25), ("half", 0.5), ("full", 1.0))
_PATIENCE_SECONDS = 20.0
"""A list that is not there by then will never be."""
_ELSEWHERE = re.compile(r"@font-face \{.*?\}|<!--.*?-->", re.DOTALL)
"""The export names fonts on a host of others; a reader's own monospace font does as well."""
_TOLD = (
    "<title>gated top: all gates in the terminal, worst first</title>"
    "<desc>Nine releases, one per line: one to be rolled back, two on hold, four pending, two to be promoted, each with"
    " its stages, worst rule, evidence and progress.</desc>"
)


def picture() -> str:
    """The list with its first line chosen."""
    return asyncio.run(_drawn())


def releases() -> list[ReleaseDocument]:
    """Nine releases in all states that are worth seeing."""
    return [
        _release(
            "checkout", "v2.14.0", "rolling_back", 1, _rule("error-rate", "breach", 0.0312, 0.02, 2469.0), ago=140
        ),
        _release("billing", "v7.3.1", "baking", 1, _rule("latency-p95", "no_data", None, 0.8), ago=35, verdict="hold"),
        _release("auth", "v5.0.2", "baking", 2, _rule("error-rate", "pending", 0.0179, 0.02, 41.0), eta=840),
        _release("search", "v31", "baking", 1, _rule("errors-vs-baseline", "pending", 0.0061, 0.0058, 3.1), eta=1260),
        _release("profile", "v1.9.4", "baking", 0, _rule("error-rate", "ok", 0.0021, 0.02, 0.02), eta=300),
        _release("ledger", "v12.0.0", "baking", 3, _rule("availability", "ok", 0.9994, 0.995, 0.4), pause="sre@ops"),
        _release("gateway", "v88", "between", 2, _rule("waf-blocks", "ok", 0.0004, 0.001, 0.11), ago=90),
        _release("invoices", "v4.2.0", "baking", 3, _rule("latency-p95", "ok", 0.212, 0.8, 0.05), verdict="promote"),
        _release("notify", "v3.3", "open", None, None),
    ]


class _Written:
    """A gate that always says the same."""

    url = "gated.example"

    def ask(self, request: Request) -> Reply:
        found = releases() if "releases" in request.path else []
        return Reply(200, ReleasePage(releases=tuple(found), next="").model_dump_json().encode(), NOW)

    def act(self, actor: str, request: Request) -> Reply:
        raise Failed(Exit.REFUSED, f"{actor} cannot {request.path[-1]} in a picture")


class _Stopped:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


async def _drawn() -> str:
    view = Top(_Written(), _Stopped(), Watch(), order=Order.WORST, interval_seconds=3600, actor="sre@ops")
    async with view.run_test(size=_SIZE) as pilot:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not view.seen.is_whole:
                await pilot.pause()
        await pilot.pause()
        drawn = _ELSEWHERE.sub("", view.export_screenshot(title="gated top"))
        return re.sub(r"(<svg[^>]*>)", rf"\1\n    {_TOLD}", drawn, count=1)


def _at(ago: float) -> datetime:
    return datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=ago)


def _rule(name: str, outcome: str, value: float | None, limit: float, odds: float | None = None) -> dict[str, Any]:
    return {
        "rule": name,
        "outcome": outcome,
        "on_breach": "rollback",
        "reason": "",
        "value": value,
        "limit": limit,
        "unit": "seconds" if name.startswith("latency") else "ratio",
        "evidence": odds,
        "evidence_limit": None if odds is None else 100.0,
    }


def _release(  # noqa: PLR0913 -- each is a fact of the state that is drawn
    service: str,
    version: str,
    phase: str,
    at: int | None,
    rule: dict[str, Any] | None,
    *,
    ago: float = 600,
    verdict: str = "pending",
    eta: float | None = None,
    pause: str = "",
) -> ReleaseDocument:
    said = {"rolling_back": "rollback", "between": "promote"}.get(phase, "hold" if pause else verdict)
    old = "v0"
    stages = [
        {
            "stage": name,
            "traffic": traffic,
            "started_at": None if at is None or place > at else _at(ago + 900 * (at - place)),
            "ended_at": None,
            "verdict": said if place == at else "pending",
            "verdict_id": f"{service}.{name}.1",
            "reason": "",
            "claimed_by": "deploy" if at is not None and (place < at or (place == at and phase == "between")) else None,
            "since": _at(ago) if place == at else None,
            "eta_seconds": eta if place == at else None,
        }
        for place, (name, traffic) in enumerate(_PLAN)
    ]
    back = {
        "cause": "rule",
        "rule": "error-rate",
        "reason": "",
        "first_harm_at": _at(ago + 20),
        "triggered_at": _at(ago),
        "reported_at": None,
        "recovered_at": None,
        "seconds_to_detect": 20.0,
        "seconds_to_act": None,
        "seconds_to_recover": None,
        "target_version": old,
    }
    nothing_comes = at is not None and at + 1 == len(_PLAN)
    document = {
        "release": f"{service}-{version.replace('.', '-')}-7f3a21",
        "service": service,
        "environment": "production",
        "version": version,
        "baseline": old,
        "plan": "standard",
        "policy_digest": "sha256:5a",
        "phase": phase,
        "active": True,
        "current_stage": None if at is None else _PLAN[at][0],
        "next_stage": None if nothing_comes else _PLAN[0 if at is None else at + 1][0],
        "opened_by": "deploy",
        "opened_at": _at(ago + 4000),
        "evaluated_at": _at(190 if verdict == "hold" else 6) if rule else None,
        "ended_at": None,
        "paused": {"by": pause, "at": _at(300), "reason": "payment incident"} if pause else None,
        "rollback": back if phase == "rolling_back" else None,
        "stages": stages,
        "stale_at": _at(145 if verdict == "hold" else -39) if rule else None,
        "worst_rule": rule,
    }
    return ReleaseDocument.model_validate_json(json.dumps(document, default=str))
