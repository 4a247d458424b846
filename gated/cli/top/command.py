"""`gated top`: watch all gates in the terminal."""

import json
import os
import sys

import click

from gated.cli import api, complete, options, teach
from gated.cli.api import Failed
from gated.cli.exits import Exit
from gated.cli.text import printable_json
from gated.cli.top import columns, rows, watch
from gated.cli.top.link import GateTime, HttpLink
from gated.cli.top.rows import Order
from gated.cli.top.watch import Watch
from gated.daemon.clock import SystemClock
from gated.operations.documents import ReleasePage

_SHORTEST_SECONDS = 0.5
_NO_TEXTUAL = (
    'the live view needs the extra `top`: pip install ".[top]" in a checkout of gated; without it, `gated top --once` '
    "prints the same list once"
)


@click.command(
    epilog=teach.epilog(
        examples=[
            "gated top",
            "gated top --environment production --sort evidence",
            "gated top --once --ended",
            "gated top --output json | jq -r '.releases[] | select(.paused) | .release'",
        ],
        exits={
            "0": "printed, or left with q",
            "1": 'the live view is not installed: pip install ".[top]" in a checkout of gated',
            **{code: meaning for code, meaning in teach.GATE_EXITS.items() if code in {"2", "12", "14"}},
        },
    )
)
@click.option("--service", default="", shell_complete=complete.services, help="Only of this service.")
@click.option("--environment", default="", shell_complete=complete.environments, help="Only in this environment.")
@click.option("--ended", is_flag=True, help="With those that have ended, the last 50; `e` in the view does the same.")
@click.option(
    "--sort",
    type=click.Choice([order.value for order in Order]),
    default=Order.WORST.value,
    show_default=True,
    help="What comes first; `s` in the view changes it.",
)
@click.option(
    "--interval",
    type=options.Duration(),
    default="2s",
    show_default=True,
    help="The pause between two questions to the gate; 500ms at least.",
)
@click.option("--once", is_flag=True, help="Print the list and end, as when standard output is no terminal.")
@options.output
@options.gate
@click.pass_context
def top(  # noqa: PLR0913 -- each is an option of the command
    ctx: click.Context,
    *,
    service: str,
    environment: str,
    ended: bool,
    sort: str,
    interval: float,
    once: bool,
    output: str,
    url: str,
    actor: str,
) -> None:
    """Watch all gates in the terminal, worst first.

    A line per active release: verdict, worst rule, evidence, progress. Enter opens one, with every rule and its story;
    p, r and a pause, resume and abort it, in your name and with a reason; ? explains everything, q ends.

    The gate is asked once per interval, however many releases there are. If it does not answer, that is said, what is
    shown is greyed, and it is asked again.
    """
    if interval < _SHORTEST_SECONDS:
        raise click.BadParameter("the gate is asked every 500ms at most", param_hint="--interval")
    seen = Watch(service=service, environment=environment, with_ended=ended)
    link = HttpLink(url, actor)
    order = Order(sort)
    if output == "json":
        click.echo(_document(link, seen))
    elif once or not _is_terminal():
        click.echo(_snapshot(link, seen, order))
    else:
        ctx.exit(_live(link, seen, order, interval, actor))


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _document(link: HttpLink, seen: Watch) -> str:
    """Every page as one, each release as the gate sent it, also what this version of the command does not know."""
    releases = []
    while not seen.is_whole:
        reply = link.ask(watch.request(seen))
        page = api.document(reply, ReleasePage)
        releases += json.loads(reply.body)["releases"]
        seen = watch.heard(seen, page)
    return printable_json(json.dumps({"releases": releases, "next": ""}, ensure_ascii=False))


def _snapshot(link: HttpLink, seen: Watch, order: Order) -> str:
    """The list as a table."""
    time = GateTime(SystemClock())
    while not seen.is_whole:
        reply = link.ask(watch.request(seen))
        time.heard(reply)
        seen = watch.heard(seen, api.document(reply, ReleasePage))
    listed = rows.arranged((rows.row(found, time.now()) for found in seen.shown.values()), order)
    return columns.plain(listed)


def _live(link: HttpLink, seen: Watch, order: Order, interval: float, actor: str) -> int:
    """The live view, until somebody leaves it."""
    try:
        from gated.cli.top.app import Top  # noqa: PLC0415 -- an extra, and half a second of imports
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"textual", "rich"}:
            raise
        raise Failed(Exit.REFUSED, _NO_TEXTUAL) from None
    view = Top(link, SystemClock(), seen, order=order, interval_seconds=interval, actor=actor)
    view.run()
    return view.return_code or 0
