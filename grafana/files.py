"""What is written from the Python here: the dashboards' JSON, and the table of docs/dashboards.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import itself, overview, release
from grafana.questions import Question, questions

_HERE = Path(__file__).parent
_DOCS = _HERE.parent / "docs"
FOLDER = _HERE / "dashboards"
"""What Grafana is given."""
COUNTS = _DOCS / "measurements" / "dashboards.json"
"""How many series answered each question when that was last measured."""
_MADE = {"overview": overview.dashboard, "release": release.dashboard, "itself": itself.dashboard}
_INTRO = """# Dashboards and what they ask

Three dashboards come with gated, in [`grafana/`](../grafana/README.md): **all gates**, **one release** and **itself**.
This is every question they put to Prometheus, with how many series answered when a real Prometheus scraped a real gated
that had a release in each state: baking, promoted, rolled back, blind, aborted. Where a dashboard shows one release, it
is the number for the release with the most. A test asks them all again and wants an answer to every one.
"""


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard as Grafana reads it, by the name of its file."""
    return {name: _without_relics(json.loads(JSONEncoder().encode(make()))) for name, make in _MADE.items()}


def files() -> dict[Path, str]:
    """Every file that follows from the Python, with its content."""
    made = dashboards()
    texts = {
        FOLDER / f"{name}.json": json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"
        for name, dashboard in made.items()
    }
    asked = [question for dashboard in made.values() for question in questions(dashboard)]
    return {**texts, _DOCS / "dashboards.md": _page(asked, json.loads(COUNTS.read_text()))}


def stale() -> list[str]:
    """The files that are not what the Python says now."""
    return [str(path.relative_to(_HERE.parent)) for path, text in files().items() if not _is_current(path, text)]


def write() -> None:
    """Write them."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def write_counts(counts: Mapping[Question, int]) -> None:
    """Keep how many series answered each question."""
    COUNTS.write_text(json.dumps({question.name: count for question, count in counts.items()}, indent=1) + "\n")


def _without_relics(dashboard: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the foundation's types, made for Grafana 10.1, always write and later Grafanas do not know."""
    del dashboard["style"]
    for variable in dashboard["templating"]["list"]:
        for relic in ("id", "auto", "auto_min", "auto_count"):
            del variable[relic]
    for panel in dashboard["panels"]:
        panel.get("options", {}).pop("footer", None)
    return dashboard


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def _page(asked: list[Question], counts: Mapping[str, int]) -> str:
    lines = [_INTRO]
    for title in dict.fromkeys(question.dashboard for question in asked):
        lines += [f"## {title}", "", "| where | asks | series |", "|---|---|---|"]
        lines += [_line(question, counts) for question in asked if question.dashboard == title]
        lines.append("")
    return "\n".join(lines)


def _line(question: Question, counts: Mapping[str, int]) -> str:
    where = question.place if question.kind == "panel" else f"{question.kind} {question.place}"
    asks = " ".join(question.text.split()).replace("|", "\\|")
    return f"| {where} | `{asks}` | {counts.get(question.name, 'not measured yet')} |"
