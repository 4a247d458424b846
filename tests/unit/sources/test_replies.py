"""From an HTTP reply to its JSON, or to the reason why there is none."""

import json

import pytest

from gated.model.reading import FailureReason
from gated.sources import replies
from gated.sources.errors import SourceError
from gated.sources.transport import Reply

GOOD = {"status": "success", "data": {"resultType": "vector", "result": []}}


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), ("swordfish",))


def failure(given: Reply) -> SourceError:
    with pytest.raises(SourceError) as raised:
        replies.data(given)
    return raised.value


def test_a_good_answer_is_its_envelope() -> None:
    assert replies.data(reply(GOOD)) == GOOD


def test_remarks_on_the_query_take_nothing_away_from_the_answer() -> None:
    infos = GOOD | {"infos": ["metric might not be a counter"], "warnings": []}
    assert replies.data(reply(infos)) == infos


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (204, FailureReason.SERVER_ERROR),
        (301, FailureReason.REDIRECT),
        (304, FailureReason.REDIRECT),
        (400, FailureReason.BAD_QUERY),
        (401, FailureReason.DENIED),
        (403, FailureReason.DENIED),
        (404, FailureReason.SERVER_ERROR),
        (422, FailureReason.BAD_QUERY),
        (429, FailureReason.OVERLOADED),
        (500, FailureReason.SERVER_ERROR),
        (502, FailureReason.SERVER_ERROR),
        (503, FailureReason.OVERLOADED),
    ],
)
def test_each_status_has_its_reason_even_with_a_good_body(status: int, reason: FailureReason) -> None:
    error = failure(reply(GOOD, status))
    assert error.reason is reason
    assert str(status) in error.detail


def test_a_query_that_needs_too_much_is_told_from_a_wrong_one() -> None:
    error = failure(
        reply({"status": "error", "error": "query processing would load too many samples into memory"}, 422)
    )
    assert error.reason is FailureReason.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, "parse error"),
        ({"status": "error", "errorType": "422", "error": ""}, "422"),
        ({"code": 400, "message": "bad matcher"}, "bad matcher"),
        ("plain words", "plain words"),
        (b"<html>Bad Request</html>", ""),
        ([1], ""),
    ],
    ids=["Prometheus", "VictoriaMetrics", "Alertmanager", "a string", "a page", "a list"],
)
def test_what_a_server_says_is_told(body: object, said: str) -> None:
    assert failure(reply(body, 400)).detail == (f"status 400: {said}" if said else "status 400")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "an empty body where JSON is due"),
        (b" <!doctype html>", "HTML where JSON is due"),
        (b'{"status": "success", "da', "broken JSON where JSON is due"),
        (b"\xff\xfe\x00", "broken JSON where JSON is due"),
        (b"[" * 100_000, "broken JSON where JSON is due"),
        (b"[]", "JSON without a status"),
        (b'"success"', "JSON without a status"),
        (b'{"data": {}}', "JSON without a status"),
    ],
    ids=["empty", "a page", "cut", "no text", "nested", "a list", "a string", "no status"],
)
def test_what_is_not_its_json_is_not_prometheus(body: bytes, detail: str) -> None:
    error = failure(reply(body))
    assert error.reason is FailureReason.NOT_PROMETHEUS
    assert error.detail == detail


def test_an_error_inside_a_200_is_an_error() -> None:
    error = failure(reply({"status": "error", "errorType": "internal", "error": "no index"}))
    assert error.reason is FailureReason.SERVER_ERROR
    assert error.detail == "status 200 with an error: no index"


@pytest.mark.parametrize(
    ("extra", "detail"),
    [({"warnings": ["store 1", "store 2"]}, "store 1; store 2"), ({"isPartial": True}, "a part of the storage")],
    ids=["warnings", "VictoriaMetrics"],
)
def test_a_part_of_the_data_is_no_answer(extra: dict[str, object], detail: str) -> None:
    error = failure(reply(GOOD | extra))
    assert error.reason is FailureReason.PARTIAL
    assert detail in error.detail


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "error", "error": "who is swordfish?"}, 200),
        ({"status": "error", "error": "who is swordfish?"}, 500),
        (GOOD | {"warnings": ["who is swordfish?"]}, 200),
    ],
    ids=["inside 200", "status", "warning"],
)
def test_a_credential_that_a_server_echoes_is_masked(body: object, status: int) -> None:
    assert "who is <secret>?" in failure(reply(body, status)).detail
    assert "swordfish" not in repr(reply(b"", status))
