"""Completion from a running daemon: quick, or not at all, and never an error at somebody's prompt."""

from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from pydantic import BaseModel

from gated.cli import api, options
from gated.cli.client import Request
from gated.cli.text import printable
from gated.operations.documents import ReleaseDocument, ReleasePage, RulebookDocument

WITHIN_SECONDS = 0.5
"""Longer, and a person presses the key again."""

D = TypeVar("D", bound=BaseModel)


def releases(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """The ids of active releases, with what they are."""
    return _items(incomplete, [(each.release, f"{each.service} {each.version}") for each in _active(ctx)])


def services(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """The services that have an active release."""
    return _items(incomplete, sorted({(each.service, "") for each in _active(ctx)}))


def environments(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """The environments that have an active release."""
    return _items(incomplete, sorted({(each.environment, "") for each in _active(ctx)}))


def stages(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """The stages of the release that stands on the line already."""
    # While an option still lacks its value, click leaves the arguments before it unread, in `args`.
    identity = ctx.params.get("release") or next(iter(ctx.args), "")
    found = _ask(ctx, api.release(identity), ReleaseDocument) if identity else None
    return _items(incomplete, [(stage.stage, stage.verdict.value) for stage in found.stages] if found else [])


def plans(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """The plans that the daemon has loaded."""
    found = _ask(ctx, Request("GET", ("api", "v1", "rules")), RulebookDocument)
    return _items(incomplete, [(plan.plan, f"{len(plan.stages)} stages") for plan in found.plans] if found else [])


def _active(ctx: click.Context) -> tuple[ReleaseDocument, ...]:
    page = _ask(ctx, Request("GET", ("api", "v1", "releases"), {"active": "true", "limit": "100"}), ReleasePage)
    return page.releases if page is not None else ()


def _ask(ctx: click.Context, request: Request, kind: type[D]) -> D | None:
    url = str(ctx.params.get("url") or options.DEFAULT_URL)
    try:
        return api.document(api.call(url, options.default_actor(), request, WITHIN_SECONDS), kind)
    except Exception:  # noqa: BLE001 -- at a prompt there is nobody to read why
        return None


def _items(incomplete: str, found: list[tuple[str, str]]) -> list[CompletionItem[Any]]:
    """Only values that may stand on a command line as they are, whatever the server calls its releases."""
    return [
        CompletionItem(value, help=printable(what))
        for value, what in found
        if value.startswith(incomplete) and value == printable(value) and not set(value) & set(" $`\"'\\;&|<>(){}*?!~#")
    ]
