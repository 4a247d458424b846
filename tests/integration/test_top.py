"""`gated top` against a real server: the view under a pilot's hands, and the program in a real terminal."""

import asyncio
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from gated.cli.main import main
from gated.cli.top.app import Top
from gated.cli.top.link import HttpLink
from gated.cli.top.rows import Order
from gated.cli.top.screens import ActScreen, HelpScreen, ReleaseScreen
from gated.cli.top.watch import Watch
from gated.daemon.clock import SystemClock
from tests.fakes.gate_server import GateServer, Say, Silence
from tests.serving import ServedGate

_PATIENCE_SECONDS = 15.0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    """A gate that watches a bad checkout, and billing, which has not begun."""
    with ServedGate(tmp_path) as gate:
        gate.now = SystemClock().now() - 30 * 15.0
        gate.open(service="billing", version="v7")
        gate.start(gate.open())
        gate.world.error_share = 0.2
        gate.tick(30)
        yield gate


@asynccontextmanager
async def viewing(url: str, size: tuple[int, int] = (120, 30)) -> Any:
    link = HttpLink(url, "me")
    view = Top(link, SystemClock(), Watch(), order=Order.WORST, interval_seconds=0.1, actor="me")
    async with view.run_test(size=size) as pilot:
        yield view, pilot


async def until(pilot: Pilot[None], is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not is_so():
            await pilot.pause(0.02)


def text(view: Top, selector: str) -> str:
    return str(view.screen.query_one(selector, Static).render())


def first_cells(view: Top) -> list[str]:
    table: DataTable[Any] = view.screen_stack[0].query_one(DataTable)
    return [f"{row[0]} {row[1]}" for row in (table.get_row_at(at) for at in range(table.row_count))]


def is_there(view: Top) -> bool:
    """The list was read, and shown."""
    return view.seen.is_whole and len(first_cells(view)) == 2


def is_asked_why(view: Top) -> bool:
    """Keys go into the field for the reason, and no longer to the list."""
    return view.screen.focused is not None and view.screen.focused.id == "reason"


def test_the_list_is_live_and_the_worst_is_first(served: ServedGate) -> None:
    async def story() -> None:
        async with viewing(served.url) as (view, pilot):
            await until(pilot, lambda: is_there(view))
            assert first_cells(view) == ["✗ rollback checkout", "… pending billing"]
            assert "1 rollback, 1 pending" in text(view, "#summary")
            served.open(service="auth")
            await until(pilot, lambda: len(first_cells(view)) == 3)
            await pilot.press("slash", *"auth", "enter")
            assert first_cells(view) == ["… pending auth"]
            await pilot.press("escape")
            assert len(first_cells(view)) == 3
            await pilot.press("s")
            assert first_cells(view)[0] == "… pending auth"
            assert "by service" in text(view, "#summary")

    asyncio.run(story())


def test_the_cursor_stays_on_its_release_when_the_list_changes(served: ServedGate) -> None:
    async def story() -> None:
        async with viewing(served.url) as (view, pilot):
            await until(pilot, lambda: is_there(view))
            await pilot.press("s")
            assert view.query_one(DataTable).cursor_row == 1
            served.open(service="auth")
            await until(pilot, lambda: len(first_cells(view)) == 3)
            assert view.query_one(DataTable).cursor_row == 2
            assert first_cells(view)[2] == "✗ rollback checkout"

    asyncio.run(story())


def test_a_release_opens_with_its_rules_its_story_and_its_queries(served: ServedGate) -> None:
    async def story() -> None:
        async with viewing(served.url, (80, 24)) as (view, pilot):
            await until(pilot, lambda: is_there(view))
            await pilot.press("enter")
            await until(pilot, lambda: view.found is not None)
            assert isinstance(view.screen, ReleaseScreen)
            shown = text(view, "#lines")
            assert shown.startswith("checkout v2 in production")
            assert "✗ breach" in shown
            assert "deploy-pipeline: release opened" in shown
            assert "increase(" not in shown
            await pilot.press("x")
            assert "increase(" in text(view, "#lines")
            await pilot.press("question_mark")
            assert isinstance(view.screen, HelpScreen)
            await pilot.press("escape", "escape")
            assert view.opened == ""
            assert len(view.screen_stack) == 1

    asyncio.run(story())


def test_a_pause_takes_a_name_a_reason_and_a_confirmation(served: ServedGate) -> None:
    async def story() -> None:
        async with viewing(served.url, (80, 24)) as (view, pilot):
            await until(pilot, lambda: is_there(view))
            await pilot.press("down", "p")
            assert isinstance(view.screen, ActScreen)
            await pilot.press("enter")
            assert "say why" in text(view, "#fault")
            view.screen.query_one("#actor", Input).value = "a\nb"
            await pilot.press(*"incident", "enter")
            assert "printable ASCII" in text(view, "#fault")
            view.screen.query_one("#actor", Input).value = "sre@ops"
            await pilot.press("enter", "enter")
            paused = served.get("/api/v1/releases", service="billing").json()["releases"][0]["paused"]
            assert paused is None, "not before it is confirmed"
            await pilot.press("enter")
            await until(pilot, lambda: any("paused by sre@ops" in row.progress.text for row in view._rows))
            paused = served.get("/api/v1/releases", service="billing").json()["releases"][0]["paused"]
            assert (paused["by"], paused["reason"]) == ("sre@ops", "incident")

    asyncio.run(story())


def test_what_the_gate_refuses_is_told_and_nothing_else_happens(served: ServedGate) -> None:
    async def story() -> None:
        async with viewing(served.url) as (view, pilot):
            await until(pilot, lambda: is_there(view))
            await pilot.press("a")
            await until(pilot, lambda: is_asked_why(view))
            await pilot.press(*"wrong", "enter", "enter")
            await until(pilot, lambda: len(view._notifications) == 1)
            (told,) = view._notifications
            assert told.severity == "error"
            assert "abort" in told.title
            assert first_cells(view)[0] == "✗ rollback checkout"
            await pilot.press("down", "a")
            await until(pilot, lambda: is_asked_why(view))
            await pilot.press(*"wrong", "escape")
            assert served.get("/api/v1/releases", service="billing").json()["releases"][0]["active"]

    asyncio.run(story())


def test_those_that_ended_are_shown_on_demand(served: ServedGate) -> None:
    billing = served.get("/api/v1/releases", service="billing").json()["releases"][0]["release"]
    served.post(f"/api/v1/releases/{billing}/abort", {"reason": "wrong build"})

    async def story() -> None:
        async with viewing(served.url) as (view, pilot):
            await until(pilot, lambda: view.seen.is_whole and len(first_cells(view)) == 1)
            await pilot.press("e")
            await until(pilot, lambda: len(first_cells(view)) == 2)
            assert first_cells(view)[1] == "– aborted billing"
            await pilot.press("e")
            assert len(first_cells(view)) == 1

    asyncio.run(story())


def test_a_gate_that_goes_away_is_told_and_comes_back(served: ServedGate) -> None:
    page = served.get("/api/v1/releases").json()
    answers = [Say(body=page)]

    async def story(server: GateServer) -> None:
        async with viewing(server.url) as (view, pilot):
            await until(pilot, lambda: is_there(view))
            for answer, why in (
                (Say(502, b"bad gateway"), "answered with status 502, and not as gated does"),
                (Say(403, b"no"), "access was refused with status 403"),
                (Say(body={"releases": 1}), "is not a ReleasePage of gated"),
                (Say(body=b"\xff\x1b[2J"), "is not a ReleasePage of gated"),
            ):
                answers.append(answer)
                await until(pilot, lambda why=why: why in text(view, "#banner"))  # type: ignore[misc]
            assert view.query_one("#banner").display
            assert "what is shown is" in text(view, "#banner")
            assert {str(cell.style) for cell in view.query_one(DataTable).get_row_at(0)} == {"dim"}
            answers.append(Say(body=page))
            await until(pilot, lambda: view.trouble is None)
            assert not view.query_one("#banner").display

    with GateServer(lambda _: answers[-1]) as server:
        asyncio.run(story(server))


def test_one_question_per_interval_whatever_there_is_to_see(served: ServedGate) -> None:
    """A thousand releases cost the gate no more than one."""
    one = served.get("/api/v1/releases").json()["releases"][0]
    pages = [[{**one, "release": f"checkout-{page}-{at}"} for at in range(200)] for page in range(5)]

    def answer(query: Any) -> Say:
        page = int(query.get("cursor") or 0)
        return Say(body={"releases": pages[page], "next": str(page + 1) if page < 4 else ""})

    async def story(server: GateServer) -> None:
        link = HttpLink(server.url, "me")
        view = Top(link, SystemClock(), Watch(), order=Order.WORST, interval_seconds=3600, actor="me")
        async with view.run_test(size=(200, 24)) as pilot:
            await until(pilot, lambda: view.seen.is_whole)
            await pilot.pause(0.3)
            assert "1000 active" in text(view, "#summary")
            assert "the first 200 of 1,000" in text(view, "#summary")
            assert len(first_cells(view)) == 200
        assert [asked.query["limit"] for asked in server.heard] == ["200"] * 5

    with GateServer(lambda asked: answer(asked.query)) as server:
        asyncio.run(story(server))


# --- the program -------------------------------------------------------------------------------------------------


def run(url: str, *options: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["top", "--url", url, *options])
    assert done.exit_code == code, done.output
    return done.output


def test_without_a_terminal_the_list_is_printed_once(served: ServedGate) -> None:
    for options in ((), ("--once",)):
        heading, *lines = run(served.url, *options).splitlines()
        assert heading.split()[:3] == ["RELEASE", "VERDICT", "SERVICE"]
        assert [line.split()[2] for line in lines] == ["rollback", "pending"]
    assert len(run(served.url, "--service", "billing").splitlines()) == 2


def test_json_is_the_list_of_the_gate(served: ServedGate) -> None:
    assert json.loads(run(served.url, "--output", "json")) == served.get("/api/v1/releases", active=True).json()


def test_bad_options_and_no_gate_have_codes_of_their_own() -> None:
    assert "500ms" in run("http://127.0.0.1:9", "--interval", "100ms", code=2)
    with GateServer(lambda _: Say()) as stopped:
        url = stopped.url
    assert "connection refused" in run(url, "--once", code=12)
    with GateServer(lambda _: Say(403, b"")) as server:
        run(server.url, "--once", code=14)


class Terminal:
    """`gated` in a terminal of its own."""

    def __init__(self, *arguments: str, before: str = "") -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        code = f"{before}\nfrom gated.cli.main import main\nmain()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1"},
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def read_until(self, wanted: str) -> None:
        clock = SystemClock()
        until = clock.monotonic() + _PATIENCE_SECONDS
        while wanted not in self.seen:
            assert clock.monotonic() < until, self.seen
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode(errors="replace")
                except OSError:  # the other end is closed
                    assert wanted in self.seen, self.seen

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> int:
        try:
            return self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            raise
        finally:
            os.close(self._master)


def test_in_a_terminal_the_list_appears_without_colours_if_so_wished_and_q_ends_it(served: ServedGate) -> None:
    terminal = Terminal("top", "--url", served.url)
    terminal.read_until("✗ rollback")
    terminal.read_until("billing")
    terminal.press("q")
    assert terminal.end() == 0
    assert "\x1b[31m" not in terminal.seen
    assert "Traceback" not in terminal.seen


def test_q_ends_it_at_once_while_the_gate_is_silent() -> None:
    clock = SystemClock()
    with GateServer(lambda _: Silence()) as server:
        terminal = Terminal("top", "--url", server.url)
        terminal.read_until("0 active")
        pressed_at = clock.monotonic()
        terminal.press("q")
        assert terminal.end() == 0
    assert clock.monotonic() - pressed_at < 3


def test_without_the_extra_it_says_how_to_install_it() -> None:
    terminal = Terminal("top", before="import sys; sys.modules['textual'] = None")
    terminal.read_until('pip install ".[top]"')
    assert terminal.end() == 1
    assert "Traceback" not in terminal.seen
