"""What panels say of histories that a running gate does not have at hand, asked of a real Prometheus."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from grafana import files
from grafana.questions import questions
from tests.conftest import StartPrometheus
from tests.fakes.grafana import Grafana

_NOW = 1_700_000_010
"""A whole multiple of the least step, as the last point of a graph is."""
_HOUR = 3600
_OURS = 'job="gated",instance="gate:9911"'


def samples(*told: tuple[str, float, float]) -> str:
    """OpenMetrics text.

    Args:
        told: each a series, its value, and how many seconds ago.
    """
    metrics: defaultdict[str, list[str]] = defaultdict(list)
    for series, value, ago in sorted(told, key=lambda each: -each[2]):
        metrics[series.partition("{")[0]].append(f"{series} {value} {_NOW - ago}\n")
    return "".join(f"# TYPE {name} gauge\n{''.join(lines)}" for name, lines in metrics.items()) + "# EOF\n"


def answers(server_url: str, dashboard: str, place: str) -> list[Mapping[str, Any]]:
    """What a panel shows of the last six hours."""
    made = Grafana(server_url, files.dashboards()[dashboard], _NOW - 6 * _HOUR, _NOW, {}, scrape_seconds=15)
    return [series for each in questions(made.dashboard) if each.place == place for series in made.ask(each)]


def last_rollbacks(server_url: str) -> Iterable[tuple[str, str, float, str]]:
    """Service, rule, how long ago and whether the service is well again, of every row."""
    for row in answers(server_url, "overview", "Now / Last rollbacks"):
        metric = row["metric"]
        yield metric["service"], metric.get("rule", metric["cause"]), float(row["value"][1]), metric["well_again"]


def rollback(service: str, ago: float, *, seen: float = 0, cause: str = "rule", rule: str = "error-rate") -> Any:
    """That a release of a service went back, as of a scrape; both in seconds before now."""
    labels = f'{_OURS},{_release(service)},cause="{cause}",rule="{rule}"'
    return f"gated_rollback_triggered_timestamp_seconds{{{labels}}}", _NOW - ago, seen


def recovered(service: str, value: float, *, seen: float = 0, instance: str = "gate:9911") -> Any:
    """Whether it was seen well again, as of a scrape."""
    return f'gated_rollback_recovered{{job="gated",instance="{instance}",{_release(service)}}}', value, seen


def _release(service: str) -> str:
    return f'service="{service}",environment="production",version="v2",baseline="v1"'


def test_a_rollback_says_whether_it_helped_and_says_so_while_nobody_knows(prometheus: StartPrometheus) -> None:
    history = samples(
        rollback("cart", 60),
        (f'gated_release_info{{{_OURS},{_release("cart")},plan="p",phase="rolling_back"}}', 1, 0),
        rollback("search", 600),
        recovered("search", 0),
        rollback("login", 900, cause="blind", rule=""),
        recovered("login", 1),
        rollback("profile", 3 * _HOUR, seen=2 * _HOUR),
        recovered("profile", 1, seen=2 * _HOUR),
        rollback("invoices", 4 * _HOUR, seen=3 * _HOUR, cause="person", rule=""),
        rollback("ledger", 8 * _HOUR, seen=7 * _HOUR),
    )
    assert set(last_rollbacks(prometheus(history=history).url)) == {
        ("cart", "error-rate", 60, "rolling back"),
        ("search", "error-rate", 600, "no"),
        ("login", "blind", 900, "yes"),
        ("profile", "error-rate", 3 * _HOUR, "yes"),
        ("invoices", "person", 4 * _HOUR, "unknown"),
    }


def test_of_a_version_that_went_back_twice_the_last_time_is_told(prometheus: StartPrometheus) -> None:
    """Though its first rollback ended well, as an instance saw that is gone."""
    history = samples(
        rollback("cart", 3 * _HOUR, seen=2 * _HOUR),
        recovered("cart", 1, seen=2 * _HOUR, instance="gone:9911"),
        rollback("cart", 600, rule="latency-p95"),
        recovered("cart", 0),
    )
    assert list(last_rollbacks(prometheus(history=history).url)) == [("cart", "latency-p95", 600, "no")]


def test_a_rollback_is_marked_once_however_often_gated_was_started_since(prometheus: StartPrometheus) -> None:
    labels = f'{_release("cart")},cause="rule",rule="error-rate"'
    before, after = (f'job="gated",instance="gate:{port}",{labels}' for port in (1, 2))
    seen = {f"gated_rollback_triggered_timestamp_seconds{{{before}}}": range(1800, 1200, -15)}
    seen[f"gated_rollback_triggered_timestamp_seconds{{{after}}}"] = range(600, 0, -15)  # ten minutes without a gate
    server = prometheus(history=samples(*((name, _NOW - 1810, ago) for name, times in seen.items() for ago in times)))
    chosen = {"service": "cart", "environment": "production"}
    made = Grafana(server.url, files.dashboards()["release"], _NOW - _HOUR, _NOW, chosen, scrape_seconds=15)
    (mark,) = (series for each in questions(made.dashboard) if each.place == "Rollback" for series in made.ask(each))
    times = [at for at, _ in mark["values"]]
    assert times[0] >= _NOW - 1800
    assert times[-1] <= _NOW - 1800 + 75, "the least step and four scrapes"


@pytest.mark.parametrize(
    ("readable", "writable", "shown"),
    [(0, 1, "unreadable"), (0, 0, "unreadable"), (1, 0, "takes no writes"), (1, 1, "reads, writes")],
)
def test_the_store_is_as_good_as_the_worse_of_both(
    prometheus: StartPrometheus, readable: int, writable: int, shown: str
) -> None:
    history = samples(
        (f"gated_store_readable{{{_OURS}}}", readable, 0), (f"gated_store_writable{{{_OURS}}}", writable, 0)
    )
    (store,) = answers(prometheus(history=history).url, "itself", "Is it well / Store")
    (panel,) = (each for each in files.dashboards()["itself"]["panels"] if each["title"] == "Store")
    (words,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert words["options"][store["value"][1]]["text"] == shown


def test_the_process_is_gated_s_and_not_that_of_another_job(prometheus: StartPrometheus) -> None:
    """Even where another job has the same instance."""
    ours = {
        "process_cpu_seconds_total": (0, 1.5),
        "process_resident_memory_bytes": (9e7, 9e7),
        "process_open_fds": (30, 30),
        "process_max_fds": (1000, 1000),
        "process_start_time_seconds": (_NOW - 500, _NOW - 500),
    }
    theirs = {
        "process_cpu_seconds_total": (0, 15),
        "process_resident_memory_bytes": (9e9, 9e9),
        "process_open_fds": (900, 900),
        "process_max_fds": (1000, 1000),
        "process_start_time_seconds": (_NOW - 9000, _NOW - 9000),
    }
    told = [
        (f"{metric}{{{labels}}}", value, ago)
        for labels, process in ((_OURS, ours), (_OURS.replace("gated", "node"), theirs))
        for metric, values in process.items()
        for value, ago in zip(values, (15, 0), strict=True)
    ]
    version = [(f'gated_build_info{{{_OURS},version="1"}}', 1, ago) for ago in (15, 0)]
    server = prometheus(history=samples(*told, *version))
    made = Grafana(server.url, files.dashboards()["itself"], _NOW - 60, _NOW, {}, scrape_seconds=15)
    shown = {
        question.place.removeprefix("The process / "): (series["metric"], float(series["values"][-1][1]))
        for question in questions(made.dashboard)
        if question.place.startswith("The process / ")
        for series in made.ask(question)
    }
    of = {"instance": "gate:9911"}
    assert shown == {
        "Processor": (of, pytest.approx(1.5 / 60)),
        "Resident memory": (of, 9e7),
        "Open files": (of, 0.03),
        "Age of the process": (of, 500),
    }
