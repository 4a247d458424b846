"""`gated stage`: tell the gate where traffic is."""

import click

from gated.cli import api, complete, options, teach
from gated.cli.client import Request
from gated.cli.release import answered


@click.group()
def stage() -> None:
    """Tell the gate which stage traffic has reached."""


@stage.command(
    epilog=teach.epilog(
        examples=["gated stage start checkout-v2-7f3a21 canary-5"],
        exits={**teach.GATE_EXITS, "1": "refused: another stage is due, or the release is paused or over"},
    )
)
@click.argument("release", type=options.ReleaseId(), shell_complete=complete.releases)
@click.argument("stage", type=options.StageName(), shell_complete=complete.stages)
@options.output
@options.gate
def start(url: str, actor: str, output: str, release: str, stage: str) -> None:
    """Say that traffic is at STAGE of RELEASE now; saying it twice is once."""
    request = Request("POST", ("api", "v1", "releases", release, "stages", stage, "start"))
    answered(api.call(url, actor, request), output)
