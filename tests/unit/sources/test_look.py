"""The requests of one look, under one deadline."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gated.model.ids import DEFAULT_SOURCE
from gated.model.reading import FailureReason, QueryFailed
from gated.sources.errors import NotAsked, SourceError
from gated.sources.look import Answer, QueryReport, Round


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def failing(error: Exception) -> Answer[int]:
    def ask(_: float) -> int:
        raise error

    with ThreadPoolExecutor(1) as pool:
        return Round(pool, 5.0).send("up", ask).answer()


def test_an_answer_is_what_the_request_brought(pool: ThreadPoolExecutor) -> None:
    answer = Round(pool, 5.0).send("up", lambda remaining: remaining <= 5.0).answer()
    assert answer.content is True
    assert answer.expression == "up"
    assert answer.duration_seconds > 0


def test_a_failure_is_an_answer() -> None:
    error = SourceError(FailureReason.REDIRECT, "302")
    assert failing(error).content is error


def test_a_bug_is_a_failure_and_tells_its_place() -> None:
    content = failing(ZeroDivisionError("swordfish")).content
    assert isinstance(content, SourceError)
    assert content.reason is FailureReason.NOT_PROMETHEUS
    assert "ZeroDivisionError at test_look.py" in content.detail


def test_nobody_waits_longer_than_the_deadline(pool: ThreadPoolExecutor) -> None:
    release = threading.Event()
    look = Round(pool, 0.05)
    stuck = look.send("stuck", lambda _: release.wait(5))
    waiting = look.send("waiting", lambda _: True)
    late, never = stuck.answer().content, waiting.answer()
    release.set()
    assert isinstance(late, SourceError)
    assert late.reason is FailureReason.TIMEOUT
    assert not isinstance(late, NotAsked)
    assert isinstance(never.content, NotAsked)
    assert never.content.reason is FailureReason.TIMEOUT
    assert never.duration_seconds == 0


def test_a_report_names_the_failure_of_the_request_or_of_its_first_reading() -> None:
    good = Answer("up", 1, 0.2)
    failed = QueryFailed(FailureReason.AMBIGUOUS, "two")
    assert good.report(DEFAULT_SOURCE) == QueryReport(DEFAULT_SOURCE, "up", 0.2)
    assert good.report(DEFAULT_SOURCE, failed).failure is FailureReason.AMBIGUOUS
    bad: Answer[int] = Answer("up", SourceError(FailureReason.TIMEOUT, "late"), 5.0)
    assert bad.report(DEFAULT_SOURCE) == QueryReport(DEFAULT_SOURCE, "up", 5.0, FailureReason.TIMEOUT, "late")
