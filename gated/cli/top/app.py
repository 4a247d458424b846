"""The live view. Asks one question per interval, shows the answers, and never ends because of one.

What is asked and shown is decided in `watch`, `rows`, `columns` and `detail`; here are keys, widgets and the loop.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.widgets import DataTable, Footer, Input, Static

from gated.cli import api
from gated.cli.api import Failed
from gated.cli.client import Reply
from gated.cli.text import printable
from gated.cli.top import columns, detail, rows, watch
from gated.cli.top.link import GateTime, Link, in_background
from gated.cli.top.piece import brief
from gated.cli.top.rows import Order, Row
from gated.cli.top.screens import AWAY, STYLES, ActScreen, HelpScreen, ReleaseScreen
from gated.cli.top.watch import Watch
from gated.daemon.clock import Clock
from gated.operations.documents import ReleaseHistory, ReleasePage

_PATIENCE = 4
"""A gate that takes a second to answer is left alone for so many: watching must not be what keeps it busy."""
_BANNER_SECONDS = 1.0
_MOST_LINES = 200
"""A thousand lines take a terminal a second to draw and nobody reads them; the filter looks through all."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing new is known.

    Args:
        why: what is wrong, safe to print.
        since: since when, Unix seconds of the steady clock.
    """

    why: str
    since: float


class Top(App[None]):
    """All gates, live.

    Args:
        link: the gate.
        clock: tells how time goes by.
        seen: what to watch.
        order: how the list is sorted at first.
        interval_seconds: the pause between two questions.
        actor: whose name is suggested before something is done.
    """

    TITLE = "gated top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    #banner { display: none; height: auto; text-style: bold reverse; color: ansi_red; }
    #banner.shown { display: block; }
    #summary { height: 1; }
    DataTable { height: 1fr; background: ansi_default; color: ansi_default; }
    DataTable > .datatable--header { text-style: bold underline; background: ansi_default; color: ansi_default; }
    DataTable > .datatable--cursor { text-style: reverse; background: ansi_default; color: ansi_default; }
    DataTable:focus > .datatable--cursor { text-style: reverse; background: ansi_default; color: ansi_default; }
    #filter { display: none; height: 1; }
    #filter.shown { display: block; }
    Footer { background: ansi_default; color: ansi_default; }
    #story { scrollbar-gutter: stable; }
    ModalScreen { align: center middle; background: ansi_default; }
    .box { width: 78; max-width: 100%; height: auto; max-height: 100%; border: round ansi_default; padding: 0 1; }
    .label { margin-top: 1; }
    #fault { color: ansi_red; text-style: bold; height: 1; }
    Input { background: ansi_default; color: ansi_default; text-style: underline; }
    Button { background: ansi_default; color: ansi_default; width: auto; }
    Button:focus { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("e", "ended", "Ended"),
        Binding("p", "act('pause')", "Pause"),
        Binding("r", "act('resume')", "Resume"),
        Binding("a", "act('abort')", "Abort"),
        Binding("escape", "leave", show=False),
    ]

    def __init__(
        self, link: Link, clock: Clock, seen: Watch, *, order: Order, interval_seconds: float, actor: str
    ) -> None:
        super().__init__(ansi_color=True)  # the terminal's own colours, which its owner can read
        self.link = link
        self.seen = seen
        self.order = order
        self.wanted = ""
        self.trouble: Trouble | None = None
        self.opened = ""
        self.found: ReleaseHistory | None = None
        self.with_queries = False
        self._clock = clock
        self._time = GateTime(clock)
        self._interval_seconds = interval_seconds
        self._actor = actor
        self._rows: list[Row] = []
        self._columns: list[tuple[columns.Column, int]] = []
        self._wake = asyncio.Event()
        self._heard_at: float | None = None

    def compose(self) -> ComposeResult:
        """A banner when something is wrong, a line of numbers, the list, the filter, the keys."""
        yield Static(id="banner", markup=False)
        yield Static(id="summary", markup=False)
        yield DataTable(cursor_type="row", cell_padding=0, zebra_stripes=False)
        yield Input(
            placeholder="words that every line shown must have; Enter keeps, Esc clears", id="filter", compact=True
        )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to ask."""
        self.theme = "ansi-dark"
        self._draw_list()
        self.set_interval(_BANNER_SECONDS, self._draw_banner)
        self._follow()

    # --- asking -----------------------------------------------------------------------------------------------------

    @work
    async def _follow(self) -> None:
        while True:
            began_at = self._clock.monotonic()
            await self._ask()
            took = self._clock.monotonic() - began_at
            if self.seen.is_whole or self.trouble or self.opened:
                await self._pause(max(self._interval_seconds, _PATIENCE * took))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _ask(self) -> None:
        """Ask one question: about the release that is open, or for the next page of the list."""
        opened, seen = self.opened, self.seen
        request = api.release(opened) if opened else watch.request(seen)
        try:
            reply = await in_background(lambda: self.link.ask(request))
            self._heard(reply, opened, seen)
        except Failed as failure:
            if opened == self.opened and self.seen is seen:
                self._failed(failure.message)

    def _heard(self, reply: Reply, opened: str, seen: Watch) -> None:
        """Take an answer in, unless something else is looked at by now.

        Raises:
            Failed: it is not the document that it should be.
        """
        history = api.document(reply, ReleaseHistory) if opened else None
        page = None if opened else api.document(reply, ReleasePage)
        self._time.heard(reply)
        self._heard_at = self._clock.monotonic()
        self.trouble = None
        if history is not None and opened == self.opened:
            self.found = history
        elif page is not None and self.seen is seen:
            self.seen = watch.heard(seen, page)
        self._draw()

    def _failed(self, why: str) -> None:
        if not seen_already(self.trouble, why):
            since = self.trouble.since if self.trouble else self._clock.monotonic()
            self.trouble = Trouble(printable(why), since)
        self._draw()

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._draw_banner()
        if isinstance(self.screen, ReleaseScreen):
            self._draw_release(self.screen)
        elif len(self.screen_stack) == 1:
            self._draw_list()

    def _draw_banner(self) -> None:
        for screen in self.screen_stack:
            for banner in screen.query("#banner").results(Static):
                banner.set_class(self.trouble is not None, "shown")
                banner.update(self._banner())

    def _banner(self) -> str:
        if self.trouble is None:
            return ""
        now = self._clock.monotonic()
        known = (
            "nothing is known yet" if self._heard_at is None else f"what is shown is {brief(now - self._heard_at)} old"
        )
        since = brief(now - self.trouble.since)
        return f" for {since}: {self.trouble.why}; {known}; asking again every {brief(self._interval_seconds)} "

    def _draw_list(self) -> None:
        now = self._time.now()
        everything = [rows.row(found, now) for found in self.seen.shown.values()]
        kept = rows.arranged(everything, self.order, self.wanted)
        self._rows = kept[:_MOST_LINES]
        self._draw_summary(everything, len(kept))
        table = self.screen_stack[0].query_one(DataTable)
        chosen, top = self._chosen_id(table), table.scroll_y
        self._columns = columns.fitted(self._rows, self.size.width - 1)
        table.clear(columns=True)
        for column, width in self._columns:
            table.add_column(column.title, key=column.name, width=width + columns.GAP)
        for row in self._rows:
            table.add_row(*(self._cell(row, column, width) for column, width in self._columns), key=row.release)
        at = next((at for at, row in enumerate(self._rows) if row.release == chosen), 0)
        table.cursor_coordinate = Coordinate(at, 0)
        table.scroll_to(y=top, animate=False)

    def _cell(self, row: Row, column: columns.Column, width: int) -> Text:
        style = AWAY if self.trouble else STYLES[column.of(row).tone]
        return Text(columns.cell(column, row, width), style=style)

    def _draw_summary(self, everything: list[Row], kept: int) -> None:
        parts = ["gated top", rows.summary(everything)]
        if self.seen.is_cut:
            parts.append(f"only the newest {watch.PAGE * watch.MOST_PAGES:,} are read")
        elif not self.seen.is_whole and not self.trouble:
            parts.append("reading")
        if self.seen.with_ended:
            parts.append(f"{sum(not row.is_active for row in everything)} ended")
        parts.append(f"by {self.order.value}")
        if self.wanted:
            parts.append(f"filter: {self.wanted} ({kept})")
        if kept > len(self._rows):
            parts.append(f"the first {len(self._rows)} of {kept:,}")
        parts.append(printable(self.link.url))
        self.screen_stack[0].query_one("#summary", Static).update(Text("  ·  ".join(parts), style="bold"))

    def _draw_release(self, screen: ReleaseScreen) -> None:
        if self.found is not None:
            width = self.size.width - 2
            lines = detail.lines(self.found, self._time.now(), width, with_queries=self.with_queries)
            screen.show(lines, is_away=self.trouble is not None)

    def on_resize(self) -> None:
        """Another width has room for other columns; how wide it is, is known only after this event."""
        self.call_after_refresh(self._draw)

    # --- keys -------------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Say what is seen and what the keys do."""
        self.push_screen(HelpScreen())

    def action_sort(self) -> None:
        """Sort by the next."""
        orders = list(Order)
        self.order = orders[(orders.index(self.order) + 1) % len(orders)]
        self._draw()

    def action_ended(self) -> None:
        """Show those that have ended as well, or no longer."""
        self.seen = watch.restarted(self.seen, with_ended=not self.seen.with_ended)
        self._draw()
        self._wake.set()

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one("#filter", Input)
        field.add_class("shown")
        field.focus()

    @on(Input.Changed, "#filter")
    def filter_as_typed(self, changed: Input.Changed) -> None:
        """Show what has these words, while they are typed."""
        self.wanted = printable(changed.value)
        self._draw_list()

    @on(Input.Submitted, "#filter")
    def keep_filter(self) -> None:
        """Back to the list, with the filter."""
        self._leave_filter()

    def action_leave(self) -> None:
        """Out of a release, or out of the filter."""
        if isinstance(self.screen, ReleaseScreen):
            self.opened, self.found = "", None
            self.pop_screen()
            self._wake.set()
            self._draw()
        elif len(self.screen_stack) == 1:
            self.query_one("#filter", Input).value = ""
            self._leave_filter()

    def _leave_filter(self) -> None:
        self.query_one("#filter", Input).remove_class("shown")
        self.query_one(DataTable).focus()

    @on(DataTable.RowSelected)
    def open_release(self, selected: DataTable.RowSelected) -> None:
        """Look at one release, and at nothing else meanwhile."""
        self.opened = str(selected.row_key.value)
        self.found = None
        self.push_screen(ReleaseScreen())
        self._wake.set()

    def action_queries(self) -> None:
        """Show what was asked, or no longer."""
        self.with_queries = not self.with_queries
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 -- as textual calls it
        """Keys of the list mean nothing elsewhere."""
        if isinstance(self.screen, ReleaseScreen):
            return action not in {"filter", "sort", "ended"}
        return True

    def action_act(self, act: str) -> None:
        """Ask for a name and a reason, and do it."""
        row = self._chosen()
        if row is None:
            self.notify("there is no release to do that to", severity="warning", markup=False)
            return

        def confirmed(said: tuple[str, str] | None) -> None:
            if said is not None:
                self._do(act, row, *said)

        self.push_screen(ActScreen(act, row, self._actor), confirmed)

    @work
    async def _do(self, act: str, row: Row, actor: str, reason: str) -> None:
        request = api.release(row.release, act, body={"reason": reason})
        try:
            await in_background(lambda: self.link.act(actor, request))
        except Failed as failure:
            self.notify(failure.message, title=f"{act}: {row.what}", severity="error", markup=False, timeout=15)
        else:
            self._actor = actor
            self.notify(f"{act}: {row.what}", markup=False)
        self._wake.set()

    def _chosen(self) -> Row | None:
        """The release that is open, or under the cursor."""
        if self.found is not None:
            return rows.row(self.found, self._time.now())
        chosen = self._chosen_id(self.screen_stack[0].query_one(DataTable))
        return next((row for row in self._rows if row.release == chosen), None)

    def _chosen_id(self, table: DataTable[Text]) -> str:
        """The id under the cursor; empty in an empty list."""
        if not table.is_valid_coordinate(table.cursor_coordinate):
            return ""
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)


def seen_already(trouble: Trouble | None, why: str) -> bool:
    """Whether the same is wrong as before."""
    return trouble is not None and trouble.why == printable(why)
