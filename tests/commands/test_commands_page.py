"""The page of all commands."""

from __future__ import annotations

import pytest

from router.commands import COMMANDS
from router.commands.commands_page import commands_page


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_stands_on_the_page_with_its_help(name: str) -> None:
    """Under a heading that the list leads to."""
    page = commands_page()
    assert f"[`{name}`](#router-{name})" in page
    assert f"\n## router {name}\n\n```text\nUsage: router {name} " in page


def test_options_and_the_commands_of_a_group_are_there() -> None:
    """As `--help` has them."""
    page = commands_page()
    assert "--collapse [team|subject]" in page
    assert "\n## router import rabbitmq\n" in page
    assert 'eval "$(router completion bash)"' in page


def test_the_terminal_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is the same wherever it is made."""
    page = commands_page()
    monkeypatch.setenv("COLUMNS", "40")
    assert commands_page() == page
