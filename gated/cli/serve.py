"""`gated serve`: the daemon."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gated.cli import options, teach
from gated.cli.check import line
from gated.cli.exits import Exit
from gated.daemon import settings as configuration
from gated.daemon.run import serve as run

_LISTEN = re.compile(r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535


class Listen(click.ParamType[tuple[str, int]]):
    """A host and a port; IPv6 in brackets."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Read it."""
        found = _LISTEN.fullmatch(str(value))
        if found is None or int(found["port"]) > _LAST_PORT:
            self.fail("write it as 127.0.0.1:9911 or [::1]:9911; port 0 takes any that is free", param, ctx)
        return found["ipv6"] or found["host"], int(found["port"])


@click.command(
    epilog=teach.epilog(
        examples=[
            "gated serve",
            "gated serve --config /etc/gated/gated.yaml",
            "gated serve --listen 127.0.0.1:9912",
        ],
        exits={
            "0": "stopped in good order",
            "1": "it could not start: faults in the configuration or the rules, the port\n"
            "is taken, the store cannot be opened",
            "2": "the command line cannot be used",
        },
    )
)
@options.config
@click.option("--listen", type=Listen(), help="Where to listen, instead of what the file says.")
@click.pass_context
def serve(ctx: click.Context, config: Path, listen: tuple[str, int] | None) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    SIGHUP loads the rule files again; on any fault the last good ones stay.
    """
    loaded = configuration.load(config)
    for fault in loaded.faults:
        click.echo(line(fault), err=True)
    if loaded.settings is None:
        ctx.exit(Exit.REFUSED)
    settings = loaded.settings
    if listen is not None:
        host, port = listen
        settings = replace(settings, listen_host=host, listen_port=port)
    ctx.exit(run(settings))
