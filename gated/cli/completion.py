"""`gated completion`: the script that makes a shell complete gated's commands."""

import click
from click.shell_completion import get_completion_class

from gated.cli import teach


@click.command(
    epilog=teach.epilog(
        examples=[
            "gated completion bash > ~/.local/share/bash-completion/completions/gated",
            'gated completion zsh > "${fpath[1]}/_gated"',
            "gated completion fish > ~/.config/fish/completions/gated.fish",
        ],
        exits={"0": "done", "2": "the command line cannot be used"},
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete gated's commands.

    Besides commands and options it completes releases, stages and plans, from the daemon at GATED_URL if it answers at
    once.
    """
    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"this version of click knows no completion for {shell}")
    click.echo(maker(ctx.find_root().command, {}, "gated", "_GATED_COMPLETE").source())
