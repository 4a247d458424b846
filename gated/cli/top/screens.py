"""The screens above the list: one release, what the keys do, and the question before something is done."""

from collections.abc import Iterable
from typing import ClassVar

import click
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Footer, Input, Static

from gated.cli import options
from gated.cli.text import printable
from gated.cli.top.piece import Line, Piece, Tone
from gated.cli.top.rows import Row

STYLES = {
    Tone.PLAIN: "",
    Tone.QUIET: "dim",
    Tone.STRONG: "bold",
    Tone.GOOD: "green",
    Tone.WARN: "bold magenta",
    Tone.BAD: "bold red",
}
"""Of the terminal's own colours, those that can be read on light and on dark; yellow and blue cannot."""
AWAY = "dim"
"""The style of everything that may be true no more."""

HELP = """\
Every line is a release. A verdict is about its present stage:

  ✗ rollback   go back
  ‖ hold       do not go on: paused, blind, or inconclusive
  … pending    evidence is being collected
  ✓ promote    go on, once claimed

STAGES has a sign for each:  ● done  ◐ running  ○ to come  ✗ went back
EVIDENCE is the odds against the version beside the odds at which it
goes back; the bar is the way from 1 to there, on a logarithmic scale.
LOOK is the age of the last look; "stale" when another was due.

  Enter  open a release          Esc  back
  /      filter by words         s    sort in another way
  e      with those that ended   x    show queries (in a release)
  p  pause   r  resume   a  abort: asks for a name and a reason first
  q      quit

Esc closes this."""

ACTS = {
    "pause": "Pause {what}? Nothing is promoted until it is resumed; a breach still rolls back.",
    "resume": "Resume {what}? It may be promoted again.",
    "abort": "Abort {what}? It ends without a verdict, and nobody watches it any more.",
}


def styled(line: Iterable[Piece], *, is_away: bool = False) -> Text:
    """A line as textual draws it. What a server said stays text: nothing in it is read as markup."""
    return Text.assemble(*((each.text, AWAY if is_away else STYLES[each.tone]) for each in line), no_wrap=False)


class ReleaseScreen(Screen[None]):
    """One release."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.leave", "Back"),
        Binding("x", "app.queries", "Queries"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """A banner, the lines, the keys."""
        yield Static(id="banner", markup=False)
        with VerticalScroll(id="story"):
            yield Static(id="lines", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Arrow keys scroll from the beginning."""
        self.query_one("#story").focus()

    def action_scroll(self, lines: int) -> None:
        """As in a pager."""
        self.query_one("#story").scroll_relative(y=lines, animate=False)

    def show(self, lines: Iterable[Line], *, is_away: bool) -> None:
        """Draw the release anew."""
        text = Text("\n").join(styled(line, is_away=is_away) for line in lines)
        self.query_one("#lines", Static).update(text)


class HelpScreen(ModalScreen[None]):
    """What is seen, and what the keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,enter,q", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """The text, which scrolls where it does not fit."""
        with VerticalScroll(id="help", classes="box"):
            yield Static(HELP, markup=False)


class ActScreen(ModalScreen[tuple[str, str] | None]):
    """Asks who wants to do something to a release, and why; gives both, or None.

    Args:
        act: `pause`, `resume` or `abort`.
        row: the release.
        actor: whom to suggest.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, act: str, row: Row, actor: str) -> None:
        super().__init__()
        self._act = act
        self._row = row
        self._actor = actor

    def compose(self) -> ComposeResult:
        """The question, two fields, two buttons."""
        with Vertical(id="act", classes="box"):
            yield Static(ACTS[self._act].format(what=self._row.what), markup=False)
            yield Static("Your name, recorded with it:", classes="label")
            yield Input(self._actor, id="actor", compact=True)
            yield Static("Why:", classes="label")
            yield Input(id="reason", compact=True)
            yield Static(id="fault", markup=False)
            yield Button(f"{self._act.capitalize()} it", id="do", compact=True)
            yield Button("Cancel (Esc)", id="cancel", compact=True)

    def on_mount(self) -> None:
        """The name is usually right."""
        self.query_one("#reason").focus()

    @on(Input.Submitted)
    def confirm(self, submitted: Input.Submitted) -> None:
        """Enter goes on to the next field; it takes another Enter, on the button, to do it."""
        if submitted.input.id == "actor":
            self.query_one("#reason").focus()
        elif self._checked() is not None:
            self.query_one("#do").focus()

    @on(Button.Pressed, "#do")
    def do(self) -> None:
        """It is confirmed."""
        said = self._checked()
        if said is not None:
            self.dismiss(said)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is done."""
        self.dismiss(None)

    def _checked(self) -> tuple[str, str] | None:
        """Name and reason; None when one cannot be used, which is said and can be corrected."""
        reason = printable(self.query_one("#reason", Input).value)
        try:
            actor = options.ActorName()(self.query_one("#actor", Input).value)
        except click.BadParameter as fault:
            self._refuse("actor", fault.message)
            return None
        if not reason:
            self._refuse("reason", "say why: whoever comes next will ask")
            return None
        return actor, reason

    def _refuse(self, field: str, why: str) -> None:
        self.query_one("#fault", Static).update(why)
        self.query_one(f"#{field}").focus()
