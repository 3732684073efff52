"""What commands about routes share."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from rich.console import Console

from router.commands.routes import console, counted, finding_json, levels, read_texts, show_findings
from router.exchange.model import Place
from router.language.findings import Kind
from router.language.kinds import found

ERROR = found(Kind.UNKNOWN_EXCHANGE, Place("a.yaml", 1, 2), "unknown exchange '[x]'", "did you mean 'y'?")
WARNING = found(Kind.UNUSED_EXCHANGE, Place("a.yaml", 3, 4), "nothing is bound to exchange 'z'")


def test_a_finding_is_shown_as_it_is() -> None:
    """One line, not wrapped, and what looks like markup is text."""
    out = Console(width=20, soft_wrap=True, highlight=False, markup=False, emoji=False)
    with out.capture() as captured:
        show_findings([ERROR, WARNING], on=out)
    assert captured.get() == f"{ERROR}\n{WARNING}\n"


def test_colours_are_for_terminals() -> None:
    """Elsewhere there are none."""
    assert not console().is_terminal or console().color_system
    out = Console(force_terminal=True, color_system="standard", width=200)
    with out.capture() as captured:
        show_findings([ERROR], on=out)
    assert "\x1b[1;31munknown-exchange\x1b[0m" in captured.get()


def test_a_finding_is_plain_data() -> None:
    """With its parts apart."""
    assert finding_json(ERROR) == {
        "file": "a.yaml",
        "line": 1,
        "column": 2,
        "level": "error",
        "kind": "unknown-exchange",
        "message": "unknown exchange '[x]'",
        "suggestion": "did you mean 'y'?",
    }


def test_findings_are_counted_by_level() -> None:
    """What there is none of is not mentioned."""
    assert levels([ERROR, ERROR, WARNING]) == "2 errors, 1 warning"
    assert levels([WARNING]) == "1 warning"
    assert levels([]) == ""
    assert [counted(1, "topic"), counted(0, "topic")] == ["1 topic", "0 topics"]


def test_a_schema_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """As a wrong call: nothing was checked."""
    (tmp_path / "schemas" / "a").mkdir(parents=True)
    (tmp_path / "routes").mkdir()
    (tmp_path / "schemas" / "a" / "v1.avsc").symlink_to(tmp_path / "gone")
    with pytest.raises(click.UsageError, match=r"v1\.avsc"):
        read_texts(tmp_path / "routes", tmp_path / "schemas")
