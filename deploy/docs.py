"""Write the pages of docs/ that follow from the code: `make docs`. A test makes sure that they are current.

python -m deploy.docs [--check]
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from deploy import alerts, consoles, tables
from deploy.pictures.gallery import PICTURES
from gated.daemon.settings_schema import ConfigFile
from gated.rulebook.cases import CasesFile
from gated.rulebook.entry import Entry
from gated.rulebook.schema import RuleFile, json_schema
from gated.server.app import describe_app
from gated.signals.metrics import Metrics, families

_DOCS = Path(__file__).parents[1] / "docs"
_Schema = dict[str, Any]


def api_page() -> str:
    """docs/api.md: the poll contract, from the application's own OpenAPI description."""
    description = describe_app().openapi()
    lines = [(_DOCS / "api.intro.md").read_text().rstrip(), ""]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            lines += [f"### `{method.upper()} {path}`", "", _paragraphs(operation["description"]), ""]
            lines += _parameters(operation.get("parameters", ()))
            lines += _body(operation.get("requestBody"))
            lines += _answers(operation["responses"])
    lines += ["## Documents", ""]
    for name, schema in sorted(description["components"]["schemas"].items()):
        if not name.endswith("ValidationError"):  # FastAPI's own, which `problems` replaces
            lines += _shape(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def metrics_page() -> str:
    """docs/metrics.md: every metric of /metrics."""
    lines = [
        (_DOCS / "metrics.intro.md").read_text().rstrip(),
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    wrapped = [metric for metric in vars(Metrics()).values() if isinstance(metric, MetricWrapperBase)]
    rows = [_metric_row(m._name, m._type, m._labelnames, m._documentation) for m in wrapped]  # noqa: SLF001 -- the library shows them nowhere else
    rows += [_metric_row(f.name, f.type, f._labelnames, f.documentation) for f in families()]  # noqa: SLF001 -- as above
    return "\n".join([*lines, *sorted(rows)]) + "\n"


def schema_of(entry: type[Entry]) -> str:
    """docs/schema/*.json: what an editor needs to complete and check a file while it is written."""
    return json.dumps(json_schema(entry), indent=2, ensure_ascii=False) + "\n"


_PAGES: dict[str, Callable[[], str]] = {
    "api.md": api_page,
    "metrics.md": metrics_page,
    "alerts.md": lambda: alerts.with_sections((_DOCS / "alerts.md").read_text(), "runbooks/"),
    "runbooks/index.md": lambda: alerts.with_sections((_DOCS / "runbooks" / "index.md").read_text(), ""),
    "testing-rules.md": lambda: consoles.with_outputs((_DOCS / "testing-rules.md").read_text()),
    "statistics.md": lambda: consoles.with_outputs(tables.with_tables((_DOCS / "statistics.md").read_text())),
    "comparison.md": lambda: tables.with_tables((_DOCS / "comparison.md").read_text()),
    **{f"pictures/{name}": make for name, make in PICTURES.items()},
    "schema/rules.schema.json": lambda: schema_of(RuleFile),
    "schema/cases.schema.json": lambda: schema_of(CasesFile),
    "schema/gated.schema.json": lambda: schema_of(ConfigFile),
}


def stale() -> list[str]:
    """The pages that are not what the code says now."""
    return [name for name, make in _PAGES.items() if not _is_current(_DOCS / name, make())]


def main() -> int:
    """Write the pages, or with --check only compare them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    if parser.parse_args().check:
        print("\n".join(f"docs/{name} is not current; run `make docs`" for name in stale()))
        return 1 if stale() else 0
    for name, make in _PAGES.items():
        (_DOCS / name).write_text(make())
    return 0


def _is_current(page: Path, text: str) -> bool:
    return page.exists() and page.read_text() == text


def _metric_row(name: str, kind: str | None, labels: Iterable[str], meaning: str) -> str:
    full = f"{name}_total" if kind == "counter" else name
    return f"| `{full}` | {kind} | {', '.join(f'`{label}`' for label in labels) or '–'} | {meaning} |"


def _parameters(parameters: Iterable[_Schema]) -> list[str]:
    rows = [
        f"| `{p['name']}` | {p['in']} | {_type(p['schema'])} | {_default(p)} | {p.get('description', '')} |"
        for p in parameters
    ]
    return ["| parameter | in | type | default | meaning |", "|---|---|---|---|---|", *rows, ""] if rows else []


def _default(parameter: _Schema) -> str:
    if parameter.get("required"):
        return "required"
    default = parameter["schema"].get("default")
    return "–" if default in {None, ""} else f"`{default}`"


def _body(body: _Schema | None) -> list[str]:
    return [] if body is None else [f"Body: {_type(body['content']['application/json']['schema'])}", ""]


def _answers(responses: _Schema) -> list[str]:
    rows = []
    for status, response in sorted(responses.items()):
        content = response.get("content", {}).get("application/json", {}).get("schema")
        rows.append(f"| {status} | {_type(content) if content else '–'} | {_when(response['description'])} |")
    return ["| status | document | when |", "|---|---|---|", *rows, ""]


def _when(description: str) -> str:
    """FastAPI's word for success says nothing."""
    return "as asked" if description == "Successful Response" else description


def _shape(name: str, schema: _Schema) -> list[str]:
    told = [f"### {name}", "", _paragraphs(schema.get("description", "")), ""]
    if "enum" in schema:
        return [*told, f"One of {_type(schema)}.", ""]
    required = set(schema.get("required", ()))
    rows = [
        f"| `{key}` | {_type(field)}{'' if key in required else ', optional'} |"
        f" {_paragraphs(field.get('description', ''))} |"
        for key, field in schema["properties"].items()
    ]
    return [*told, "| key | type | meaning |", "|---|---|---|", *rows, ""]


def _type(schema: _Schema) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return (
            f"[{name}](#{name.lower()})"
            if name.endswith(
                ("Document", "Page", "History", "Problem", "Release", "Promote", "Because", "Readiness", "Check")
            )
            else name
        )
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "prefixItems" in schema:
        return f"pair of {_type(schema['prefixItems'][0])}s"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    named = {"string": "text", "null": "null", "number": "number", "integer": "integer", "boolean": "true or false"}
    return "time" if schema.get("format") == "date-time" else named.get(schema.get("type", ""), "any")


def _paragraphs(text: str) -> str:
    """One line per paragraph, fit for a table as well."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
