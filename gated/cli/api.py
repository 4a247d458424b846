"""Commands that ask a gate one thing: the call, and what its failures mean for the command."""

import json
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from gated.cli import problem
from gated.cli.client import Client, NoReply, Reply, Request
from gated.cli.exits import Exit
from gated.cli.text import printable_json

CALL_SECONDS = 15.0
"""How long one call may take in all: the store itself may wait some seconds for a busy database."""
_EXITS = {401: Exit.DENIED, 403: Exit.DENIED, 404: Exit.UNKNOWN, 409: Exit.REFUSED, 422: Exit.USAGE}
_GOOD = (200, 201)

D = TypeVar("D", bound=BaseModel)


class Failed(click.ClickException):
    """A command failed.

    Args:
        exit_code: how.
        message: why, safe to print.
    """

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = int(exit_code)  # type: ignore[misc] # click reads it from the instance


def call(url: str, actor: str, request: Request, within_seconds: float = CALL_SECONDS) -> Reply:
    """Ask a gate, and come back only with a good answer.

    Raises:
        Failed: there was none; the exit code says of which kind.
    """
    return call_with(Client(url, actor), url, request, within_seconds)


def call_with(client: Client, url: str, request: Request, within_seconds: float = CALL_SECONDS) -> Reply:
    """The same over the connections of a client that is kept; `url` names the gate to people.

    Raises:
        Failed: as above.
    """
    reply = client.ask(request, within_seconds)
    if isinstance(reply, NoReply):
        raise Failed(Exit.UNTRUSTED, f"{url}: {reply.why}")
    if reply.status in _GOOD:
        return reply
    told = problem.read(reply.body)
    if told is None and reply.status not in {401, 403}:
        raise Failed(Exit.UNTRUSTED, f"{url} answered with status {reply.status}, and not as gated does")
    why = str(told) if told is not None else f"access was refused with status {reply.status}"
    raise Failed(_EXITS.get(reply.status, Exit.UNTRUSTED), why)


def document(reply: Reply, kind: type[D]) -> D:
    """An answer as the document it should be.

    Raises:
        Failed: it is none.
    """
    try:
        return kind.model_validate_json(reply.body)
    except ValidationError:
        raise Failed(Exit.UNTRUSTED, f"the answer is not a {kind.__name__} of gated") from None


def release(identity: str, *further: str, body: dict[str, Any] | None = None) -> Request:
    """The request for something of one release: a GET without a body, a POST with one."""
    return Request("GET" if body is None else "POST", ("api", "v1", "releases", identity, *further), body=body)


def json_of(reply: Reply) -> str:
    """An answer as the JSON it is.

    Raises:
        Failed: it is not JSON.
    """
    try:
        json.loads(reply.body)
        return printable_json(reply.body.decode())
    except (ValueError, RecursionError):
        raise Failed(Exit.UNTRUSTED, "the answer is not JSON") from None
