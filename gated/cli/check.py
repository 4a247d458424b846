"""`gated check`: what is wrong with files, in the way linters say it, before a daemon is given them."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from gated.cli import options, teach
from gated.cli.exits import Exit
from gated.cli.text import printable
from gated.daemon import settings
from gated.rulebook import explain as rule_keys
from gated.rulebook import load as rule_files
from gated.rulebook.fault import Fault

_EXITS = {
    "0": "no faults",
    "1": "errors: the daemon would not take these files",
    "2": "the command line cannot be used",
    "3": "warnings only: the daemon takes the files, and somebody should look",
}


@click.group()
def check() -> None:
    """Find what is wrong with rule files and with the configuration.

    Every fault is one line on standard output, `file:line:column: error: key: what is wrong`; how many there are is
    said on standard error.
    """


@check.command(
    epilog=teach.epilog(
        examples=[
            "gated check rules rules/",
            "gated check rules rules/web.yaml --output json",
            "gated check rules --explain | less",
        ],
        exits=_EXITS,
    )
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--explain", is_flag=True, help="Print what every key means, its type and default, and check nothing.")
@options.output
@click.pass_context
def rules(ctx: click.Context, paths: tuple[Path, ...], explain: bool, output: str) -> None:
    """Check rule files, and the rule files in directories.

    All are read as one rulebook, as the daemon does. Whether the sources that rules name exist is checked by
    `gated check config`.
    """
    if explain:
        click.echo(rule_keys.explain())
        return
    if not paths:
        raise click.MissingParameter(ctx=ctx, param=ctx.command.params[0])
    ctx.exit(_told(rule_files.load(paths).faults, output))


@check.command(
    epilog=teach.epilog(
        examples=[
            "gated check config",
            "gated check config /etc/gated/gated.yaml",
            "gated check config --explain | less",
        ],
        exits=_EXITS,
    )
)
@click.argument("file", type=click.Path(path_type=Path), default=Path("gated.yaml"), metavar="[FILE]")
@click.option("--explain", is_flag=True, help="Print what every key means, its type and default, and check nothing.")
@options.output
@click.pass_context
def config(ctx: click.Context, file: Path, explain: bool, output: str) -> None:
    """Check gated.yaml (or FILE) and the rule files it names."""
    if explain:
        click.echo(settings.explain())
        return
    loaded = settings.load(file)
    found = [*loaded.faults]
    if loaded.settings is not None:
        found += rule_files.load(loaded.settings.rules, loaded.settings.answers).faults
    ctx.exit(_told(found, output))


def line(fault: Fault) -> str:
    """A fault as compilers and linters print theirs, so that editors and CI systems find the place."""
    key = f"{fault.key}: " if fault.key else ""
    place = f"{fault.file}:{fault.line}:{fault.column}"
    return printable(f"{place}: {fault.severity.value}: {key}{fault.message}")


def _told(faults: Sequence[Fault], output: str) -> Exit:
    """Print faults, and say how the command ends."""
    errors = sum(fault.is_error for fault in faults)
    warnings = len(faults) - errors
    if output == "json":
        click.echo(json.dumps([_document(fault) for fault in faults], indent=2))
    else:
        for fault in faults:
            click.echo(line(fault))
        click.echo(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if faults else "no faults", err=True)
    if errors:
        return Exit.REFUSED
    return Exit.WARNINGS if warnings else Exit.DONE


def _document(fault: Fault) -> dict[str, object]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "severity": fault.severity.value,
        "message": fault.message,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
