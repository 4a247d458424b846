"""The part of a command's help that teaches: examples, and what its exit codes mean."""

from collections.abc import Mapping, Sequence

_AS_IT_IS = "\b\n"
"""click's mark of a paragraph that is not to be wrapped."""

GATE_EXITS: Mapping[str, str] = {
    "0": "done",
    "1": "refused: the release is not in a state that allows it",
    "2": "the command line, or a value in it, cannot be used",
    "12": "the gate cannot be reached, or its answer cannot be trusted",
    "13": "no such release, stage or plan",
    "14": "access denied",
}
"""How every command ends that asks a gate one thing."""

START_EXAMPLE = """\
RELEASE=$(gated release start --service checkout --environment production \\
              --version v2 --baseline v1 --plan standard)"""


def epilog(*, examples: Sequence[str], exits: Mapping[str, str] = GATE_EXITS) -> str:
    """Examples and exit codes, laid out for `click.command(epilog=…)`.

    Args:
        examples: command lines; further lines of one are indented below its first.
        exits: what each exit code means; further lines are indented below the first.
    """
    shown = [line if at == 0 else f"    {line}" for each in examples for at, line in enumerate(each.splitlines())]
    width = max(len(code) for code in exits)
    meanings = [
        f"{code.ljust(width)}  {meaning}".replace("\n", f"\n{' ' * (width + 4)}") for code, meaning in exits.items()
    ]
    return _paragraph("Examples:", shown) + "\n\n" + _paragraph("Exit codes:", meanings)


def _paragraph(title: str, lines: Sequence[str]) -> str:
    return _AS_IT_IS + "\n".join([title, *(f"  {line}" for line in lines)])
