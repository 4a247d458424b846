"""`gated wait`: the command that deploy pipelines run between two stages."""

import os
import random
import sys
from pathlib import Path

import click

from gated.cli import complete, options, progress, summary, teach
from gated.cli.client import Client
from gated.cli.text import printable_json
from gated.cli.trust import Expected
from gated.cli.waiter import Waiter
from gated.daemon.clock import SystemClock


@click.command(
    epilog=teach.epilog(
        examples=[
            "gated wait checkout-v2-7f3a21 --stage canary-5 --timeout 45m",
            'gated wait "$RELEASE" --stage full --version "$VERSION" --output json',
        ],
        exits={
            "0": "promote claimed: go on",
            "2": "the command line cannot be used",
            "10": "rollback: go back",
            "11": "do not go on: hold, or still pending at the timeout; the release ended without\n"
            "a verdict; or somebody else claimed the promote",
            "12": "the gate cannot be reached, or its answer cannot be trusted",
            "13": "unknown release or stage, or not the expected version or service",
            "14": "access denied",
            "130": "stopped by SIGINT; nothing is promoted here",
            "143": "stopped by SIGTERM; nothing is promoted here",
        },
    )
)
@click.argument("release", type=options.ReleaseId(), shell_complete=complete.releases)
@click.option(
    "--stage",
    type=options.StageName(),
    required=True,
    shell_complete=complete.stages,
    help="The stage that traffic is at.",
)
@click.option(
    "--timeout",
    type=options.Duration(),
    default="30m",
    show_default=True,
    help="How long to wait in all; holds against every kind of silence.",
)
@click.option("--version", help="Trust no answer about another version.")
@click.option("--service", help="Trust no answer about another service.")
@options.output
@options.gate
@click.pass_context
def wait(  # noqa: PLR0913 -- each is an option of the command
    ctx: click.Context,
    *,
    release: str,
    stage: str,
    timeout: float,
    version: str | None,
    service: str | None,
    output: str,
    url: str,
    actor: str,
) -> None:
    """Wait for the verdict of a stage, and claim the promote.

    Exit code 0 means one thing only: the gate said promote, for this release, stage and version, on evidence that was
    fresh, and recorded that this actor took it. Everything else is another code, whatever happens on the way.

    A hold does not end the wait before the timeout, for blindness may pass; a rollback ends it at once. If the same
    actor has claimed the stage before, the command succeeds again, so a repeated pipeline step works: give the
    pipeline a name of its own in GATED_ACTOR.
    """
    clock = SystemClock()
    began_at = clock.monotonic()
    waiter = Waiter(
        Expected(release=release, stage=stage, actor=actor, version=version, service=service),
        timeout,
        client=Client(url, actor),
        clock=clock,
        jitter=random.random,
        progress=progress.suited_to(sys.stderr, os.environ.get("TERM", "")),
    )
    code, why = waiter.run()
    if output == "json" and waiter.waiting.document:
        click.echo(printable_json(waiter.waiting.document))
    click.echo(why, err=output == "json")
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        _summarise(Path(page), summary.markdown(waiter.waiting, code, why, clock.monotonic() - began_at))
    ctx.exit(code)


def _summarise(page: Path, text: str) -> None:
    """Add to the page of the run. That it cannot be written changes no verdict."""
    try:
        with page.open("a", encoding="utf-8") as summary_page:
            summary_page.write(text)
    except OSError as error:
        click.echo(f"the summary cannot be written to {page}: {error.strerror}", err=True)
