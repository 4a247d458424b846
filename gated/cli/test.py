"""`gated test`: unit tests of rules."""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from gated.cli import junit, teach, trial_text
from gated.cli.bar import Bar
from gated.cli.check import line
from gated.cli.exits import Exit
from gated.cli.trial_text import Told
from gated.operations.trial.stand import Stand, put
from gated.rulebook import explain as keys
from gated.rulebook.case import Case, CaseFile, untested
from gated.rulebook.cases import CasesFile
from gated.rulebook.load_cases import find, load_cases
from gated.sources import own_prometheus
from gated.sources.own_prometheus import NoPrometheus

_QUICK_SECONDS = 1.0
"""A run that is over by then shows no bar."""


@click.group()
def test() -> None:
    """Test rules against series that are written down."""


@test.command(
    epilog=teach.epilog(
        examples=[
            "gated test rules",
            "gated test rules rules/web.cases.yaml -k latency --verbose",
            "gated test rules rules/ --junit report.xml",
            "gated test rules rules/ --on prometheus --prometheus /usr/bin/prometheus",
            "gated test rules --explain | less",
        ],
        exits={
            "0": "every case passed",
            "1": "a case failed, or could not be run",
            "2": "the command line cannot be used, or files of cases or rules have errors",
        },
    )
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]...")
@click.option("-k", "--only", metavar="TEXT", help="Only cases with this text in their name or their file's name.")
@click.option(
    "--on",
    "stand",
    type=click.Choice([stand.value for stand in Stand]),
    default=Stand.AUTO.value,
    show_default=True,
    help="In memory, on a Prometheus started for each case, or there only what cannot be done in memory.",
)
@click.option(
    "--prometheus",
    "named",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="GATED_PROMETHEUS",
    show_envvar=True,
    show_default="the one on the PATH",
    help="The Prometheus to start.",
)
@click.option("--junit", "report", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit's XML, too.")
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or a JSON document.",
)
@click.option("-v", "--verbose", is_flag=True, help="Tell of every case what changed in it, and when.")
@click.option("--explain", is_flag=True, help="Print what every key of a file of cases means, and run nothing.")
@click.pass_context
def rules(  # noqa: PLR0913, PLR0917 -- click gives each option by name
    ctx: click.Context,
    paths: tuple[Path, ...],
    only: str | None,
    stand: str,
    named: Path | None,
    report: Path | None,
    output: str,
    verbose: bool,
    explain: bool,
) -> None:
    """Run the cases of files, and of *.cases.yaml files in directories; of rules/ unless given.

    A case writes series down as promtool does, and says what rules must make of them. Standard output has a line for
    each case, and for each expectation that was not met its place, what was expected, what was, and what the rule
    said.
    """
    if explain:
        click.echo(keys.explain(CasesFile))
        return
    paths = paths or (Path("rules"),)
    files = _loaded(paths)
    wanted = [(file, case) for file in files for case in file.cases if _fits(file, case, only)]
    if not wanted:
        raise click.UsageError(f"no case has {only!r} in its name")
    tried: list[Told] = []
    for told in _run(wanted, Stand(stand), _program(named, Stand(stand))):
        tried.append(told)
        if output == "text":
            click.echo("\n".join(trial_text.lines(told, is_verbose=verbose)))
    if output == "json":
        click.echo(json.dumps([trial_text.document(told) for told in tried], indent=2, ensure_ascii=False))
    click.echo(_summary(tried), err=True)
    forgotten = untested(files) if only is None and all(path.is_dir() for path in paths) else []
    if forgotten:
        click.echo(f"no case expects anything of {', '.join(forgotten)}", err=True)
    if report is not None:
        _write(report, junit.report(tried))
    ctx.exit(Exit.DONE if all(told.result == "passed" for told in tried) else Exit.REFUSED)


def _program(named: Path | None, stand: Stand) -> Path | None:
    """The Prometheus to start, if there is one."""
    try:
        program = own_prometheus.find(named)
    except NoPrometheus as error:
        raise click.UsageError(str(error)) from error
    if program is None and stand is Stand.PROMETHEUS:
        raise click.UsageError("there is no prometheus on the PATH; name one with --prometheus")
    return program


def _write(report: Path, content: bytes) -> None:
    try:
        report.write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"{report} cannot be written: {error.strerror}") from error


def _loaded(paths: Iterable[Path]) -> tuple[CaseFile, ...]:
    """The files of cases. Faults in them, and in the rules under test, end the command."""
    files = find(paths)
    if not files:
        raise click.UsageError(f"no file in {', '.join(map(str, paths))} is called *.cases.yaml")
    loaded = load_cases(files)
    for fault in loaded.faults:
        click.echo(line(fault))
    if loaded.faults:
        raise click.exceptions.Exit(Exit.USAGE)
    return loaded.files


def _fits(file: CaseFile, case: Case, only: str | None) -> bool:
    return only is None or only.casefold() in f"{file.file} {case.name}".casefold()


def _run(wanted: Sequence[tuple[CaseFile, Case]], stand: Stand, program: Path | None) -> Iterator[Told]:
    """Run cases, one after the other, with a bar for whoever has to wait at a terminal."""
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    bar = Bar(lambda text: click.echo(text, nl=False, err=True), "cases") if is_terminal else None
    began = time.monotonic()
    for number, (file, case) in enumerate(wanted):
        elapsed = time.monotonic() - began
        if bar is not None and elapsed > _QUICK_SECONDS:
            bar.show(number, len(wanted), elapsed)
        tried = put(case, stand, program)
        if bar is not None and elapsed > _QUICK_SECONDS:
            bar.close()
        yield Told(file.file, case, tried)


def _summary(tried: Sequence[Told]) -> str:
    counts = {result: sum(told.result == result for told in tried) for result in ("passed", "failed", "error")}
    told = f"{counts['passed']} passed, {counts['failed']} failed"
    return f"{told}, {counts['error']} could not be run" if counts["error"] else told
