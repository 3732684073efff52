"""The group of commands."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import click
import pytest
from click.testing import CliRunner

import router
from router.commands import COMMANDS, main


def test_help_lists_every_command() -> None:
    """Each in a line."""
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert main.list_commands(click.Context(main)) == list(COMMANDS)
    for name, (_, line) in COMMANDS.items():
        assert name in result.output
        assert line.split(":")[0][:40] in " ".join(result.output.split())


def test_help_loads_no_command() -> None:
    """So that it is there at once."""
    script = "import sys; from click.testing import CliRunner; from router.commands import main\n"
    script += "CliRunner().invoke(main, ['--help']); print([m for m in sys.modules if 'rich' in m or 'faust' in m])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_has_help(name: str) -> None:
    """Which is loaded when it is asked for."""
    assert find_spec(COMMANDS[name][0].split(":")[0]) is not None
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"main {name}" in result.output


def test_an_unknown_command_is_refused() -> None:
    """With the exit status of a wrong call."""
    result = CliRunner().invoke(main, ["chek"])
    assert result.exit_code == 2
    assert "No such command 'chek'" in result.output


def test_the_version_is_told() -> None:
    """The package's own."""
    assert router.__version__ in CliRunner().invoke(main, ["--version"]).output
