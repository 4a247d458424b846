"""Prometheus' HTTP API on the wire; the only place that knows prometheus-api-client.

The library builds the requests and unpacks the answers. What it leaves open is closed in the session it is given:
a query travels in the body and not in the address, one deadline holds for all bytes, one request is one request,
and what stands beside the result (status, error, warnings, type) is looked at before the library drops it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
import yaml
from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from gated.model.reading import FailureReason
from gated.sources import replies
from gated.sources.errors import SourceError
from gated.sources.samples import Sample
from gated.sources.transport import Reply, Transport

_GLOBAL_BLOCK = re.compile(r"^global:\n(?:[ \t].*\n|\n)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alerting rule that a server has loaded.

    Args:
        name: the `alertname` of its alerts.
        is_healthy: whether its last evaluation worked.
        evaluated_at: when that was, Unix seconds; far in the past for never.
        interval_seconds: how often it is due.
    """

    name: str
    is_healthy: bool
    evaluated_at: float
    interval_seconds: float


class Prometheus:
    """A client of one server. Safe to use from many threads at once.

    Args:
        url: its address, with its path prefix.
        transport: how to reach it.
    """

    def __init__(self, url: str, transport: Transport) -> None:
        self._url = url.rstrip("/")
        self._transport = transport
        self._connect = PrometheusConnect(self._url, method="POST", retry=Retry(total=0), session=_Session(transport))

    def query(self, expression: str, timeout_seconds: float) -> tuple[Sample, ...]:
        """Evaluate PromQL at the server's present time.

        Args:
            expression: of type instant vector or scalar; a scalar is a sample without labels.
            timeout_seconds: for everything together.

        Raises:
            SourceError: the question was not answered, or only in part.
        """
        result: _Result = self._connect.custom_query(expression, timeout=timeout_seconds)
        if result.kind == "scalar":
            return (_sample({"metric": {}, "value": list(result)}),)
        if result.kind != "vector":
            raise SourceError(FailureReason.NOT_PROMETHEUS, f"a result of type {result.kind} where a vector is due")
        return tuple(_sample(element) for element in result)

    def external_labels(self, timeout_seconds: float) -> Mapping[str, str]:
        """The labels by which the server tells itself from others.

        Raises:
            SourceError: the question was not answered.
        """
        config = self._get("/api/v1/status/config", timeout_seconds).get("yaml", "")
        # Only the block that holds them is parsed: the rest may be megabytes, and this is asked at every look.
        block = _GLOBAL_BLOCK.search(config)
        labels = yaml.safe_load(block[0])["global"].get("external_labels", {}) if block else {}
        return {str(name): str(value) for name, value in labels.items()}

    def alert_rules(self, timeout_seconds: float) -> tuple[AlertRule, ...]:
        """Every alerting rule the server evaluates.

        Raises:
            SourceError: the question was not answered.
        """
        groups = self._get("/api/v1/rules?type=alert&exclude_alerts=true", timeout_seconds)["groups"]
        return tuple(
            AlertRule(
                name=rule["name"],
                is_healthy=rule["health"] == "ok",
                evaluated_at=datetime.fromisoformat(rule["lastEvaluation"]).timestamp(),
                interval_seconds=float(group["interval"]),
            )
            for group in groups
            for rule in group["rules"]
        )

    def _get(self, path: str, timeout_seconds: float) -> dict[str, Any]:
        body = replies.data(self._transport.fetch("GET", self._url + path, timeout_seconds)).get("data")
        if not isinstance(body, dict):
            raise SourceError(FailureReason.NOT_PROMETHEUS, f"no data in the answer to {path.partition('?')[0]}")
        return body


class _Result(list[Any]):
    """The `result` of an answer, which is all that the library hands back, with its type."""

    def __init__(self, kind: str, elements: list[Any]) -> None:
        super().__init__(elements)
        self.kind = kind


class _Session(requests.Session):
    """What the library sends its requests through."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def request(  # type: ignore[override]  # what the library passes, and nothing else
        self, method: str, url: str, *, params: Mapping[str, str], timeout: float, **_: object
    ) -> "_Answered":
        return _Answered(self._transport.fetch(method, url, timeout, form=params))


class _Answered:
    """A response as far as the library looks at it: a good one, anything else was raised before."""

    status_code = 200

    def __init__(self, reply: Reply) -> None:
        self._envelope = replies.data(reply)

    def json(self) -> dict[str, Any]:
        body = self._envelope.get("data")
        if not isinstance(body, dict) or not isinstance(body.get("result"), list):
            raise SourceError(FailureReason.NOT_PROMETHEUS, "JSON without a result")
        return {"data": {"result": _Result(str(body.get("resultType")), body["result"])}}


def _sample(element: Any) -> Sample:
    try:
        labels, is_histogram = element["metric"], "value" not in element and "histogram" in element
        at, content = element["histogram" if is_histogram else "value"]
        number = math.nan if is_histogram else float(content)
        is_sample = isinstance(labels, dict) and math.isfinite(at)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(FailureReason.NOT_PROMETHEUS, "a result that is no sample") from error
    if not is_sample:
        raise SourceError(FailureReason.NOT_PROMETHEUS, "a result that is no sample")
    return Sample(labels, number, float(at), is_histogram)
