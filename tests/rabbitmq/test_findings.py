"""Findings of an import or export."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.rabbitmq.findings import LEVELS, Finding, Kind, Level, found

PAGE = Path(__file__).parents[2] / "docs" / "rabbitmq.md"


def test_a_finding_is_one_line_with_its_object_and_a_way_out() -> None:
    """Whatever names a file comes up with, the line stays a line."""
    finding = found(Kind.RENAMED, what="queue", name="a\nb", message="x" * 700, suggestion="y")
    assert str(finding) == f"queue 'a\\nb' renamed {'x' * 600}...: y"
    assert str(Finding(Level.ERROR, Kind.RENAMED, "queue", "q", "m")) == "queue 'q' renamed m"


def test_a_finding_is_plain_data_for_programs() -> None:
    """The level and the kind are texts to match on."""
    finding = found(Kind.CONDITION, what="binding", name="a → topic b", message="m")
    assert finding.to_json() == {
        "level": "error",
        "kind": "condition",
        "object": "binding",
        "name": "a → topic b",
        "message": "m",
        "suggestion": "",
    }


def test_every_kind_has_a_level() -> None:
    """An error where something could not be taken over at all."""
    assert LEVELS.keys() == set(Kind)
    assert LEVELS[Kind.UNSUPPORTED_EXCHANGE] is Level.ERROR
    assert LEVELS[Kind.QUEUE_ARGUMENT] is Level.WARNING


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_explained(kind: Kind) -> None:
    """The page of docs has a row for each, with its level."""
    assert f"| `{kind}` | {LEVELS[kind]} |" in PAGE.read_text(encoding="utf-8")
