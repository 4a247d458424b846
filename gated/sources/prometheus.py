"""Prometheus' HTTP API on the wire; the only place that knows prometheus-api-client.

The library builds the requests and unpacks the answers. What it leaves open is closed in the session it is given:
a query travels in the body and not in the address, one deadline holds for all bytes, one request is one request,
and what stands beside the result (status, error, warnings, type) is looked at before the library drops it.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import requests
import yaml
from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from gated.model.reading import FailureReason
from gated.sources import replies
from gated.sources.deadline import Deadline
from gated.sources.errors import SourceError
from gated.sources.grid import Grid, Line
from gated.sources.samples import Sample
from gated.sources.transport import Reply, Transport

MOST_INSTANTS: Final = 11_000
"""Of one range query; Prometheus refuses more."""
_AS_ASKED: Final = {"nocache": "1"}
"""VictoriaMetrics answers for other instants than it is asked for, the present of half a minute ago among them, unless
told not to. Prometheus, Thanos and Mimir never do, and ignore this."""
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

    def query(self, expression: str, timeout_seconds: float, at_ms: int | None = None) -> tuple[Sample, ...]:
        """Evaluate PromQL at one instant.

        Args:
            expression: of type instant vector or scalar; a scalar is a sample without labels.
            timeout_seconds: for everything together.
            at_ms: when, Unix milliseconds; None for the server's present.

        Raises:
            SourceError: the question was not answered, or only in part.
        """
        instant = {} if at_ms is None else {"time": _seconds(at_ms)}
        result: _Result = self._connect.custom_query(
            expression, params={**instant, **_AS_ASKED}, timeout=timeout_seconds
        )
        if result.kind == "scalar":
            return (_sample({"metric": {}, "value": list(result)}),)
        if result.kind != "vector":
            raise SourceError(FailureReason.NOT_PROMETHEUS, f"a result of type {result.kind} where a vector is due")
        return tuple(_sample(element) for element in result)

    def query_range(
        self, expression: str, grid: Grid, timeout_seconds: float, most_instants: int = MOST_INSTANTS
    ) -> tuple[Line, ...]:
        """Evaluate PromQL at many instants, in one request after another where they are too many for one.

        Args:
            expression: of type instant vector.
            grid: the instants.
            timeout_seconds: for everything together.
            most_instants: of one request.

        Raises:
            SourceError: the question was not answered, or only in part.
            TimeoutError: the time was used up between two requests.
        """
        limit = Deadline.after(timeout_seconds)
        values: defaultdict[_Labels, list[float | None]] = defaultdict(lambda: [None] * grid.count)
        histograms: set[_Labels] = set()
        for begin, piece in grid.pieces(most_instants):
            result: _Result = self._connect.custom_query_range(
                expression,
                # The library rounds the ends to whole seconds; these are said again, exactly.
                *(datetime.fromtimestamp(at_ms / 1000, UTC) for at_ms in (piece.first_ms, piece.last_ms)),
                f"{piece.step_ms}ms",
                params={"start": _seconds(piece.first_ms), "end": _seconds(piece.last_ms), **_AS_ASKED},
                timeout=limit.remaining_seconds(),
            )
            if result.kind != "matrix":
                raise SourceError(FailureReason.NOT_PROMETHEUS, f"a result of type {result.kind} where a matrix is due")
            instants = [piece.at(index) for index in range(piece.count)]
            for element in result:
                labels = _fill(element, values, begin, piece, instants)
                if "histograms" in element:
                    histograms.add(labels)
        return tuple(Line(dict(labels), line, labels in histograms) for labels, line in values.items())

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


_Labels = tuple[tuple[str, str], ...]


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


def _seconds(at_ms: int) -> str:
    """An instant as text that is read back to the same millisecond."""
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"


def _fill(
    element: Any, lines: Mapping[_Labels, list[float | None]], begin: int, piece: Grid, instants: Sequence[float]
) -> _Labels:
    """Write one element of a matrix into the line of its labels."""
    try:
        labels = tuple(sorted(element["metric"].items()))
        line = lines[labels]
        values = element.get("values", ())
        whole = slice(begin, begin + piece.count)
        if [at for at, _ in values] == instants and line[whole].count(None) == piece.count:
            line[whole] = [float(content) for _, content in values]  # most series were there all the time
            return labels
        for at, content in values:
            index = piece.index(at)
            if index is None:
                raise SourceError(FailureReason.NOT_PROMETHEUS, "a value at an instant that nobody asked for")
            if line[begin + index] is not None:
                raise SourceError(FailureReason.AMBIGUOUS, "the same series twice")
            line[begin + index] = float(content)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise SourceError(FailureReason.NOT_PROMETHEUS, "a result that is no series") from error
    return labels


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
