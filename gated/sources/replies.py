"""From an HTTP reply to the JSON in it, or to the reason why there is none."""

import json
from typing import Any

from gated.model.reading import FailureReason
from gated.sources.errors import SourceError
from gated.sources.transport import Reply

_OK = 200
_UNPROCESSABLE = 422
_TOO_MUCH = "too many samples"
"""How Prometheus says that a query, right in itself, needs more memory than one may have."""
_REASONS = {
    400: FailureReason.BAD_QUERY,
    401: FailureReason.DENIED,
    403: FailureReason.DENIED,
    422: FailureReason.BAD_QUERY,
    429: FailureReason.OVERLOADED,
    503: FailureReason.OVERLOADED,
}


def content(reply: Reply) -> Any:
    """The JSON of a reply with status 200.

    Raises:
        SourceError: another status, or no JSON.
    """
    if reply.status != _OK:
        raise _refusal(reply)
    return _json(reply)


def data(reply: Reply) -> dict[str, Any]:
    """The envelope of Prometheus' API, `{"status": "success", "data": …}`, of a reply with status 200.

    Raises:
        SourceError: another status, no JSON, another shape, an error inside, or warnings: with part of the data
            missing the rest is no evidence. `infos` are remarks on the query, such as a counter that is not called
            `_total`; they take nothing away from the answer.
    """
    envelope = content(reply)
    if not isinstance(envelope, dict) or "status" not in envelope:
        raise SourceError(FailureReason.NOT_PROMETHEUS, "JSON without a status")
    if envelope["status"] != "success":
        raise SourceError(FailureReason.SERVER_ERROR, reply.quote(f"status 200 with an error: {_message(envelope)}"))
    if warnings := envelope.get("warnings"):
        raise SourceError(FailureReason.PARTIAL, reply.quote("; ".join(map(str, warnings))))
    if envelope.get("isPartial") is True:  # how VictoriaMetrics' cluster says it
        raise SourceError(FailureReason.PARTIAL, "a part of the storage did not answer")
    return envelope


def _refusal(reply: Reply) -> SourceError:
    if 300 <= reply.status < 400:  # noqa: PLR2004  # the class of redirects
        # Where to is not told: a login page's address may carry a token.
        return SourceError(FailureReason.REDIRECT, f"status {reply.status}; redirects are not followed")
    reason = _REASONS.get(reply.status, FailureReason.SERVER_ERROR)
    try:
        said = _message(_json(reply))
    except SourceError:
        said = ""  # a proxy's page in HTML says less than its status
    if reply.status == _UNPROCESSABLE and _TOO_MUCH in said:
        reason = FailureReason.TOO_LARGE
    return SourceError(reason, f"status {reply.status}" + (f": {reply.quote(said)}" if said else ""))


def _message(body: Any) -> str:
    """What an API says is wrong: Prometheus in `error`, Alertmanager in `message` or in the text itself."""
    if isinstance(body, dict):
        return str(body.get("error") or body.get("message") or body.get("errorType") or "")
    return body if isinstance(body, str) else ""


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        kind = "HTML" if reply.body.lstrip()[:1] == b"<" else "an empty body" if not reply.body else "broken JSON"
        raise SourceError(FailureReason.NOT_PROMETHEUS, f"{kind} where JSON is due") from error
