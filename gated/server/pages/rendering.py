"""Templates, and what they may use. Everything they are given is escaped, unless it is markup of our own."""

import hashlib
import importlib.resources
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import gated
from gated.model.units import format_duration, format_quantity
from gated.server.pages.wording import TONES

_STATIC = importlib.resources.files("gated.server.pages") / "static"
_TYPES = {"gated.css": "text/css", "gated.js": "text/javascript", "icon.svg": "image/svg+xml"}

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing from elsewhere is loaded or run, and nobody may put a page into a frame to have it clicked on."""


def render(template: str, **values: Any) -> str:
    """A page.

    Args:
        template: its name.
        values: what it shows; one that is missing is an error.
    """
    return _templates().get_template(template).render(values)


def static(name: str) -> tuple[bytes, str] | None:
    """A file that pages load, with its content type; None when there is none of that name."""
    if name not in _TYPES:
        return None
    return (_STATIC / name).read_bytes(), _TYPES[name]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("gated.server.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"at": at, "clock": clock, "duration": duration, "quantity": format_quantity, "odds": odds}
    environment.globals |= {"version": gated.__version__, "asset": _asset, "tones": TONES}
    return environment


@cache
def _asset(name: str) -> str:
    """The address of a file, new with every change of it, so that browsers may keep it for ever."""
    return f"static/{name}?{hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]}"


def at(instant: float) -> Markup:
    """A moment, Unix seconds; the script says how long ago it is."""
    moment = datetime.fromtimestamp(instant, UTC)
    machine, human = moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(machine, human)


def clock(instant: float, opened_at: float) -> Markup:
    """The time of day of a moment, with the day when that is not the day its release was opened."""
    moment = datetime.fromtimestamp(instant, UTC)
    is_of_that_day = moment.date() == datetime.fromtimestamp(opened_at, UTC).date()
    machine, human = (
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        moment.strftime("%H:%M:%S" if is_of_that_day else "%d %b %H:%M:%S"),
    )
    return Markup('<time class="clock" datetime="{}" title="{}">{}</time>').format(
        machine, moment.strftime("%Y-%m-%d %H:%M:%S UTC"), human
    )


def duration(seconds: float) -> str:
    """A duration as people say it: two units at most. None is negative, unless the clock was set back meanwhile."""
    rounded = round(seconds) if seconds >= 1 else round(max(0.0, seconds), 1)
    for unit, below in ((60, 600), (3600, 36 * 3600)):
        if rounded >= below:
            rounded = round(rounded / unit) * unit
    return format_duration(rounded)


def odds(number: float) -> str:
    """Odds as people say them."""
    return f"{number:,.0f} : 1" if number >= 10 or number == 0 else f"{number:.2g} : 1"  # noqa: PLR2004 -- two digits
