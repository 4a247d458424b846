"""The summary of a wait on the page of a GitHub Actions run."""

import re

from gated.cli.exits import Exit
from gated.cli.text import duration, printable, share
from gated.cli.waiting import Waiting

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@-])")
_MOST_RULES = 50
"""A page takes 1 MiB; nobody reads more rows than these."""

_TITLES = {
    Exit.DONE: "promote",
    Exit.ROLLBACK: "rollback",
    Exit.HOLD: "not promoted",
    Exit.UNTRUSTED: "no answer to be trusted",
    Exit.UNKNOWN: "not what was expected",
    Exit.DENIED: "access refused",
}


def markdown(waiting: Waiting, code: int, why: str, elapsed_seconds: float) -> str:
    """What happened, in a few lines of Markdown.

    Args:
        waiting: what was heard.
        code: the exit code.
        why: the sentence that says why.
        elapsed_seconds: how long it took.
    """
    title = _TITLES[Exit(code)] if code in _TITLES else "stopped"
    lines = [
        f"### gated: {title}, stage {_plain(waiting.expected.stage)}",
        "",
        _plain(why),
        "",
        f"Release {_plain(waiting.expected.release)}, waited {duration(elapsed_seconds)}, exit code {code}.",
    ]
    verdict = waiting.verdict
    if verdict is not None and verdict.rules:
        lines += ["", f"Coverage {share(verdict.coverage)}.", "", "| rule | outcome | reason |", "|---|---|---|"]
        lines += [
            f"| {_plain(rule.rule)} | {_plain(rule.outcome)} | {_plain(rule.reason)} |"
            for rule in verdict.rules[:_MOST_RULES]
        ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", printable(text))
