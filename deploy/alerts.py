"""The shipped alerting rules and their runbooks, read for those who load, list or test them."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

_REPOSITORY = Path(__file__).parents[1]
FOLDER = _REPOSITORY / "deploy" / "prometheus"
RULES = FOLDER / "gated.rules.yaml"
RUNBOOKS = _REPOSITORY / "docs" / "runbooks"
RUNBOOK_BASE = "https://gated.example/runbooks"
"""Where `runbook_url` points until an operator says otherwise: an address that nobody can have."""
ROUTES = FOLDER / "alertmanager.example.yml"
_SECTION = re.compile(r"(?<=<!-- alerts: )(?P<name>table|routes) -->\n.*?(?=<!-- alerts: end -->)", re.DOTALL)
_INTERVAL = "    interval: 15s\n"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule.

    Args:
        name: what it is called, and its runbook.
        expr: when it is true.
        patience: for how long that must last; empty for not at all.
        labels: what it adds to those of the expression.
        annotations: the templates of what people read.
    """

    name: str
    expr: str
    patience: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def runbook(self) -> Path:
        """Its page."""
        return RUNBOOKS / f"{self.name}.md"

    @property
    def meaning(self) -> str:
        """The first paragraph of its page, in one line."""
        _, _, text = self.runbook.read_text().partition("## Meaning\n\n")
        return " ".join(text.partition("\n\n")[0].split())


def shipped() -> tuple[Alert, ...]:
    """The alerts, in the order of the file."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return tuple(
        Alert(rule["alert"], rule["expr"], rule.get("for", ""), rule["labels"], rule["annotations"])
        for rule in group["rules"]
    )


def rules_evaluated_every(interval: str) -> str:
    """The rule file for a Prometheus in a hurry.

    Args:
        interval: as Prometheus writes it, `1s`.

    Raises:
        ValueError: the file does not say how often its group is evaluated.
    """
    text = RULES.read_text()
    if text.count(_INTERVAL) != 1:
        raise ValueError(f"{RULES.name} has no single line {_INTERVAL.strip()!r}")
    return text.replace(_INTERVAL, f"    interval: {interval}\n")


def with_sections(page: str, runbooks: str) -> str:
    """A page with what follows from the files as they are now, between `<!-- alerts: NAME -->` and the next `end`.

    Args:
        page: the text; NAME is `table` or `routes`.
        runbooks: the way from the page to the runbooks, with a slash at its end; empty for their own folder.
    """
    sections = {"table": _table(runbooks), "routes": _routes()}
    return _SECTION.sub(lambda found: f"{found['name']} -->\n\n{sections[found['name']]}\n\n", page)


def _table(runbooks: str) -> str:
    rows = [
        f"| [{alert.name}]({runbooks}{alert.name}.md) | {alert.labels['severity']} | {alert.meaning} |"
        for alert in shipped()
    ]
    return "\n".join(["| alert | severity | meaning |", "|---|---|---|", *rows])


def _routes() -> str:
    """Who is told how: the example's routes, without its inhibitions and receivers."""
    paragraphs = ROUTES.read_text().split("\n\n")
    (routes,) = [paragraph for paragraph in paragraphs if "\nroute:\n" in paragraph]
    return f"```yaml\n{routes[routes.index('route:') :]}\n```"
