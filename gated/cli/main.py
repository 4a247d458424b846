"""`gated`: where the command line begins. Imports nothing heavy, so that help and completion answer at once."""

import io
import sys

import click

import gated
from gated.cli import teach
from gated.cli.exits import Exit
from gated.cli.lazy import Lazy, LazyGroup


class _Commands(LazyGroup):
    lazy = {  # noqa: RUF012 -- never changed
        "serve": Lazy("gated.cli.serve:serve", "Run the daemon until SIGTERM or SIGINT."),
        "check": Lazy("gated.cli.check:check", "Find what is wrong with rule files and with the configuration."),
        "test": Lazy("gated.cli.test:test", "Test rules against series that are written down."),
        "replay": Lazy(
            "gated.cli.replay:replay",
            "Run rules over past rollouts: would they have gone back, when, and because of what?",
        ),
        "calibrate": Lazy(
            "gated.cli.calibrate:calibrate",
            "Find limits, tolerances and a drift floor that would not have cried wolf.",
        ),
        "release": Lazy("gated.cli.release:release", "Register a rollout, look at it, pause it, end it."),
        "stage": Lazy("gated.cli.stage:stage", "Tell the gate which stage traffic has reached."),
        "wait": Lazy("gated.cli.wait:wait", "Wait for the verdict of a stage, and claim the promote."),
        "top": Lazy("gated.cli.top.command:top", "Watch all gates in the terminal, worst first."),
        "db": Lazy("gated.cli.db:db", "Look after the database."),
        "completion": Lazy(
            "gated.cli.completion:completion", "Print the script that makes a shell complete gated's commands."
        ),
    }


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=teach.epilog(
        examples=[
            "gated serve --config gated.yaml",
            teach.START_EXAMPLE,
            'gated stage start "$RELEASE" canary-5',
            'gated wait "$RELEASE" --stage canary-5 --timeout 45m',
        ],
        exits={
            "0": "done; for `gated wait`: the promote is claimed, go on",
            "1": "refused, or files have errors",
            "2": "the command line cannot be used",
            "3": "files have warnings only",
            "4": "a replay did not come out as expected",
            "10": "rollback: go back",
            "11": "hold: do not go on",
            **{code: meaning for code, meaning in teach.GATE_EXITS.items() if int(code) > Exit.HOLD},
        },
    ),
)
@click.version_option(gated.__version__, message="gated %(version)s")
def main() -> None:
    """Watch a rollout, and say promote or rollback.

    The daemon (`gated serve`) judges the rules of a release against Prometheus. A pipeline registers the release, says
    which stage traffic is at, and waits for the verdict before it goes on. Each command's own --help has examples and
    its exit codes.
    """
    for stream in (sys.stdout, sys.stderr):
        # A release whose reason has a character that the terminal's encoding lacks must not end in a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
