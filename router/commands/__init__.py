"""The commands of `router`, one module each, loaded when they are called so that `router --help` is quick."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from importlib import import_module

import click
from click.shell_completion import CompletionItem

import router

__all__ = ["COMMANDS", "main"]

COMMANDS: Mapping[str, tuple[str, str]] = {
    "check": ("router.commands.check:check", "Check all route files and say everything that is wrong, at once."),
    "test": ("router.commands.test:test", "Run the teams' cases: which message goes where, without a broker."),
    "new-case": ("router.commands.new_case:command", "Write a case from a live record, with fields masked."),
    "explain": ("router.commands.explain:explain", "Say where one message goes, and why, and why not elsewhere."),
    "where": (
        "router.commands.where:where",
        "Try an expression as `where` has it: its type, its value, what it reads.",
    ),
    "import": (
        "router.commands.import_:import_",
        "Turn a RabbitMQ's definitions into a route file that decides the same.",
    ),
    "export": ("router.commands.export:export", "Turn routes into definitions that a RabbitMQ can import."),
    "topics": ("router.commands.topics:topics", "Say which topics must be created or differ, and create them."),
    "graph": ("router.commands.graph:graph", "Draw the routes: DOT, Mermaid, or SVG without Graphviz."),
    "trace": ("router.commands.trace:trace", "Show the way that a record has taken through the router."),
    "table": (
        "router.commands.table:table",
        "Look up what waits to be put in order: a key, what it waits for, until when.",
    ),
    "dead-letters": (
        "router.commands.dead_letters:dead_letters",
        "What was set aside: look at it by cause, send it again, change it, decide against it.",
    ),
    "parked": (
        "router.commands.parked:parked",
        "The keys that wait for their consumers: list them, let one flow, give up what parks it.",
    ),
    "offsets": (
        "router.commands.offsets:offsets",
        "Where a consumer group stands; skip one record for it, without a release.",
    ),
    "console": (
        "router.commands.console:console",
        "Serve the web view: what is wrong, what flows where and why, what waits.",
    ),
    "index": (
        "router.commands.index:index",
        "Keep an index of where the copies of each key and record lie, for the console.",
    ),
    "schemas": (
        "router.commands.schemas:schemas",
        "Ask whether schemas may change, what can read what, and how a record converts.",
    ),
    "replay": (
        "router.commands.replay:replay",
        "Send one consumer a stretch of its broad topic once more, by today's routes.",
    ),
    "migrate": (
        "router.commands.migrate:migrate",
        "Move a topic from one version of its schema to the next, phase by phase, with proof.",
    ),
    "schema": ("router.commands.schema:schema", "Print the JSON Schema of route files, for editors."),
    "completion": ("router.commands.completion:completion", "Print what lets a shell complete all this."),
    "broker": ("router.commands.broker:broker", "Run a real Apache Kafka to develop on."),
    "demo": ("router.commands.demo:demo", "Run the example shop on a Kafka of its own, and watch it."),
}
"""By name: where the command is, and its line in the list. The list is shown without loading any of them."""


class _Lazy(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- as above
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names from the table, since click would load every command to see whether it is hidden."""
        found = [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(router.__version__, prog_name="router")
def main() -> None:
    """RabbitMQ's exchanges for Kafka: copies each record of a broad topic into narrow topics, by declared routes.

    \b
    A team writes routes/<team>.yaml, and then:
      router check            is what it says right?
      router test             does it do what the team promised itself?
      router explain …        where does this one message go, and why?
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names in route files may have characters that a terminal lacks
            stream.reconfigure(errors="backslashreplace")
