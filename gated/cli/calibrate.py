"""`gated calibrate`: limits that would not have cried wolf."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from gated.cli import bar, options, past, teach
from gated.cli.api import Failed
from gated.cli.exits import Exit
from gated.cli.past import Past
from gated.cli.text import printable, printable_json, table
from gated.daemon.clock import SystemClock
from gated.model.errors import GatedError
from gated.model.ids import PlanName
from gated.model.plan import Policy
from gated.model.units import Unit, format_quantity
from gated.operations.calibrate import patch
from gated.operations.calibrate.proposal import CalibratedRule, CalibrationReport, Steadiness, Trial
from gated.operations.calibrate.search import boundaries
from gated.operations.calibrate.search import calibrate as calibrated
from gated.operations.replay import state, whole
from gated.operations.replay.rehearsal import Rehearsal
from gated.operations.replay.results import Replayed
from gated.operations.replay.rolling import Rolling, rehearsals


@click.command(
    epilog=teach.epilog(
        examples=[
            """\
gated calibrate rules/ --service checkout --service cart --plan standard \\
--between 2026-11-01T00:00Z --and 2026-11-08T00:00Z""",
            """\
gated calibrate rules/ --service checkout --tighten --apply \\
--between 2026-11-01T00:00Z --and 2026-11-02T00:00Z""",
        ],
        exits={
            "0": "done, whether or not something is proposed",
            "1": "refused: files have errors, or there is no history of a service",
            "2": "the command line cannot be used",
            "12": "a source cannot be reached",
            "13": "no such plan",
        },
    )
)
@click.argument("rules", nargs=-1, type=click.Path(path_type=Path), metavar="[RULES]...")
@options.config
@click.option("--service", "services", multiple=True, required=True, help="A service that was healthy; repeatable.")
@click.option("--between", "since", type=options.Instant(), required=True, help="From when on it was.")
@click.option("--and", "until", type=options.Instant(), required=True, help="Until when.")
@click.option(
    "--every", type=options.Duration(), default="1h", show_default=True, help="How often a rollout is made up."
)
@click.option("--environment", default="production", show_default=True, help="Where it runs.")
@click.option("--version", help="This version only, not the one that served most.")
@click.option("--plan", shell_complete=past.complete_plans, help="Which plan; not needed if there is only one.")
@click.option("--tighten", is_flag=True, help="Propose tighter values as well, as far as they stay quiet.")
@click.option("--apply", is_flag=True, help="Write the changes into the rule files.")
@options.jobs
@options.output
@click.pass_context
def calibrate(  # noqa: PLR0913 -- each is an option of the command
    ctx: click.Context,
    *,
    rules: tuple[Path, ...],
    config: Path,
    services: tuple[str, ...],
    since: float,
    until: float,
    every: float,
    environment: str,
    version: str | None,
    plan: str | None,
    tighten: bool,
    apply: bool,
    jobs: int,
    output: str,
) -> None:
    """Find limits, tolerances and a drift floor that would not have cried wolf.

    Rollouts are made up of what ran anyway, as `gated replay --every` does. They were healthy, so each that a rule
    stops, by a breach or by never being fine, is a false alarm. Rules that would have stopped more of them than the
    plan's false_rollback_budget says are tried with looser values; one that counts in blocks first with longer blocks,
    and one that compares with the baseline with a larger drift_floor. What would have been quiet is printed as a table,
    and as a patch of the rule files that leaves all else in them as it is.

    A limit says what harms users, so no rule is tightened unless --tighten says so. Read the proposal before you apply
    it: it knows what the service was like, not what its users can bear.
    """
    known = past.opened(config, rules)
    policy = known.policy(plan)
    try:
        rolling = Rolling(
            services=tuple(dict.fromkeys(services)),
            environment=environment,
            since=since,
            until=until,
            every_seconds=every,
            version=version or "",
        )
        found = _found(rolling, policy, known, jobs=jobs, tightens=tighten)
        changed = patch.applied(past.files(known.rules), list(patch.changes(found)))
    except GatedError as error:
        raise past.failed(error) from error
    if output == "json":
        click.echo(printable_json(found.model_dump_json(indent=2)))
    else:
        click.echo(_text(found))
        if changed:
            click.echo(f"\n{patch.diff(changed)}", nl=False)
    if apply:
        _write(changed)
    ctx.exit(Exit.DONE)


def _found(rolling: Rolling, policy: Policy, known: Past, *, jobs: int, tightens: bool) -> CalibrationReport:
    with past.history(known.config, known.interval_seconds) as memory:
        told = rehearsals(rolling, policy, memory, known.interval_seconds)
        bounds = boundaries(told, policy, memory)
    player = _Player(known, jobs)
    report = calibrated(told, policy, bounds, player, tightens=tightens)
    return report.model_copy(update={"requests": player.requests})


class _Player:
    """Plays rollouts again, with progress on standard error."""

    def __init__(self, known: Past, jobs: int) -> None:
        self._known, self._jobs = known, jobs
        self._clock = SystemClock()
        self.requests = 0

    def __call__(self, again: Sequence[Rehearsal], policies: Mapping[PlanName, Policy]) -> Iterable[Replayed]:
        shown = bar.suited_to(sys.stderr, os.environ.get("TERM", ""), "rollouts")
        began_at = self._clock.monotonic()
        with state.opened(None, {}) as kept:
            self.requests += whole.replay(
                again,
                policies,
                partial(past.history, self._known.config, self._known.interval_seconds),
                interval_seconds=self._known.interval_seconds,
                jobs=self._jobs,
                state=kept,
                tell=lambda _: shown.show(len(kept.done), len(again), self._clock.monotonic() - began_at),
            )
        shown.close()
        return kept.done.values()


def _text(report: CalibrationReport) -> str:
    """The proposal as people read it."""
    target = format_quantity(report.target, Unit.RATIO)
    head = f"{report.rollouts:,} healthy rollouts along {report.plan}; a rule may stop {target} of them"
    rows = [_row(rule, report) for rule in report.rules]
    parts = [head, table(("RULE", "KEY", "NOW", "STOPPED", "PROPOSED", "STOPPED THEN", "UNSTEADINESS"), rows)]
    if report.drift_floor is not None:
        floor = report.drift_floor
        parts.append(f"plan {report.plan}: drift_floor {floor.value}, with at most {_stopped(floor)} of any rule")
    parts += [
        f"{each.rule}: none of the values tried is quiet enough" for each in report.rules if _is_hopeless(each, report)
    ]
    parts += [f"not calibrated: {printable(each)}" for each in report.left_out]
    return "\n\n".join(parts)


def _row(rule: CalibratedRule, report: CalibrationReport) -> tuple[str, ...]:
    then = rule.proposed
    by_floor = report.drift_floor is not None and then is None and _is_loud(rule, report)
    proposed = "by drift_floor" if by_floor else _proposed(then, rule.present)
    steady = rule.steadiness
    unsteady = "" if steady is None else _unsteadiness(steady)
    alarms = _stopped(then) if then is not None else "-"
    return rule.rule, rule.present.key, rule.present.value, _stopped(rule.present), proposed, alarms, unsteady


def _proposed(then: Trial | None, present: Trial) -> str:
    if then is None:
        return "-"
    return then.value if then.key == present.key else f"{then.key}: {then.value}"


def _unsteadiness(learned: Steadiness) -> str:
    drift, correlation, dispersion = (median for median, _ in (learned.drift, learned.correlation, learned.dispersion))
    return f"drift {drift:.0%}, clusters {correlation:.2g}, dispersion {dispersion:.2g}"


def _stopped(trial: Trial) -> str:
    seen = trial.stopped
    high = format_quantity(seen.high, Unit.RATIO)
    return f"{seen.count:,} of {seen.of:,} ({format_quantity(seen.share, Unit.RATIO)}, at most {high})"


def _is_loud(rule: CalibratedRule, report: CalibrationReport) -> bool:
    return rule.present.stopped.share > report.target


def _is_hopeless(rule: CalibratedRule, report: CalibrationReport) -> bool:
    return _is_loud(rule, report) and bool(rule.trials) and rule.proposed is None


def _write(changed: Mapping[Path, str]) -> None:
    for file, text in changed.items():
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Failed(Exit.REFUSED, f"{file} cannot be written: {error.strerror}") from None
        click.echo(f"{file} changed", err=True)
