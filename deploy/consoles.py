"""Pages of docs/ that show commands with what they print: the files they show are written, the commands run."""

import contextlib
import re
import shlex
import tempfile
from pathlib import Path

from click.testing import CliRunner

from gated.cli.main import main

_BLOCK = re.compile(r"^```(?P<language>yaml|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ gated "


def with_outputs(page: str) -> str:
    """A page with the outputs of its commands as they are now.

    Args:
        page: Markdown. A block of YAML starts with a comment that names its file; a block of a console is one command
            and its output. They are taken in order, all in one folder.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return _BLOCK.sub(_current, page)


def _current(block: re.Match[str]) -> str:
    first, _, _ = block["text"].partition("\n")
    if block["language"] == "yaml":
        file = Path(first.removeprefix("# "))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block["text"])
        return block[0]
    if not first.startswith(_PROMPT):
        raise ValueError(f"a console shows a command of gated: {first}")
    printed = CliRunner().invoke(main, shlex.split(first.removeprefix(_PROMPT))).output
    return f"```console\n{first}\n{printed}```"
