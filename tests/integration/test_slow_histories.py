"""A history takes as long as it takes, and keeps nothing waiting that the next decision rests on."""

import json
import threading

from gated.model.ids import SourceName
from gated.model.reading import CountHistory, Events, FailureReason, Query, QueryFailed, Value
from gated.model.selection import Matcher
from gated.sources.reader import Sources
from gated.sources.settings import SourceSettings
from tests.fakes.lies import Form, LyingServer

NOW = 1_700_000_000.0
SOURCE = SourceName("default")


class Busy:
    """A server that answers about the present at once, and about the past never."""

    def __init__(self) -> None:
        self.histories = 0
        self.is_over = threading.Event()

    def answer(self, path: str, form: Form) -> tuple[int, bytes]:
        if path == "/api/v1/query_range":
            self.histories += 1
            self.is_over.wait(10)
        if form["query"] == ["time()"]:
            result: object = [NOW, str(NOW)]
            return 200, json.dumps({"status": "success", "data": {"resultType": "scalar", "result": result}}).encode()
        result = [{"metric": {}, "value": [NOW, "3"]}]
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def test_slow_histories_leave_the_present_all_of_its_places() -> None:
    busy = Busy()
    past = [
        Query(
            SOURCE, CountHistory("requests_total", None, "", NOW - 3600, NOW, 15.0), (Matcher("service", str(number)),)
        )
        for number in range(6)
    ]
    present = [Query(SOURCE, Events(f"e{number}_total", NOW - 15, NOW)) for number in range(6)]
    with LyingServer(busy.answer) as server:
        settings = SourceSettings(SOURCE, server.url, timeout_seconds=1.0, concurrency=1)
        with Sources([settings]) as sources:
            readings = sources.read([*past, *present], NOW).readings
        busy.is_over.set()
    assert all(isinstance(readings[query], Value) for query in present)
    failures = [reading for query in past if isinstance(reading := readings[query], QueryFailed)]
    assert [failure.reason for failure in failures] == [FailureReason.TIMEOUT] * 6
    assert busy.histories == 2
