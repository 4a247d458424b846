"""Everything the demo's story happens in: a service under traffic, Prometheus, Alertmanager, and gated itself."""

import contextlib
import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from deploy import alerts
from deploy.demo import past
from deploy.demo.workload import Workload
from deploy.local.gated import Gated
from deploy.local.servers import Alertmanager, Prometheus, backfill

_HERE = Path(__file__).parent
_EVERY = "1s"
_GATEWAY = "http://127.0.0.1:8080"
"""Where rules.yaml looks for the gateway, whose port is only known once it runs."""
FIRST_VERSION = "v1"
"""What has been running for an hour when the demo begins."""


class Surroundings:
    """All servers of the demo, started in order and stopped in reverse. Prometheus has an hour of the service's past.

    Args:
        directory: where everything is kept; logs stay readable there while it exists.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running = contextlib.ExitStack()
        with contextlib.ExitStack() as starting:
            self.workload = starting.enter_context(Workload(directory / "workload"))
            self.alertmanager = starting.enter_context(
                Alertmanager({"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}, directory=directory)
            )
            (directory / "alerts.yaml").write_text((_HERE / "alerts.yaml").read_text())
            (directory / alerts.RULES.name).write_text(alerts.rules_evaluated_every(_EVERY))
            self._publish_targets()
            backfill(past.openmetrics(FIRST_VERSION, time.time()), directory)  # noqa: TID251 -- when Prometheus thinks it is
            self.prometheus = starting.enter_context(
                Prometheus(self._prometheus_config(), directory=directory, flags=["--query.lookback-delta=10s"])
            )
            rules = (_HERE / "rules.yaml").read_text().replace(_GATEWAY, self.workload.url)
            self.gated = starting.enter_context(
                Gated(
                    directory / "gated",
                    config=f"evaluation_interval: {_EVERY}\nsources:\n  default:\n    url: {self.prometheus.url}\n"
                    "    timeout: 2s\n    settle: 500ms\n    expect: {labels: {cluster: demo}}\n",
                    rules={"demo.yaml": rules},
                )
            )
            self._publish("gated", [{"targets": [f"127.0.0.1:{self.gated.port}"]}])
            self._running = starting.pop_all()

    def deploy(self, version: str, *, faulty_above: float | None = None) -> None:
        """Start a version without traffic, and have Prometheus scrape it."""
        self.workload.start_version(version, faulty_above=faulty_above)
        self._publish_targets()

    def undeploy(self, version: str) -> None:
        """Stop a version."""
        self.workload.stop_version(version)
        self._publish_targets()

    def is_scraped(self, version: str) -> bool:
        """Whether Prometheus has samples of a version."""
        return bool(self.ask_prometheus(f'up{{version="{version}"}} == 1'))

    def ask_prometheus(self, query: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        answer = requests.get(f"{self.prometheus.url}/api/v1/query", params={"query": query}, timeout=5)
        answer.raise_for_status()
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    def firing_alerts(self) -> set[str]:
        """The names of the alerts that reached Alertmanager."""
        answer = requests.get(f"{self.alertmanager.url}/api/v2/alerts", timeout=5)
        answer.raise_for_status()
        return {alert["labels"]["alertname"] for alert in answer.json()}

    def addresses(self) -> list[tuple[str, str]]:
        """Where a person can look around."""
        return [
            ("the status page", f"{self.gated.url}/"),
            ("gated's metrics", f"{self.gated.url}/metrics"),
            ("Prometheus", f"{self.prometheus.url}/graph"),
            ("Alertmanager", self.alertmanager.url),
            ("the service", f"{self.workload.url}/checkout"),
            ("files and logs", str(self._directory)),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _publish_targets(self) -> None:
        self._publish("service", self.workload.targets())

    def _publish(self, job: str, targets: list[dict[str, Any]]) -> None:
        """Tell Prometheus' file discovery what to scrape; the file is replaced, never half written."""
        folder = self._directory / "targets"
        folder.mkdir(exist_ok=True)
        draft = folder / f"{job}.draft"
        draft.write_text(json.dumps(targets))
        draft.replace(folder / f"{job}.json")

    def _prometheus_config(self) -> dict[str, Any]:
        return {
            "global": {
                "scrape_interval": _EVERY,
                "evaluation_interval": _EVERY,
                "external_labels": {"cluster": "demo"},
            },
            "rule_files": ["alerts.yaml", alerts.RULES.name],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [self.alertmanager.url.removeprefix("http://")]}]}]
            },
            "scrape_configs": [
                {
                    "job_name": job,
                    "file_sd_configs": [{"files": [f"targets/{job}.json"], "refresh_interval": _EVERY}],
                }
                for job in ("service", "gated")
            ],
        }
