"""A Prometheus that answers what gated asks, and lies on demand in every way a server can.

A real HTTP server on a free port of 127.0.0.1, with the clock it is given:

    with FakePrometheus(clock) as prometheus:
        prometheus.counter("http_requests_total", per_second=10, service="checkout", version="v2", code="200")
        prometheus.lie(Lie.DRIPPING_BODY)
        ...
        prometheus.truth()
"""

import json
import math
import ssl
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gated.model.units import parse_duration
from gated.promql import syntax
from gated.promql.engine.errors import EvaluationFailed, Unsupported
from gated.promql.engine.evaluate import Engine
from gated.promql.engine.series import LOOK_BACK_SECONDS, Key
from tests.fakes.lies import Form, Lie, LyingServer
from tests.fakes.series import Recorded, Samples, Scraped

SKEW_SECONDS = 3600.0
"""How far ahead the clock of a server of skewed clock is."""
STALE_SECONDS = 150.0
"""How long ago a stale server stopped scraping."""
MOST_INSTANTS = 11_000
"""Of one range query."""
_LIED_VALUES: Mapping[Lie | None, float] = {Lie.NOT_A_NUMBER: math.nan, Lie.INFINITE: math.inf}


class FakePrometheus(LyingServer):
    """A running server, stopped at the end of its `with` block. Everything may be changed while it runs.

    Args:
        clock: returns its time, Unix seconds.
        external_labels: what `/api/v1/status/config` shows.
        scrape_interval_seconds: between two samples of a counter or gauge.
        drip_seconds: between two bytes, when it drips.
        tls: how it speaks https; None for plain http.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        external_labels: Mapping[str, str] | None = None,
        scrape_interval_seconds: float = 1.0,
        drip_seconds: float = 1.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.external_labels = dict(external_labels or {})
        self.asked: list[str] = []
        """Every expression it was asked to evaluate, in order."""
        self.late_seconds = 0.0
        """How long after its time the samples of a series made from now on are there to be seen."""
        self._clock = clock
        self._interval = scrape_interval_seconds
        self._series: dict[Key, Scraped | Recorded] = {}
        self._rules: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        super().__init__(self._answer, drip_seconds=drip_seconds, tls=tls)

    def counter(self, name: str, /, per_second: float, *, age_seconds: float = 600.0, **labels: str) -> None:
        """Let a counter grow at this rate from now on.

        Args:
            name: of the metric.
            per_second: the rate.
            age_seconds: for how long a counter that is not there yet shall have grown so already.
            labels: of the series.
        """
        self._scraped(name, labels, age_seconds=age_seconds, per_second=per_second)

    def gauge(self, name: str, /, value: float, *, age_seconds: float = 600.0, **labels: str) -> None:
        """Let a gauge have this value from now on; one that is not there yet shall have had it already."""
        self._scraped(name, labels, age_seconds=age_seconds, value=value)

    def histogram(
        self, name: str, /, per_second: Mapping[str, float], *, age_seconds: float = 600.0, **labels: str
    ) -> None:
        """Let a classic histogram grow from now on.

        Args:
            name: its base name.
            per_second: the rate of each cumulative bucket by its `le`, `+Inf` among them.
            age_seconds: as for `counter`.
            labels: of its series.
        """
        for le, rate in per_second.items():
            self.counter(f"{name}_bucket", rate, age_seconds=age_seconds, le=le, **labels)
        self.counter(f"{name}_count", per_second["+Inf"], age_seconds=age_seconds, **labels)

    def recorded(self, name: str, /, samples: Samples, **labels: str) -> None:
        """Have exactly these samples of a series, each (Unix seconds, value)."""
        series = Recorded({"__name__": name, **labels}, samples, self.late_seconds)
        with self._lock:
            self._series[_key(series.labels)] = series

    def remove(self, name: str, /, **labels: str) -> None:
        """Let a counter or gauge vanish, as that of a target that is gone."""
        with self._lock:
            series = self._series[_key({"__name__": name, **labels})]
            assert isinstance(series, Scraped)
            series.ended_at = self._clock()

    def alert_rule(
        self, name: str, /, *, health: str = "ok", age_seconds: float = 0.0, interval_seconds: float = 15
    ) -> None:
        """Load an alerting rule whose last evaluation was `age_seconds` before each time it is asked for."""
        self._rules[name] = {"health": health, "age_seconds": age_seconds, "interval": interval_seconds}

    def alert(self, name: str, /, *, active_since: float, **labels: str) -> None:
        """Let an alert fire, of a rule that is loaded with it."""
        self.alert_rule(name)
        alert = {"alertname": name, **labels}
        self._scraped("ALERTS", alert | {"alertstate": "firing"}, value=1.0)
        self._scraped("ALERTS_FOR_STATE", alert, value=active_since)

    def resolve(self, name: str, /, **labels: str) -> None:
        """Let an alert fire no more; its rule stays."""
        self.remove("ALERTS", alertname=name, alertstate="firing", **labels)
        self.remove("ALERTS_FOR_STATE", alertname=name, **labels)

    def _scraped(
        self,
        name: str,
        labels: Mapping[str, str],
        *,
        age_seconds: float = 600.0,
        per_second: float = 0.0,
        value: float | None = None,
    ) -> None:
        now = self._clock()
        all_labels = {"__name__": name, **labels}
        with self._lock:
            known = self._series.get(_key(all_labels))
            if isinstance(known, Scraped) and now < known.ended_at:
                known.change(now, per_second, value)
                return
            series = Scraped(all_labels, self._interval, now - age_seconds, value or 0.0, per_second)
            series.late_seconds = self.late_seconds
            self._series[_key(all_labels)] = series

    def _answer(self, path: str, form: Form) -> tuple[int, bytes]:
        try:
            match path:
                case "/api/v1/query":
                    (expression,) = form["query"]
                    self.asked.append(expression)
                    data = self._evaluate(expression, form)
                case "/api/v1/query_range":
                    (expression,) = form["query"]
                    self.asked.append(expression)
                    data = self._evaluate_range(expression, form)
                case "/api/v1/status/config":
                    data = self._config()
                case "/api/v1/rules":
                    data = self._loaded_rules()
                case _:
                    return 404, b"404 page not found"
        except (Unsupported, EvaluationFailed, syntax.PromQLError) as error:
            return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": str(error)}).encode()
        return 200, json.dumps({"status": "success", "data": data}).encode()

    def _evaluate(self, expression: str, form: Form) -> dict[str, Any]:
        (at,) = map(float, form.get("time", (self._clock(),)))
        shown_time = at + (SKEW_SECONDS if self.present_lie is Lie.CLOCK_SKEWED else 0.0)
        result = self._engine(expression, at).evaluate(expression, at)
        if isinstance(result, float):
            number = shown_time if expression == "time()" else result
            return {"resultType": "scalar", "result": [shown_time, _text(number)]}
        if self.present_lie in {Lie.EMPTY, Lie.WRONG_SERVER}:
            result = {}
        vector = [
            {"metric": dict(labels), "value": [shown_time, self._shown(value)]} for labels, value in result.items()
        ]
        return {"resultType": "vector", "result": vector * (2 if self.present_lie is Lie.DUPLICATES else 1)}

    def _evaluate_range(self, expression: str, form: Form) -> dict[str, Any]:
        start, end, step = (float(form["start"][0]), float(form["end"][0]), parse_duration(form["step"][0]))
        count = math.floor((end - start) / step + 1e-6) + 1
        if count > MOST_INSTANTS:
            raise Unsupported("exceeded maximum resolution of 11,000 points per timeseries")
        engine = self._engine(expression, start)
        lines: dict[Key, list[tuple[float, str]]] = {}
        for index in range(count):
            at = round(start + index * step, 3)
            result = engine.evaluate(expression, at)
            assert isinstance(result, dict)
            for labels, value in result.items():
                lines.setdefault(labels, []).append((at, self._shown(value)))
        if self.present_lie in {Lie.EMPTY, Lie.WRONG_SERVER}:
            lines = {}
        matrix = [{"metric": dict(labels), "values": line} for labels, line in lines.items()]
        return {"resultType": "matrix", "result": matrix * (2 if self.present_lie is Lie.DUPLICATES else 1)}

    def _engine(self, expression: str, first: float) -> Engine:
        """Knows what an evaluation needs, from a first instant on."""
        start = first - syntax.look_back_seconds(expression) - LOOK_BACK_SECONDS
        now = self._clock() - (STALE_SECONDS if self.present_lie is Lie.STALE else 0.0)
        with self._lock:
            return Engine([each.seen(start, now) for each in self._series.values()])

    def _shown(self, value: float) -> str:
        return _text(_LIED_VALUES.get(self.present_lie, value))

    def _config(self) -> dict[str, Any]:
        labels = {"cluster": "elsewhere"} if self.present_lie is Lie.WRONG_SERVER else self.external_labels
        lines = ["global:", "  scrape_interval: 15s"]
        if labels:
            lines += ["  external_labels:", *(f"    {name}: {json.dumps(value)}" for name, value in labels.items())]
        return {"yaml": "\n".join([*lines, "scrape_configs:", "- job_name: all", ""])}

    def _loaded_rules(self) -> dict[str, Any]:
        groups = []
        for name, rule in self._rules.items():
            evaluated = datetime.fromtimestamp(self._clock() - rule["age_seconds"], UTC).isoformat()
            shown = {"name": name, "type": "alerting", "health": rule["health"], "lastEvaluation": evaluated}
            groups.append({"name": name, "interval": rule["interval"], "rules": [shown]})
        return {"groups": groups}


def _key(labels: Mapping[str, str]) -> Key:
    return tuple(sorted(labels.items()))


def _text(number: float) -> str:
    return {math.inf: "+Inf", -math.inf: "-Inf"}.get(number, "NaN" if math.isnan(number) else repr(number))
