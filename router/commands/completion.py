"""`router completion`: what a shell runs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options and files.

    \b
        eval "$(router completion bash)"                                   in ~/.bashrc
        eval "$(router completion zsh)"                                    in ~/.zshrc
        router completion fish > ~/.config/fish/completions/router.fish
    """
    found = get_completion_class(shell)
    assert found is not None, shell
    root = context.find_root()
    click.echo(found(root.command, {}, "router", "_ROUTER_COMPLETE").source())
