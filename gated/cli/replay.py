"""`gated replay`: a rule set over the past, before it guards anything."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import click

from gated.cli import bar, complete, options, past, replay_page, replay_text, teach
from gated.cli.api import Failed
from gated.cli.exits import SIGNALLED, Exit
from gated.cli.past import Past
from gated.cli.replay_choice import Choice
from gated.cli.text import duration, printable_json
from gated.daemon.clock import SystemClock
from gated.model.errors import GatedError
from gated.operations.replay import state, whole
from gated.operations.replay.rehearsal import Rehearsal
from gated.operations.replay.report import Expectation, ReplayReport, report, unexpected
from gated.operations.replay.results import Replayed


@click.command(
    epilog=teach.epilog(
        examples=[
            "gated replay rules/ --releases releases.yaml --html report.html",
            "gated replay --release checkout-v2-7f3a21",
            """\
gated replay --service checkout --version v2 --baseline v1 --plan standard \\
--from 2026-11-01T10:00Z --stage-at canary-25=2026-11-01T10:30Z --onset 2026-11-01T10:34Z""",
            """\
gated replay --service checkout --service cart --plan standard --every 1h \\
--between 2026-11-01T00:00Z --and 2026-11-08T00:00Z --state week.replay""",
            "gated replay rules/ --releases releases.yaml --expect onsets --output json",
        ],
        exits={
            "0": "done, and as --expect says",
            "1": "refused: files have errors, the state belongs to another replay, there is no\nhistory of a service",
            "2": "the command line cannot be used",
            "4": "done, and not as --expect says",
            "12": "a source, or the gate, cannot be reached",
            "13": "no such release or plan",
            "130": "stopped by Ctrl-C; with --state the same command goes on from there",
        },
    )
)
@click.argument("rules", nargs=-1, type=click.Path(path_type=Path), metavar="[RULES]...")
@options.config
@click.option(
    "--releases",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of past rollouts, with their times and, where one had a fault, its onset.",
)
@click.option(
    "--release",
    type=options.ReleaseId(),
    shell_complete=complete.releases,
    help="A rollout that the gate at --url remembers.",
)
@click.option(
    "--from", "began_at", type=options.Instant(), help="When a rollout began; then --stage-at for the others."
)
@click.option(
    "--stage-at",
    "stages_at",
    type=options.StageAt(),
    multiple=True,
    help="When a later stage began. Without it: as soon as the one before would have been promoted.",
)
@click.option("--every", type=options.Duration(), help="Make up a rollout of what ran anyway, again and again (A/A).")
@click.option("--between", "since", type=options.Instant(), help="With --every: when the first begins.")
@click.option("--and", "over_at", type=options.Instant(), help="With --every: when the last ends at the latest.")
@click.option("--service", "services", multiple=True, help="Which service; with --every more than one may be named.")
@click.option("--environment", default="production", show_default=True, help="Where it runs.")
@click.option("--version", help="Which version. With --every: this one only, not the one that served most.")
@click.option("--baseline", help="The version it replaced.")
@click.option("--plan", shell_complete=past.complete_plans, help="Along which plan; not needed if there is only one.")
@click.option("--onset", type=options.Instant(), help="When a known fault began.")
@click.option("--until", "ended_at", type=options.Instant(), help="How far to look, instead of to the plan's end.")
@click.option(
    "--expect",
    type=click.Choice([each.value for each in Expectation]),
    help="End with 4 unless none goes back, all do, or those with an onset do, after it, and no other.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep results here as they come, and go on from there when the command is repeated.",
)
@click.option("--anew", is_flag=True, help="Forget what the state file holds.")
@options.jobs
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with everything drawn; one file that needs nothing else.",
)
@options.output
@options.gate
@click.pass_context
def replay(  # noqa: PLR0913 -- each is an option of the command
    ctx: click.Context,
    *,
    rules: tuple[Path, ...],
    config: Path,
    file: Path | None,
    release: str | None,
    began_at: float | None,
    stages_at: tuple[tuple[str, float], ...],
    every: float | None,
    since: float | None,
    over_at: float | None,
    services: tuple[str, ...],
    environment: str,
    version: str | None,
    baseline: str | None,
    plan: str | None,
    onset: float | None,
    ended_at: float | None,
    expect: str | None,
    state_file: Path | None,
    anew: bool,
    jobs: int,
    html: Path | None,
    output: str,
    url: str,
    actor: str,
) -> None:
    """Run rules over past rollouts: would they have gone back, when, and because of what?

    The daemon's own judgement, on what its sources remember; with RULES instead of the configured rule files if any are
    named. Nothing waits: a week takes minutes.

    Which rollouts is said by exactly one of --releases (written down in a file), --release (one that a running gate
    remembers, with the times it had there), --from (described by --service, --version and so on) and --every: made-up
    ones, in which one instance of what ran anyway stands for a new version. These were healthy, so each that goes back
    is a false alarm.

    Rules that probe addresses cannot be replayed and are left out. Times are written with their time zone:
    2026-11-01T10:00Z.
    """
    choice = Choice(
        file=file,
        release=release,
        url=url,
        actor=actor,
        services=services,
        environment=environment,
        version=version,
        baseline=baseline,
        plan=plan,
        began_at=began_at,
        stages_at=stages_at,
        onset_at=onset,
        ended_at=ended_at,
        every_seconds=every,
        between=(since, over_at),
    )
    found = _run(choice, past.opened(config, rules), state_file, anew=anew, jobs=jobs)
    if html is not None:
        _write(html, replay_page.page(found))
    click.echo(printable_json(found.model_dump_json(indent=2)) if output == "json" else replay_text.text(found))
    if expect is not None and (others := unexpected(found, Expectation(expect))):
        for each in others:
            click.echo(f"not as expected: {replay_text.title(each)}", err=True)
        ctx.exit(Exit.UNEXPECTED)


def _run(choice: Choice, known: Past, state_file: Path | None, *, anew: bool, jobs: int) -> ReplayReport:
    """Play the rollouts, with progress on standard error.

    Raises:
        Failed: something cannot be read or reached, or the state belongs to another replay.
    """
    clock = SystemClock()
    try:
        rehearsals = choice.rehearsals(known, clock.now())
        identity = whole.identity(rehearsals, known.policies, known.interval_seconds)
        with state.opened(state_file, identity, anew=anew) as kept:
            shown = _Shown(rehearsals, kept, clock)
            requests = whole.replay(
                rehearsals,
                known.policies,
                partial(past.history, known.config, known.interval_seconds),
                interval_seconds=known.interval_seconds,
                jobs=jobs,
                state=kept,
                tell=shown.told,
            )
            shown.close(requests)
            return report(
                [kept.done[each.key] for each in rehearsals],
                known.policies,
                known.left_out,
                interval_seconds=known.interval_seconds,
                requests=requests,
            )
    except GatedError as error:
        raise past.failed(error) from error
    except KeyboardInterrupt:
        hint = "; the same command goes on from here" if state_file is not None else ""
        click.echo(f"stopped{hint}", err=True)
        raise click.exceptions.Exit(SIGNALLED + signal.SIGINT) from None


class _Shown:
    """The progress of a replay."""

    def __init__(self, rehearsals: tuple[Rehearsal, ...], kept: state.State, clock: SystemClock) -> None:
        self._kept, self._clock, self._of = kept, clock, len(rehearsals)
        self._began_at = clock.monotonic()
        self._before = len(kept.done)
        self._looks = 0
        self._bar = bar.suited_to(sys.stderr, os.environ.get("TERM", ""), "rollouts")
        if self._before:
            click.echo(f"going on after {self._before:,} of {self._of:,} rollouts", err=True)

    def told(self, replayed: Replayed) -> None:
        """One more is over."""
        self._looks += replayed.looks
        done = len(self._kept.done) - self._before
        self._bar.show(done, self._of - self._before, self._clock.monotonic() - self._began_at)

    def close(self, requests: int) -> None:
        """All are."""
        seconds = self._clock.monotonic() - self._began_at
        self._bar.close()
        done = f"{self._of - self._before:,} rollouts, {self._looks:,} looks, {requests:,} requests"
        click.echo(f"{done} in {duration(seconds)}", err=True)


def _write(page: Path, text: str) -> None:
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(Exit.REFUSED, f"{page} cannot be written: {error.strerror}") from None
