"""What people and logs see while the wait goes on."""

import io
import json
from typing import Any

import pytest

from gated.cli import progress, summary
from gated.cli.progress import Lines, LiveLine
from gated.cli.trust import Expected, read
from gated.cli.waiting import Waiting
from tests.fakes.gate_server import ACTOR, RELEASE, STAGE, rule, verdict


def waiting(document: Any = None, **changes: Any) -> Waiting:
    known = read(json.dumps(document).encode()) if document is not None else None
    expected = Expected(release=RELEASE, stage=STAGE, actor=ACTOR)
    return Waiting(expected=expected, timeout_seconds=1800.0, verdict=known, **changes)


DESCRIPTIONS = {
    "nothing heard yet": (waiting(), "asking for checkout-v2-7f3a21"),
    "pending": (waiting(verdict()), "pending: because it is pending · coverage 97 % · about 4m to go"),
    "no stage runs": (waiting(verdict("hold", phase="open")), "hold: because it is hold"),
    "trouble": (
        waiting(verdict(), trouble="connection refused", failures=3),
        "no answer to be trusted: connection refused (3 times in a row); last verdict: pending",
    ),
    "a refused claim": (
        waiting(verdict("hold", phase="open"), refusal="it is gone"),
        "hold: because it is hold · claim refused: it is gone",
    ),
    "numbers that are none": (
        waiting(verdict(eta_seconds=float("nan"), coverage=float("inf"), phase="open")),
        "pending: because it is pending · about - to go",
    ),
}


@pytest.mark.parametrize(("known", "line"), DESCRIPTIONS.values(), ids=DESCRIPTIONS.keys())
def test_the_state_is_one_line(known: Waiting, line: str) -> None:
    assert progress.describe(known) == line


def test_a_log_gets_a_line_per_change_and_a_heartbeat() -> None:
    told: list[str] = []
    lines = Lines(told.append)
    for second in range(150):
        lines.show(waiting(verdict("hold" if second >= 100 else "pending", verdict_id=str(second >= 100))), second)
    assert [line.split(":")[0] for line in told] == ["0s  pending", "1m  pending", "1m40s  hold"]
    assert all(line.endswith("\n") for line in told)


def test_trouble_and_its_end_are_changes() -> None:
    told: list[str] = []
    lines = Lines(told.append)
    for known in (waiting(verdict()), waiting(verdict(), trouble="reset"), waiting(verdict())):
        lines.show(known, 1.0)
        lines.show(known, 2.0)
    assert len(told) == 3


def test_a_terminal_gets_one_line_that_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    written: list[str] = []
    line = LiveLine(written.append)
    line.show(waiting(verdict(reason="long " * 50)), 61.0)
    line.close()
    assert written[0].startswith("\r\x1b[K1m1s  pending: long")
    assert len(written[0].removeprefix("\r\x1b[K")) == 39
    assert written[-1] == "\r\x1b[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_that_can_renew_a_line_gets_one() -> None:
    assert isinstance(progress.suited_to(Terminal(), "xterm"), LiveLine)
    assert isinstance(progress.suited_to(Terminal(), "dumb"), Lines)
    assert isinstance(progress.suited_to(io.StringIO(), "xterm"), Lines)


def test_the_summary_is_short_and_shows_texts_as_they_are() -> None:
    rules = [rule(rule=f"rule-{number}", reason="a | b <script>\n# c") for number in range(60)]
    text = summary.markdown(waiting(verdict("hold", rules=rules)), 11, "not promoted *yet*", 61.0)
    assert text.startswith("### gated: not promoted, stage canary\\-5\n\nnot promoted \\*yet\\*\n")
    assert "waited 1m1s, exit code 11" in text
    assert "| rule\\-0 | ok | a \\| b \\<script\\> \\# c |\n" in text
    assert text.count("\\|") == 50


def test_the_summary_of_a_stopped_wait() -> None:
    assert "gated: stopped" in summary.markdown(waiting(), 143, "stopped by SIGTERM", 1.0)
