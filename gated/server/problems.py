"""Errors as answers: one table from kinds of errors to statuses, one shape for every problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from gated.model.errors import Conflict, GatedError, InvalidInput, NotAllowed, NotFound, Unavailable
from gated.operations.documents import VerdictDocument

_log = structlog.get_logger()

_STATUS: tuple[tuple[type[GatedError], int, str], ...] = (
    (InvalidInput, 422, "invalid"),
    (NotFound, 404, "not_found"),
    (NotAllowed, 409, "not_allowed"),
    (Conflict, 409, "conflict"),
    (Unavailable, 503, "unavailable"),
)
"""The first kind an error belongs to decides; anything else is a fault of ours, 500."""


_UNUSABLE = "the request cannot be used"


class Problem(BaseModel):
    """Why a request was not carried out."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    error: str
    """`invalid`, `not_found`, `not_allowed`, `conflict`, `too_large`, `forbidden`, `unavailable` or `internal`."""
    message: str
    """One sentence for people."""
    faults: tuple[str, ...] = ()
    """Everything that is wrong with the input, each with its place."""
    verdict: VerdictDocument | None = None
    """The present verdict, when a claim was refused."""


class Refused(Exception):
    """A claim was refused; the answer carries the present verdict."""

    def __init__(self, why: Conflict, verdict: VerdictDocument) -> None:
        self.why = why
        self.verdict = verdict
        super().__init__(str(why))


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route documents."""
    described = {
        404: "no such release, stage or plan",
        409: "the release is not in a state that allows it",
        413: "the body is larger than 1 MiB",
        422: "the input cannot be used; `faults` names every reason",
        503: "the store cannot be reached; trying again may help",
    }
    return {status: {"model": Problem, "description": described[status]} for status in (*statuses, 503)}


def install(app: FastAPI) -> None:
    """Make every error of an application answer in this one shape."""
    app.add_exception_handler(GatedError, _on_gated_error)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)


def status_of(error: GatedError) -> int:
    """The status an error is answered with."""
    return _kind(error)[0]


def _kind(error: Exception) -> tuple[int, str]:
    return next(((status, name) for kind, status, name in _STATUS if isinstance(error, kind)), (500, "internal"))


def problem(status: int, problem_: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem as a response."""
    body = problem_.model_dump(mode="json")
    if problem_.verdict is None:
        del body["verdict"]
    return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})


def _on_gated_error(_request: Request, error: Exception) -> JSONResponse:
    status, name = _kind(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _on_bug(_request, error)
    if isinstance(error, InvalidInput):
        return problem(status, Problem(error=name, message=_UNUSABLE, faults=error.faults))
    headers = {"Retry-After": "1"} if isinstance(error, Unavailable) else None
    return problem(status, Problem(error=name, message=str(error)), headers)


def _on_refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Refused):
        raise error
    return problem(409, Problem(error="conflict", message=str(error), verdict=error.verdict))


def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = tuple(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return problem(422, Problem(error="invalid", message=_UNUSABLE, faults=faults))


def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's word for a body that is not even text
        return problem(422, Problem(error="invalid", message=_UNUSABLE, faults=(error.detail,)))
    names = {404: "not_found", 405: "not_allowed", 413: "too_large", 503: "unavailable"}
    name = names.get(error.status_code, "invalid")
    return problem(error.status_code, Problem(error=name, message=str(error.detail)), error.headers)


def _on_bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(500, Problem(error="internal", message="gated failed to answer; its log says why"))
