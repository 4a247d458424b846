"""`gated release`: register a rollout, look at it, and what people may do to it."""

from collections.abc import Callable
from typing import Any

import click

from gated.cli import api, complete, options, render, teach
from gated.cli.client import Reply, Request
from gated.cli.text import printable
from gated.operations.documents import ReleaseDocument, ReleaseHistory, ReleasePage

_CREATED = 201


@click.group()
def release() -> None:
    """Register a rollout, look at it, pause it, end it."""


@release.command(
    epilog=teach.epilog(
        examples=[teach.START_EXAMPLE],
        exits={**teach.GATE_EXITS, "1": "refused: another version, or the same one along another plan, is active"},
    )
)
@click.option("--service", required=True, help="What is rolled out.")
@click.option("--environment", required=True, help="Where.")
@click.option("--version", required=True, help="Which version.")
@click.option("--baseline", default="", help="The version it replaces and goes back to.")
@click.option("--plan", required=True, shell_complete=complete.plans, help="Along which plan of the rule files.")
@click.option("--supersede", is_flag=True, help="End another version's active release instead of being refused.")
@options.output
@options.gate
def start(url: str, actor: str, output: str, **order: Any) -> None:
    """Register a rollout and print its id.

    The same rollout again gives the same id, so a pipeline may repeat the step. Another version of the service that is
    active in the environment is an error, unless superseded.
    """
    reply = api.call(url, actor, Request("POST", ("api", "v1", "releases"), body=order))
    if output == "json":
        click.echo(api.json_of(reply))
        return
    found = api.document(reply, ReleaseDocument)
    # The id alone on standard output, for scripts; what people want to know besides goes where logs go.
    click.echo(f"{'opened' if reply.status == _CREATED else 'already open'}: {render.sentence(found)}", err=True)
    click.echo(printable(found.release))


@release.command(
    "list",
    epilog=teach.epilog(
        examples=[
            "gated release list --active",
            "gated release list --service checkout --output json | jq -r '.releases[].release'",
        ]
    ),
)
@click.option("--service", default="", help="Only of this service.")
@click.option("--environment", default="", help="Only in this environment.")
@click.option("--version", default="", help="Only of this version.")
@click.option("--active/--ended", default=None, help="Only those the gate still watches, or only the others.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many.")
@click.option("--cursor", default="", help="Go on where an earlier list ended.")
@options.output
@options.gate
def list_(url: str, actor: str, output: str, active: bool | None, limit: int, **filters: str) -> None:
    """List releases, newest first."""
    query = {**filters, "limit": str(limit), "active": "" if active is None else str(active).lower()}
    reply = api.call(url, actor, Request("GET", ("api", "v1", "releases"), query))
    if output == "json":
        click.echo(api.json_of(reply))
        return
    page = api.document(reply, ReleasePage)
    click.echo(render.releases(page))
    if page.next:
        click.echo(f"there are more: --cursor {printable(page.next)}", err=True)


_identity = click.argument("release", type=options.ReleaseId(), shell_complete=complete.releases)


@release.command(epilog=teach.epilog(examples=["gated release show checkout-v2-7f3a21"]))
@_identity
@options.output
@options.gate
def show(url: str, actor: str, output: str, release: str) -> None:
    """Show a release: stages, rules, rollback, and who did what."""
    reply = api.call(url, actor, api.release(release))
    click.echo(api.json_of(reply) if output == "json" else render.history(api.document(reply, ReleaseHistory)))


def _command(name: str, help_text: str, reason_help: str) -> Callable[..., None]:
    """One of the commands that do a thing to a release and may say why."""
    example = f'gated release {name} checkout-v2-7f3a21 --reason "payment incident"'

    @release.command(name, help=help_text, epilog=teach.epilog(examples=[example]))
    @_identity
    @click.option("--reason", default="", help=reason_help)
    @options.output
    @options.gate
    def act(url: str, actor: str, output: str, release: str, reason: str) -> None:
        answered(api.call(url, actor, api.release(release, name, body={"reason": reason})), output)

    return act


_WHY = "Why; recorded with it."
_command("pause", "Promote nothing until resumed; a breach still rolls back.", _WHY)
_command("resume", "Take back a pause.", _WHY)
_command("abort", "End a release without a verdict; nobody watches it any more.", _WHY)
_command("rolled-back", "Report that the old version is back; from here the recovery is watched.", _WHY)


def answered(reply: Reply, output: str) -> None:
    """Print the release that a command was about."""
    click.echo(api.json_of(reply) if output == "json" else render.sentence(api.document(reply, ReleaseDocument)))
