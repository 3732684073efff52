"""What each kind of finding means."""

from __future__ import annotations

import pytest

from router.exchange.model import Place
from router.language.findings import Kind, Level
from router.language.kinds import DESCRIPTIONS, found

HERE = Place("a.yaml", 1, 1)


def test_every_kind_is_described_in_the_order_of_the_kinds() -> None:
    """So that docs/findings.md has them all."""
    assert list(DESCRIPTIONS) == list(Kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_description_is_a_line_and_a_paragraph(kind: Kind) -> None:
    """Sentences, in plain words."""
    description = DESCRIPTIONS[kind]
    assert description.meaning.endswith(".")
    assert len(description.meaning) < 100
    assert description.explanation.rstrip("`").endswith(".")
    assert "\n" not in description.explanation


def test_a_finding_has_the_level_of_its_kind() -> None:
    """An error or a warning is a matter of kind, not of place."""
    assert found(Kind.UNUSED_EXCHANGE, HERE, "m").level is Level.WARNING
    assert found(Kind.YAML_TRAP, HERE, "m").level is Level.ERROR


def test_a_message_is_one_printable_line() -> None:
    """Names may hold anything; a terminal and a log must not."""
    finding = found(Kind.YAML_TRAP, HERE, "a\nb\x1b[31m", "c\td" + "x" * 1000)
    assert finding.message == "a\\nb\\x1b[31m"
    assert len(finding.suggestion) < 700
    assert str(finding).isprintable()
