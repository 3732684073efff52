"""Where a character of a text stands in the file, whatever YAML has done to the text on the way."""

from __future__ import annotations

import pytest

from router.exchange.model import Place
from router.language.nodes import MappingNode, ScalarNode
from router.language.text_places import place_inside
from router.language.yaml_text import parse_yaml

TEXTS = [
    pytest.param("k: |\n  a > b\n    && c\n  || d\n", id="a literal block"),
    pytest.param("k: |2-  # why\n    a\n  b\n\n  c\n", id="a literal block with an indicator and a comment"),
    pytest.param("k: >\n  a ==\n  'b'\n\n  c\n   d\n", id="a folded block"),
    pytest.param("k: >+\n\n  a\n\n\n  b\n", id="a folded block with empty lines"),
    pytest.param("k: 'it''s\n   two   lines'\n", id="single quotes"),
    pytest.param('k: "a\n\n  b  c"\n', id="double quotes over lines"),
    pytest.param("k: a b\n   c\n  d\n", id="plain over lines"),
    pytest.param("{k: a\n  b, l: c}\n", id="plain in braces"),
]


def scalar(text: str) -> ScalarNode:
    """Return what stands under k."""
    root, _ = parse_yaml(text, file="f")
    assert isinstance(root, MappingNode)
    item = root.get("k")
    assert item is not None
    assert isinstance(item.node, ScalarNode)
    return item.node


@pytest.mark.parametrize("text", TEXTS)
def test_each_character_is_found_where_it_stands(text: str) -> None:
    """White space may have become other white space; everything else is there."""
    node = scalar(text)
    lines = text.split("\n")
    assert node.raw
    for index, character in enumerate(node.text):
        if not character.isspace():
            place = place_inside(node.raw, node.text, index, at=node.place)
            assert lines[place.line - 1][place.column - 1] == character


@pytest.mark.parametrize(
    ("text", "position", "place"),
    [
        pytest.param(r'k: "a\"b"', 1, (1, 6), id="at an escape"),
        pytest.param(r'k: "a\"b"', 2, (1, 8), id="behind an escaped quote"),
        pytest.param(r'k: "\x41\u00e9\U0001F600z"', 3, (1, 25), id="behind escapes by number"),
        pytest.param('k: "a \\\n   b"', 2, (2, 4), id="behind a line that continues"),
        pytest.param(r'k: "a\tb"', 2, (1, 8), id="behind an escape that is white space"),
        pytest.param("k: |\n  ab\n", 2, (2, 5), id="at the end of a line"),
        pytest.param("k: |\n  ab\n", 3, (3, 1), id="at the end"),
    ],
)
def test_escapes_and_ends_have_a_place_too(text: str, position: int, place: tuple[int, int]) -> None:
    """An escape's is that of its backslash."""
    node = scalar(text)
    found = place_inside(node.raw, node.text, position, at=node.place)
    assert (found.line, found.column) == place


def test_a_text_that_is_no_more_what_the_file_says_has_some_place() -> None:
    """However little the two have in common."""
    assert place_inside("'", "abc", 2, at=Place("f", 3, 5)) == Place("f", 3, 6)
