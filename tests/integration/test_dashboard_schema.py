"""The committed dashboards, held against Grafana's own types by the TypeScript compiler."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local import npm
from grafana import files

_SCHEMA_CHECK = Path(files.__file__).parent / "schema-check"
Dashboard = dict[str, Any]


@pytest.fixture(scope="module")
def packages() -> Path:
    return npm.installed(_SCHEMA_CHECK)


def complaints(dashboards: dict[str, Dashboard], packages: Path, directory: Path) -> str:
    """What the compiler says; nothing when every dashboard is one."""
    (directory / "node_modules").symlink_to(packages / "node_modules")
    for name in ("gated.ts", "tsconfig.json"):
        shutil.copy(_SCHEMA_CHECK / name, directory)
    for name, dashboard in dashboards.items():
        # A literal and not an import of JSON: only there are unknown fields noticed and texts kept as they are.
        source = f"import type {{ GatedDashboard }} from './gated';\nexport default {json.dumps(dashboard)} satisfies"
        (directory / f"{name}.ts").write_text(f"{source} GatedDashboard;\n")
    compiler = packages / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [str(npm.node()), str(compiler), "--project", "."], cwd=directory, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (done.stdout == ""), done.stderr
    return done.stdout


def test_every_committed_dashboard_is_one_to_grafana(packages: Path, tmp_path: Path) -> None:
    committed = {path.stem: json.loads(path.read_text()) for path in files.FOLDER.glob("*.json")}
    assert len(committed) == 3
    assert complaints(committed, packages, tmp_path) == ""


def _panel(dashboard: Dashboard, kind: str) -> Dashboard:
    found: Dashboard = next(panel for panel in dashboard["panels"] if panel["type"] == kind)
    return found


_WRONG: dict[str, tuple[Callable[[Dashboard], None], str]] = {
    "a field that dashboards do not have": (lambda d: d.update(autoRefresh="30s"), "autoRefresh"),
    "a number for a title": (lambda d: d.update(title=7), "number"),
    "an option of another kind of panel": (lambda d: _panel(d, "stat")["options"].update(rowHeight=1), "rowHeight"),
    "a value an option does not take": (lambda d: _panel(d, "stat")["options"].update(colorMode="rainbow"), "rainbow"),
    "a kind of panel we do not use": (lambda d: _panel(d, "stat").update(type="graph"), "graph"),
    "a unit that is no text": (lambda d: _panel(d, "table")["fieldConfig"]["defaults"].update(unit=1), "number"),
    "a panel without a description": (lambda d: _panel(d, "bargauge").pop("description"), "description"),
    "a setting of fields that lines do not have": (
        lambda d: _panel(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(thickness=2),
        "thickness",
    ),
    "a query without a name": (lambda d: _panel(d, "timeseries")["targets"][0].pop("refId"), "refId"),
    "a data source of its own": (
        lambda d: _panel(d, "stat")["datasource"].update(uid="P1809F7CD0C75ACF3"),
        "P1809F7CD0C75ACF3",
    ),
    "a way to hide a variable that there is not": (lambda d: d["templating"]["list"][0].update(hide=9), "9"),
    "a link to nowhere known": (lambda d: d["links"][0].update(type="portal"), "portal"),
}


def test_what_is_wrong_with_a_dashboard_is_noticed(packages: Path, tmp_path: Path) -> None:
    """Grafana's types accept anything in many places; a check that never complains proves nothing."""
    good = files.dashboards()["overview"]
    spoiled = {}
    for number, (spoil, _) in enumerate(_WRONG.values()):
        dashboard = copy.deepcopy(good)
        spoil(dashboard)
        spoiled[f"wrong{number}"] = dashboard
    # A complaint begins with the name of a file; what explains it follows, indented.
    said = re.split(r"^(?=\S)", complaints(spoiled, packages, tmp_path), flags=re.MULTILINE)
    unnoticed = [
        what
        for number, (what, (_, named)) in enumerate(_WRONG.items())
        if not any(complaint.startswith(f"wrong{number}.ts") and named in complaint for complaint in said)
    ]
    assert unnoticed == []
