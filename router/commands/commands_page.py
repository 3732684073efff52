"""docs/commands.md: all commands on one page, made from their own help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from router.commands import COMMANDS, main

__all__ = ["commands_page"]

_WIDTH = 100
"""Of help texts, whatever terminal they are made on."""
_COMPLETION = """\
Completion of commands, options and files: `eval "$(router completion bash)"` in `~/.bashrc` (zsh: the same in `~/.zshrc`;
fish: `router completion fish > ~/.config/fish/completions/router.fish`)."""


def commands_page() -> str:
    """Every command with its help, in Markdown."""
    return "\n".join(_command_lines()) + "\n"


def _command_lines() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "<!-- This page is generated from the commands' own help: `make docs`. -->"
    yield ""
    yield "What `router` can do. Every command says the same with `--help`."
    yield ""
    yield _COMPLETION
    yield ""
    yield from ("| command | |", "|---|---|")
    yield from (f"| [`{name}`](#router-{name}) | {line} |" for name, (_, line) in COMMANDS.items())
    root = _context(main, "router", None)
    for name in COMMANDS:
        command = main.get_command(root, name)
        assert command is not None
        yield from _help_lines(_context(command, name, root))


def _help_lines(context: click.Context) -> Iterator[str]:
    yield from ("", f"## {context.command_path}", "", "```text")
    yield from (line.rstrip() for line in context.get_help().splitlines())
    yield "```"
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _help_lines(_context(command, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH)
