"""A Grafana without a face: it fills the variables of a dashboard and asks a real Prometheus what Grafana would ask.

What it imitates, and what Grafana's documentation of its Prometheus data source describes: the notation of variable
queries, how values are put into expressions, the least step, `$__interval`, `$__rate_interval`, `$__range`, and that
points lie at whole multiples of the step.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import requests

from gated.model.units import format_duration, parse_duration
from grafana.questions import Question

_VARIABLE = re.compile(r"\$(?P<bare>\w+)|\$\{(?P<braced>\w+)(?::(?P<form>\w+))?\}")
_LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),\s*)?(?P<label>\w+)\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((?P<expression>.+)\)", re.DOTALL)
_MOST_POINTS = 1000

Values = Mapping[str, str]
"""What each variable is replaced with in an expression."""


class Unanswerable(AssertionError):
    """Prometheus refused an expression, or an expression names a variable that nobody knows."""


@dataclass(frozen=True)
class Grafana:
    """One dashboard in front of one Prometheus, as one reader sees it.

    Args:
        prometheus_url: the data source.
        dashboard: its JSON.
        since: the beginning of the time shown, Unix seconds.
        until: its end.
        chosen: what the reader chose in variables; the first value, or All, in the others.
        scrape_seconds: what the data source is told of Prometheus' scrape interval.
    """

    prometheus_url: str
    dashboard: Mapping[str, Any]
    since: float
    until: float
    chosen: Mapping[str, str]
    scrape_seconds: float = 1.0

    @cached_property
    def options(self) -> Mapping[str, list[str]]:
        """The values every query variable can take, given those of the variables before it."""
        found: dict[str, list[str]] = {}
        for variable in self.dashboard["templating"]["list"]:
            if variable["type"] == "query":
                found[variable["name"]] = self._options(variable, self._values(found))
        return found

    def ask(self, question: Question) -> list[Any]:
        """What answers a question: the values of a variable, or the series of a panel with all its repetitions.

        Raises:
            Unanswerable: it cannot be asked like this.
        """
        if question.kind == "variable":
            return self.options[question.place.removeprefix("$")]
        values = self._values(self.options)
        repeated = [values]
        if question.repeat:
            repeated = [{**values, question.repeat: _escaped(value)} for value in self.options[question.repeat]]
        return [series for values in repeated for series in self._ask(question, values)]

    def link(self, url: str) -> str:
        """An address with the variables replaced."""
        first = {name: "".join(found[:1]) for name, found in self.options.items()}
        return _filled(url, {**first, **self.chosen})

    def _ask(self, question: Question, values: Values) -> Any:
        least = parse_duration(question.least_step) if question.least_step else self.scrape_seconds
        step = max(math.ceil((self.until - self.since) / _MOST_POINTS), least)
        expression = _filled(question.text, {**values, **self._built_in(step)})
        if question.is_instant:
            return self._get("query", query=expression, time=self.until)
        # The last point is the next whole multiple of the step: what is seen once its time has come.
        first, last = math.floor(self.since / step) * step, math.ceil(self.until / step) * step
        return self._get("query_range", query=expression, start=first, end=last, step=step)

    def _built_in(self, step: float) -> Values:
        rate = max(step + self.scrape_seconds, 4 * self.scrape_seconds)
        return {
            "__interval": format_duration(step),
            "__rate_interval": format_duration(rate),
            "__range": format_duration(round(self.until - self.since)),
        }

    def _options(self, variable: Mapping[str, Any], values: Values) -> list[str]:
        text = _filled(variable["query"]["query"], values)
        if (asked := _QUERY_RESULT.fullmatch(text)) is not None:
            found = [_as_text(series) for series in self._get("query", query=asked["expression"], time=self.until)]
        elif (asked := _LABEL_VALUES.fullmatch(text)) is not None:
            matching = {"match[]": asked["selector"]} if asked["selector"] else {}
            found = self._get(f"label/{asked['label']}/values", **matching, start=self.since, end=self.until)
        else:
            raise Unanswerable(f"the notation of ${variable['name']} is not known: {text}")
        pattern = variable.get("regex", "").strip("/").replace("\\/", "/")
        if pattern:
            found = [taken[1] for each in found if (taken := re.search(pattern, each)) is not None]
        return list(dict.fromkeys(found))

    def _values(self, found: Mapping[str, Sequence[str]]) -> dict[str, str]:
        values = {"datasource": "prometheus-1"}
        for variable in self.dashboard["templating"]["list"]:
            name = variable["name"]
            if name in self.chosen:
                values[name] = self.chosen[name]
            elif variable.get("multi"):
                values[name] = variable.get("allValue") or f"({'|'.join(map(_escaped, found.get(name, ())))})"
            elif name in found:
                values[name] = "".join(found[name][:1])
        return values

    def _get(self, path: str, **parameters: Any) -> Any:
        answer = requests.get(f"{self.prometheus_url}/api/v1/{path}", params=parameters, timeout=10)
        if answer.status_code != requests.codes.ok:
            raise Unanswerable(f"{answer.json().get('error')}: {json.dumps(parameters)}")
        data = answer.json()["data"]
        return data["result"] if isinstance(data, dict) else data


def _filled(text: str, values: Values) -> str:
    """Put values in the place of variables. `$1` is no variable: PromQL's `label_replace` wants it."""

    def value(found: re.Match[str]) -> str:
        name = found["bare"] or found["braced"]
        if name.isdecimal():
            return found[0]
        if name not in values:
            raise Unanswerable(f"${name} is not known: {text}")
        return quote(values[name], safe="") if found["form"] == "percentencode" else values[name]

    return _VARIABLE.sub(value, text)


def _escaped(value: str) -> str:
    """A value of a variable that can have several: escaped for a regular expression inside a PromQL string."""
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\" * 4))


def _as_text(series: Mapping[str, Any]) -> str:
    """A series as `query_result` writes it."""
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(series["metric"].items()) if name != "__name__")
    at, value = series["value"]
    return f"{series['metric'].get('__name__', '')}{{{labels}}} {value} {round(at * 1000)}"
