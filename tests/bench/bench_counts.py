"""Whether events are counted right, and what that costs Prometheus: gated's way beside the usual ones.

Pods restart, die and are born in the middle of a stage; their errors are rare. The histories are written into a real
Prometheus, so hours pass in seconds. The truth is every event that a scrape followed while its process lived.
"""

import contextlib
import http.server
import random
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
import requests

from deploy.local.servers import Prometheus
from gated.model.ids import SourceName
from gated.model.reading import CountHistory, Events, Query, Reading, Value
from gated.model.selection import Matcher, Workload
from gated.sources.history import History
from gated.sources.reader import Sources
from gated.sources.settings import SourceSettings
from tests.conftest import StartPrometheus
from tests.fakes.pods import Fleet, Pod, openmetrics, rolling

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SOURCE = SourceName("default")
START, STAGE_SECONDS, LOOK_SECONDS = 1_760_000_010.0, 5700.0, 15.0
END = START + STAGE_SECONDS
SEEDS = range(8)
X = "http_requests_total"
ERRORS = f'{X}{{code="500"}}'
SELECTORS = {"errors": ERRORS, "requests": X}


@dataclass(frozen=True)
class Case:
    """How pods are scraped.

    Args:
        interval_seconds: between two scrapes.
        unseen_seconds: for how long one of the pods, that lives on, cannot be reached in the middle.
        missed: the share of scrapes that fail.
        starts_at_zero: whether counters are shown before their first event.
    """

    interval_seconds: float = 15.0
    unseen_seconds: float = 0.0
    missed: float = 0.01
    starts_at_zero: bool = False

    def fleet(self, seed: int) -> Fleet:
        """Pods of a service of their own."""
        chance = random.Random(seed)  # noqa: S311  # a simulation, repeatable on purpose
        pods = rolling(START, END, chance)
        if self.unseen_seconds:
            middle = START + STAGE_SECONDS / 2
            unseen = ((middle - self.unseen_seconds / 2, middle + self.unseen_seconds / 2),)
            pods.append(Pod("unseen", ((START - 1800, END + 60),), unseen))
        return Fleet(
            pods,
            seed,
            interval_seconds=self.interval_seconds,
            missed=self.missed,
            starts_at_zero=self.starts_at_zero,
            labels={"service": f"s{seed}", "version": "v2", "job": "bench"},
        )


CASES = {
    "scraped every 15 s": Case(),
    "scraped every 15 s, counters shown from zero on": Case(starts_at_zero=True),
    "scraped every 5 s": Case(interval_seconds=5),
    "scraped every 60 s": Case(interval_seconds=60),
    "every tenth scrape fails": Case(missed=0.1),
    "a pod out of sight for 20 min": Case(unseen_seconds=1200),
}
BEYOND = {"a pod out of sight for 40 min": Case(unseen_seconds=2400)}
"""Longer than L: known to be counted wrongly, and here to show by how much."""


def telescoping(series: str, bridge: str, stretch: str = "15s") -> str:
    last, base = f"last_over_time({series}[{stretch}])", f"last_over_time({series}[{bridge}] offset {stretch})"
    return f"sum by (service) (({last} - {base}) >= 0 or {last})"


def peaks(series: str, bridge: str, stretch: str = "15s") -> str:
    """As telescoping, and with what was counted between the base and a restart."""
    last, base = f"last_over_time({series}[{stretch}])", f"last_over_time({series}[{bridge}] offset {stretch})"
    lost = f"clamp_min(max_over_time({series}[{stretch}]) - {base}, 0)"
    return f"sum by (service) (({last} - {base}) >= 0 or ({last} + {lost}) or {last})"


METHODS: Mapping[str, tuple[Callable[[str], str], float]] = {
    "increase[1m] each minute": (lambda x: f"sum by (service) (increase({x}[1m]))", 60.0),
    "increase[30s] / 2 each look": (lambda x: f"sum by (service) (increase({x}[30s])) / 2", 15.0),
    "increase over the stage, once": (lambda x: f"sum by (service) (increase({x}[95m]))", STAGE_SECONDS),
    "telescoping, L = 10m": (lambda x: telescoping(x, "10m"), 15.0),
    "telescoping, L = 30m": (lambda x: telescoping(x, "30m"), 15.0),
    "telescoping, L = 1h": (lambda x: telescoping(x, "1h"), 15.0),
    "telescoping, L = 30m, every 5 min": (lambda x: telescoping(x, "30m", "5m"), 300.0),
    "with peaks, L = 30m, every 5 min": (lambda x: peaks(x, "30m", "5m"), 300.0),
}


def sums(server: Prometheus, expression: str, step_seconds: float) -> Mapping[str, float]:
    """The sum over the looks of a stage, by service."""
    form = {"query": expression, "start": START + step_seconds, "end": END, "step": step_seconds}
    answer = requests.post(f"{server.url}/api/v1/query_range", data=form, timeout=60).json()
    return {
        line["metric"].get("service", ""): sum(float(value) for _, value in line["values"])
        for line in answer["data"]["result"]
    }


def of(seed: int) -> Workload:
    return (Matcher("service", f"s{seed}"), Matcher("version", "v2"))


def ours_live(server: Prometheus, selector: str) -> Mapping[str, float]:
    """As the daemon counts: look after look, what is missing is made up for by the next."""
    found = dict.fromkeys(range(len(SEEDS)), 0.0)
    since = dict.fromkeys(range(len(SEEDS)), START)
    now = _server_time(server)
    with Sources([SourceSettings(SOURCE, server.url, settle_seconds=0, max_clock_skew_seconds=3600)]) as sources:
        for look in range(1, round(STAGE_SECONDS / LOOK_SECONDS) + 1):
            until = START + look * LOOK_SECONDS
            asked = {seed: Query(SOURCE, Events(selector, since[seed], until), of(seed)) for seed in SEEDS}
            for seed, reading in zip(asked, sources.read(asked.values(), now).readings.values(), strict=True):
                if isinstance(reading, Value):
                    found[seed] += reading.number
                    since[seed] = until
    return {f"s{seed}": number for seed, number in found.items()}


def ours_recorded(server: Prometheus, selector: str) -> Mapping[str, float]:
    """As a replay counts."""
    settings = [SourceSettings(SOURCE, server.url, settle_seconds=0)]
    found = dict.fromkeys(SEEDS, 0.0)
    with History(settings, start=START, step_seconds=LOOK_SECONDS) as history:
        for look in range(1, round(STAGE_SECONDS / LOOK_SECONDS) + 1):
            until = START + look * LOOK_SECONDS
            queries = {seed: Query(SOURCE, Events(selector, until - LOOK_SECONDS, until), of(seed)) for seed in SEEDS}
            readings = history.read(queries.values(), until).readings
            for seed, query in queries.items():
                found[seed] += _number(readings[query])
    return {f"s{seed}": number for seed, number in found.items()}


def ours_past(server: Prometheus, selector: str) -> Mapping[str, float]:
    """As history is asked for at the beginning of a release."""
    measure = CountHistory(selector, None, "instance", START, END, LOOK_SECONDS)
    queries = {seed: Query(SOURCE, measure, of(seed)) for seed in SEEDS}
    settings = SourceSettings(SOURCE, server.url, settle_seconds=0, max_clock_skew_seconds=3600, timeout_seconds=60)
    with Sources([settings]) as sources:
        readings = sources.read(queries.values(), _server_time(server)).readings
    return {f"s{seed}": _number(readings[query]) for seed, query in queries.items()}


def _number(reading: Reading) -> float:
    return reading.number if isinstance(reading, Value) else 0.0


OURS = {"gated, look by look": ours_live, "gated, a replay": ours_recorded, "gated, history": ours_past}


@pytest.mark.parametrize("case", [*CASES.values(), *BEYOND.values()], ids=[*CASES, *BEYOND])
def test_events_over_a_stage(prometheus: StartPrometheus, case: Case, request: pytest.FixtureRequest) -> None:
    fleets = {f"s{seed}": case.fleet(seed) for seed in SEEDS}
    server = prometheus(history=openmetrics(X, list(fleets.values())))
    truth = {
        "errors": {name: fleet.truth("500", START, END) for name, fleet in fleets.items()},
        "requests": {
            name: fleet.truth("500", START, END) + fleet.truth("200", START, END) for name, fleet in fleets.items()
        },
    }
    print(
        f"\n\n{request.node.callspec.id}: {statistics.mean(truth['errors'].values()):.0f} errors of"
        f" {statistics.mean(truth['requests'].values()):,.0f} requests in a stage; sum over the stage / truth\n"
    )
    print("| method | errors | requests |\n|---|---|---|")
    for method, (expression, step_seconds) in METHODS.items():
        print(_row(method, truth, {kind: sums(server, expression(x), step_seconds) for kind, x in SELECTORS.items()}))
    for method, count in OURS.items():
        found = {kind: count(server, selector) for kind, selector in SELECTORS.items()}
        print(_row(method, truth, found), flush=True)
        for kind, by_service in truth.items():
            for service, events in by_service.items():
                assert case in BEYOND.values() or abs(found[kind].get(service, 0.0) - events) <= max(
                    2.0, 0.05 * events
                ), (method, kind, service)


def _row(method: str, truth: Mapping[str, Mapping[str, int]], found: Mapping[str, Mapping[str, float]]) -> str:
    cells = []
    for kind, by_service in truth.items():
        shares = [found[kind].get(service, 0.0) / events for service, events in by_service.items() if events]
        cells.append(f"{min(shares):.2f} – {max(shares):.2f}")
    return f"| {method} | {' | '.join(cells)} |"


SERVED_HOURS = 4.75
SERVED_UNTIL = START + SERVED_HOURS * 3600
COSTS: Mapping[str, str] = {
    "increase[1m]": f"sum by (service, version) (increase({X}[1m]))",
    "telescoping, L = 10m": telescoping(X, "10m"),
    "telescoping, L = 30m": telescoping(X, "30m"),
    "telescoping, L = 1h": telescoping(X, "1h"),
    "telescoping, L = 10m, unless it was there 1h or 1d ago": (
        f"sum by (service) ((last_over_time({X}[15s]) - last_over_time({X}[10m] offset 15s)) >= 0"
        f" or (last_over_time({X}[15s]) unless ({X} offset 1h or {X} offset 1d)))"
    ),
    "with peaks, L = 30m": peaks(X, "30m"),
    "values per process": f"sum by (service, version, job, instance) (last_over_time({X}[15s]))",
}


@pytest.mark.parametrize("series", [1_000, 5_000])
def test_server_time_of_a_look(prometheus: StartPrometheus, series: int) -> None:
    """Twenty series to a process; the best of nine looks."""
    server = prometheus(history=_steady(series))
    print(f"\n\n| {series:,} series | one look | bytes |\n|---|---|---|")
    for method, expression in COSTS.items():
        form = {"query": expression, "time": SERVED_UNTIL}
        looks = [_timed(f"{server.url}/api/v1/query", form) for _ in range(9)]
        print(f"| {method} | {1000 * min(looks)[0]:.0f} ms | {looks[0][1]:,} |", flush=True)


def test_server_time_of_a_history(prometheus: StartPrometheus) -> None:
    """Four hours of looks, one every 15 s."""
    server = prometheus(history=_steady(1_000))
    print("\n\n| 1,000 series | four hours of looks | bytes |\n|---|---|---|")
    for method, expression in COSTS.items():
        form = {"query": expression, "start": SERVED_UNTIL - 4 * 3600, "end": SERVED_UNTIL, "step": 15}
        seconds, size = min(_timed(f"{server.url}/api/v1/query_range", form) for _ in range(2))
        print(f"| {method} | {seconds:.2f} s | {size:,} |", flush=True)


def _steady(series: int) -> str:
    chance = random.Random(series)  # noqa: S311  # a simulation, repeatable on purpose
    lines = [f"# TYPE {X.removesuffix('_total')} unknown"]
    for process in range(series // 20):
        phase = chance.uniform(0, 15)
        for number in range(20):
            labels = (
                f'service="s{process % 10}",version="v{process % 2}",instance="{process}:80",job="a",path="{number}"'
            )
            lines += [
                f"{X}{{{labels}}} {scrape * (number + 1)} {START + 15 * scrape + phase:.3f}"
                for scrape in range(round(SERVED_HOURS * 240))
            ]
    return "\n".join([*lines, "# EOF", ""])


def _timed(url: str, form: Mapping[str, object]) -> tuple[float, int]:
    started = time.monotonic()
    answer = requests.post(url, data=form, timeout=120)
    assert answer.json()["status"] == "success", answer.text
    return time.monotonic() - started, len(answer.content)


TARGETS: Mapping[str, tuple[float, float, float]] = {
    "at once, every 1 s": (1, 0, 0.01),
    "0.3 s, every 1 s": (1, 0.2, 0.4),
    "0.8 s, every 1 s": (1, 0.7, 0.9),
    "1.5 s, every 5 s": (5, 1.0, 2.0),
    "4 s, every 5 s": (5, 3.5, 4.5),
}
"""How long a target takes to answer, with the interval and the bounds."""
SETTLES = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
LIVE_SECONDS = 90


def test_samples_that_arrive_late(prometheus: StartPrometheus) -> None:
    """What is lost for ever at looks that end too soon. A sample bears the time at which its scrape began."""
    with _exporter() as port:
        jobs = [
            {
                "job_name": name,
                "scrape_interval": f"{interval}s",
                "scrape_timeout": f"{interval}s",
                "metrics_path": f"/{low}/{high}",
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            }
            for name, (interval, low, high) in TARGETS.items()
        ]
        server = prometheus({"scrape_configs": jobs})
        _wait(12)
        counted = _looks(server)
    print(f"\n\n| settle | {' | '.join(TARGETS)} |\n|{'---|' * (len(TARGETS) + 1)}")
    for settle, (sums_of, truth) in counted.items():
        shares = [sums_of[name] / truth[name] for name in TARGETS]
        print(f"| {settle} s | " + " | ".join(f"{share:.3f}" for share in shares) + " |")
    sums_of, truth = counted[5.0]
    assert all(abs(sums_of[name] - truth[name]) <= 0.05 * truth[name] for name in TARGETS)


def _looks(server: Prometheus) -> Mapping[float, tuple[Mapping[str, float], Mapping[str, float]]]:
    """For every settle: what all looks counted of each target, and what there was to be counted."""
    counted: dict[float, defaultdict[str, float]] = {settle: defaultdict(float) for settle in SETTLES}
    start = before = _server_time(server)
    until = start + LIVE_SECONDS
    while before < until:
        _wait(1.9)
        now = _server_time(server)
        stretch = f"{round(now * 1000) - round(before * 1000)}ms"
        expression = telescoping("work_total", "30m", stretch).replace("(service)", "(job)")
        for settle in SETTLES:
            for name, number in _vector(server, expression, now - settle).items():
                counted[settle][name] += number
        before = now
    _wait(6)
    return {settle: (counted[settle], _grown(server, start - settle, before - settle)) for settle in SETTLES}


def _grown(server: Prometheus, start: float, end: float) -> Mapping[str, float]:
    last = "sum by (job) (last_over_time(work_total[30m]))"
    at_start, at_end = _vector(server, last, start), _vector(server, last, end)
    return {name: number - at_start.get(name, 0.0) for name, number in at_end.items()}


def _vector(server: Prometheus, expression: str, at: float) -> Mapping[str, float]:
    form = {"query": expression, "time": f"{at:.3f}"}
    result = requests.post(f"{server.url}/api/v1/query", data=form, timeout=5).json()["data"]["result"]
    return {line["metric"]["job"]: float(line["value"][1]) for line in result}


def _server_time(server: Prometheus) -> float:
    answer = requests.get(f"{server.url}/api/v1/query", params={"query": "time()"}, timeout=5).json()
    return float(answer["data"]["result"][1])


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


class _Slow(http.server.BaseHTTPRequestHandler):
    """Counts a hundred events a second, and takes as long as the path says to tell."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        count = round(100 * time.monotonic())
        low, high = map(float, self.path.strip("/").split("/"))
        _wait(random.uniform(low, high))  # noqa: S311  # jitter
        body = f"work_total {count}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Exporter(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A scrape that is given up is no error."""


@contextlib.contextmanager
def _exporter() -> Iterator[int]:
    server = _Exporter(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
