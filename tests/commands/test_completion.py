"""`router completion` as it is typed, and as shells ask."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from router.commands import COMMANDS, main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str) -> None:
    """Which asks `router` itself."""
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_ROUTER_COMPLETE" in result.output
    assert "router" in result.output


def test_other_shells_are_refused() -> None:
    """With those that there are."""
    result = CliRunner().invoke(main, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.output


@pytest.mark.parametrize(
    ("typed", "incomplete", "offered"),
    [
        pytest.param([], "che", ["check"], id="command"),
        pytest.param([], "", list(COMMANDS), id="all-commands"),
        pytest.param(["graph"], "--upst", ["--upstream-of"], id="option"),
        pytest.param(["graph", "--collapse"], "", ["team", "subject"], id="choice"),
        pytest.param([], "--vers", ["--version"], id="own-option"),
    ],
)
def test_what_is_typed_is_completed(typed: list[str], incomplete: str, offered: list[str]) -> None:
    """Commands with their line."""
    complete = ShellComplete(main, {}, "router", "_ROUTER_COMPLETE")
    assert [item.value for item in complete.get_completions(typed, incomplete)] == offered


def test_completing_a_name_loads_no_command() -> None:
    """A key pressed is answered at once."""
    script = (
        "import sys; from click.shell_completion import ShellComplete; from router.commands import main\n"
        "ShellComplete(main, {}, 'router', '_X').get_completions([], 'c')\n"
        "print([m for m in sys.modules if m.startswith('router.commands.')])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
