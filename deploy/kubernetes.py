"""Write what the Helm chart and the Kustomize manifests take from elsewhere: `make docs`. A test says what is stale.

Helm and Kustomize read nothing outside their own folders, so alerts, dashboards and rules lie there as copies. The
chart's schema knows the keys of gated.yaml, and its README the values.

python -m deploy.kubernetes [--check]
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gated.daemon.settings_schema import ConfigFile
from gated.rulebook.schema import json_schema

REPOSITORY = Path(__file__).parents[1]
CHART = REPOSITORY / "deploy/helm/gated"
KUSTOMIZE = REPOSITORY / "deploy/kustomize"
_OPERATOR = KUSTOMIZE / "components/prometheus-operator"
_GRAFANA = KUSTOMIZE / "components/grafana-dashboards"
_WRITTEN_BY_THE_CHART = ("listen", "rules", "store")
_BEGIN, _END = "<!-- values: begin -->", "<!-- values: end -->"
_SOMETHING = "(?=[0-9])"
_NOTE = "# Written by `make docs`.\n"
_Json = dict[str, Any]


def alerts() -> list[Path]:
    """The files of alerts about gated."""
    return sorted((REPOSITORY / "deploy/prometheus").glob("*.rules.yaml"))


def dashboards() -> list[Path]:
    """The Grafana dashboards."""
    return sorted((REPOSITORY / "grafana/dashboards").glob("*.json"))


def pages() -> dict[Path, str]:
    """Every file that follows from others, with its text."""
    starter = (CHART / "files/rules/starter.yaml").read_text()
    return {
        **{CHART / "files/alerts" / file.name: file.read_text() for file in alerts()},
        **{CHART / "files/dashboards" / file.name: file.read_text() for file in dashboards()},
        **{_GRAFANA / "dashboards" / file.name: file.read_text() for file in dashboards()},
        **{_OPERATOR / "alerts" / f"{_stem(file)}.yaml": _prometheus_rule(file) for file in alerts()},
        _OPERATOR / "kustomization.yaml": _operator_component(),
        _GRAFANA / "kustomization.yaml": _grafana_component(),
        KUSTOMIZE / "base/rules/starter.yaml": starter,
        CHART / "values.schema.json": _values_schema(),
        CHART / "README.md": _chart_readme(),
    }


def stale() -> list[Path]:
    """The files that are not what they follow from: to be written, or to be removed."""
    made = pages()
    wrong = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    return sorted([*wrong, *(path for path in _copies() if path not in made)])


def main() -> int:
    """Write the files, or with --check only compare them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kubernetes", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    if parser.parse_args().check:
        print("\n".join(f"{path.relative_to(REPOSITORY)} is not current; run `make docs`" for path in stale()))
        return 1 if stale() else 0
    made = pages()
    for path in _copies():
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def _copies() -> Iterator[Path]:
    """Every copy there is, also of files that are there no longer."""
    for folder, names in (
        (CHART / "files/alerts", "*.yaml"),
        (CHART / "files/dashboards", "*.json"),
        (_OPERATOR / "alerts", "*.yaml"),
        (_GRAFANA / "dashboards", "*.json"),
    ):
        yield from folder.glob(names)


def _stem(file: Path) -> str:
    return file.name.partition(".")[0]


def _prometheus_rule(file: Path) -> str:
    labels = {"app.kubernetes.io/name": "gated", "app.kubernetes.io/instance": "gated"}
    name = "gated" if _stem(file) == "gated" else f"gated-{_stem(file)}"
    head = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "labels": labels},
    }
    return f"{_NOTE}{yaml.safe_dump(head, sort_keys=False)}spec:\n{textwrap.indent(file.read_text(), '  ')}"


def _operator_component() -> str:
    resources = ["servicemonitor.yaml", *(f"alerts/{_stem(file)}.yaml" for file in alerts())]
    return _component({"resources": resources})


def _grafana_component() -> str:
    maps = [{"name": f"gated-dashboard-{file.stem}", "files": [f"dashboards/{file.name}"]} for file in dashboards()]
    options = {
        "disableNameSuffixHash": True,  # the sidecar reads them by their label, nothing refers to them by name
        "labels": {
            "app.kubernetes.io/name": "gated",
            "app.kubernetes.io/instance": "gated",
            "grafana_dashboard": "1",
        },
        "annotations": {"grafana_folder": "gated"},
    }
    return _component({"generatorOptions": options, "configMapGenerator": maps})


def _component(content: Mapping[str, object]) -> str:
    head = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    return _NOTE + yaml.safe_dump({**head, **content}, sort_keys=False)


def _values_schema() -> str:
    """The schema of the values, knowing the keys of gated.yaml that the chart leaves to its user."""
    schema: _Json = json.loads((CHART / "values.schema.json").read_text())
    config = _for_helm(json_schema(ConfigFile))
    definitions = config.pop("definitions")
    config.pop("$schema")
    config.pop("required")
    for key in _WRITTEN_BY_THE_CHART:
        config["properties"].pop(key)
    return json.dumps({**schema, "definitions": {"Config": config, **definitions}}, indent=2, ensure_ascii=False) + "\n"


def _for_helm(schema: Any) -> Any:
    """A schema in the draft and with the regular expressions that every Helm reads.

    Definitions are kept elsewhere in draft 7, and Go knows no look-ahead: that there must be something is said apart.
    """
    if isinstance(schema, list):
        return [_for_helm(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and _SOMETHING in pattern:
        schema = {**schema, "pattern": pattern.replace(_SOMETHING, ""), "minLength": 1}
    return {
        "definitions" if key == "$defs" else key: (
            value.replace("#/$defs/", "#/definitions/") if key == "$ref" else _for_helm(value)
        )
        for key, value in schema.items()
    }


def _chart_readme() -> str:
    text = (CHART / "README.md").read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    rows = "\n".join(_rows(schema["properties"], values, ""))
    return f"{before}{_BEGIN}\n| value | default | meaning |\n|---|---|---|\n{rows}\n{_END}{after}"


def _rows(properties: _Json, values: _Json, prefix: str) -> Iterator[str]:
    for key, schema in properties.items():
        if key not in values:
            continue
        value = values[key]
        if "properties" in schema and value:
            yield from _rows(schema["properties"], value, f"{prefix}{key}.")
        else:
            default = json.dumps(value) if value != "" else "–"
            yield f"| `{prefix}{key}` | {f'`{default}`' if default != '–' else default} | {schema['description']} |"


if __name__ == "__main__":
    sys.exit(main())
