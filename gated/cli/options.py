"""Options that several commands share, and the types of their values. Imports nothing heavy."""

import getpass
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from gated.model.units import parse_duration
from gated.operations.replay.instants import parse_instant

DEFAULT_URL = "http://127.0.0.1:9911"
_ACTOR = re.compile(r"[ -~]{1,128}")
"""What the API takes as an actor: it travels in a header."""

_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,300}")
_STAGE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """A duration longer than zero, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it in Prometheus' grammar."""
        if isinstance(value, float):
            return value
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds == 0:
            self.fail("0 is no time to wait", param, ctx)
        return seconds


class Instant(click.ParamType[float]):
    """A point in time, in Unix seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it as RFC 3339 writes it."""
        if isinstance(value, float):
            return value
        try:
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class StageAt(click.ParamType[tuple[str, float]]):
    """A stage and when it began."""

    name = "stage=time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Read both."""
        if isinstance(value, tuple):
            return value
        stage, _, at = str(value).partition("=")
        return StageName().convert(stage, param, ctx), Instant().convert(at, param, ctx)


class Address(click.ParamType[str]):
    """The address of a gate: http or https, a host, perhaps a port and a path."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what would be understood in two ways, or would put a password into logs."""
        text = str(value)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            self.fail(f"that is not an address: {error}", param, ctx)
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not text.isprintable():
            self.fail(f"an address looks like {DEFAULT_URL} or https://gate.example/gated", param, ctx)
        if parts.username is not None or parts.password is not None:
            self.fail("an address must not carry a user name or a password", param, ctx)
        if parts.query or parts.fragment or " " in text:
            self.fail("an address has no query, no fragment and no spaces", param, ctx)
        return text


class ActorName(click.ParamType[str]):
    """A name that fits into a header."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the spaces around it away, as the gate does: it compares actors letter by letter."""
        text = str(value).strip()
        if _ACTOR.fullmatch(text) is None:
            self.fail("an actor is 1 to 128 printable ASCII characters", param, ctx)
        return text


class ReleaseId(click.ParamType[str]):
    """A release's id; nothing else may become a part of a request's path."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what no release is called."""
        if _RELEASE.fullmatch(str(value)) is None:
            self.fail("the id of a release is made of letters, digits and hyphens", param, ctx)
        return str(value)


class StageName(click.ParamType[str]):
    """A stage's name, as rule files allow it."""

    name = "stage"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what no stage is called."""
        if _STAGE.fullmatch(str(value)) is None:
            self.fail("the name of a stage is made of lower-case letters, digits and hyphens", param, ctx)
        return str(value)


def default_actor() -> str:
    """`user@host`, as far as the system knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's numeric user without an entry
        user = f"uid-{os.getuid()}"
    return re.sub(r"[^!-~]", "?", f"{user}@{socket.gethostname()}")[:128]


def gate(command: F) -> F:
    """Where the gate is, and who asks."""
    command = click.option(
        "--actor",
        type=ActorName(),
        envvar="GATED_ACTOR",
        default=default_actor,
        show_default="user@host",
        show_envvar=True,
        help="Who does this; recorded with it.",
    )(command)
    return click.option(
        "--url",
        type=Address(),
        envvar="GATED_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help="Where the daemon listens.",
    )(command)


def output(command: F) -> F:
    """How the answer is printed."""
    return click.option(
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people, or the JSON document.",
    )(command)


def jobs(command: F) -> F:
    """In how many processes."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=lambda: len(os.sched_getaffinity(0)),
        show_default="one per processor",
        help="In how many processes.",
    )(command)


def config(command: F) -> F:
    """Which gated.yaml."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("gated.yaml"),
        show_default=True,
        help="The daemon's configuration file.",
    )(command)
