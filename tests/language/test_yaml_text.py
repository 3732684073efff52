"""YAML to a tree with places, and what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.language import brief

from router.language.nodes import ScalarNode, node_at, plain
from router.language.yaml_text import DEEPEST, LARGEST, parse_yaml

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

GOOD = [
    pytest.param("a: [x, 'y', \"z\"]\n", {"a": ["x", "y", "z"]}, id="quotes"),
    pytest.param(
        "a: 1\nb: -2\nc: 017\nd: 0x1F\ne: 0o17\n", {"a": 1, "b": -2, "c": 17, "d": 31, "e": 15}, id="integers"
    ),
    pytest.param(
        "a: 1.5\nb: .5\nc: 1e3\nd: -.inf\n", {"a": 1.5, "b": 0.5, "c": 1000.0, "d": float("-inf")}, id="floats"
    ),
    pytest.param(
        "a: true\nb: False\nc: ~\nd: null\ne:\n", {"a": True, "b": False, "c": None, "d": None, "e": None}, id="words"
    ),
    pytest.param("a: 2026-01-01\nb: 1_000\nc: 12:30\n", {"a": "2026-01-01", "b": "1_000", "c": "12:30"}, id="texts"),
    pytest.param("a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}, id="blocks"),
    pytest.param("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}, id="an alias that has an anchor"),
    pytest.param("a: !!str 5\n", {"a": "5"}, id="the standard tag of texts"),
    pytest.param("\ufeffa: 1\n", {"a": 1}, id="a byte order mark"),
    pytest.param("a: [x, # why\n  y]\n# z\n", {"a": ["x", "y"]}, id="ordinary comments"),
    pytest.param("# yaml-language-server: $schema=x\na: 1 # b\r\nc: 2\r\n", {"a": 1, "c": 2}, id="other line ends"),
    pytest.param("1: a\ntrue: b\nno: c\n", {"1": "a", "true": "b", "no": "c"}, id="keys are texts"),
    pytest.param("%YAML 1.1\n---\na: 1\n...\n", {"a": 1}, id="a directive"),
    pytest.param("a: '#.x'\nb: \"*.y\"\n", {"a": "#.x", "b": "*.y"}, id="quoted keys are no traps"),
    pytest.param("- a\n", ["a"], id="a list"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_yaml_is_read_by_its_core_schema(text: str, expected: object) -> None:
    """Numbers, booleans and null are what YAML 1.2 says; everything else is text."""
    node, findings = parse_yaml(text, file="t.yaml")
    assert findings == ()
    assert node is not None
    assert plain(node) == expected


def test_not_a_number_is_a_number() -> None:
    """And differs from itself, so it has a test of its own."""
    node, _ = parse_yaml(".nan\n", file="t.yaml")
    assert isinstance(node, ScalarNode)
    assert node.value != node.value  # that is what makes it one


FAULTY = [
    pytest.param(
        "a: [*.paid, #.delivered]\nb: 1\n", [("yaml-trap", 1, 5), ("yaml-trap", 1, 13)], id="both in brackets"
    ),
    pytest.param("a: [#.paid]\n", [("yaml-trap", 1, 5)], id="a comment that swallows the bracket"),
    pytest.param("a: [x, #\n  ]\n", [("yaml-trap", 1, 8)], id="a lone hash in brackets"),
    pytest.param("a: [x #.paid\n]\n", [("yaml-trap", 1, 7)], id="a comment that is silently dropped"),
    pytest.param("a: [x, #.paid\n  @]\n", [("yaml-trap", 1, 8), ("yaml-trap", 2, 3)], id="a comment and then a fault"),
    pytest.param("a: x #.paid\n", [("yaml-trap", 1, 6)], id="a comment behind a text"),
    pytest.param("a: *.paid\nb: *\n", [("yaml-trap", 1, 4), ("yaml-trap", 2, 4)], id="aliases"),
    pytest.param("*a : 1\n", [("yaml-trap", 1, 1)], id="an alias as a key"),
    pytest.param("a: !has(x)\nb: !x {c: 1}\n", [("yaml-trap", 1, 4), ("yaml-trap", 2, 4)], id="tags"),
    pytest.param("a: !<\n", [("yaml-trap", 1, 4)], id="half a tag"),
    pytest.param("a: {country}.{status}\n", [("yaml-trap", 1, 4)], id="a template"),
    pytest.param("a: %x\n", [("yaml-trap", 1, 4)], id="a percent sign"),
    pytest.param("a: no\nb: [Yes]\n", [("yaml-trap", 1, 4), ("yaml-trap", 2, 5)], id="booleans of others"),
    pytest.param("a: {x: 1, x: 2}\n", [("duplicate-key", 1, 11)], id="a key twice"),
    pytest.param("\ta: 1\n", [("yaml-syntax", 1, 1)], id="a tab"),
    pytest.param("a: \x00\n", [("yaml-syntax", 1, 4)], id="a control character"),
    pytest.param("a: 'b\n", [("yaml-syntax", 2, 1)], id="an open quote"),
    pytest.param("a: 1\n---\nb: 2\n", [("yaml-syntax", 2, 1)], id="two documents"),
    pytest.param("? [a]\n: b\n", [("yaml-syntax", 1, 3)], id="a list as a key"),
    pytest.param("<<: {a: 1}\n", [("yaml-syntax", 1, 1)], id="a merge key"),
    pytest.param('a: "\\ud83d"\n', [("yaml-syntax", 1, 4)], id="half a character"),
    pytest.param("a: !%ff x\n", [("yaml-trap", 1, 4)], id="a tag that is no UTF-8"),
    pytest.param("", [("empty-file", 1, 1)], id="nothing"),
    pytest.param("# a\n---\n", [], id="an empty document is null"),
    pytest.param("# a\n", [("empty-file", 1, 1)], id="comments only"),
    pytest.param("a:\n  b: \udcff\n", [("not-utf-8", 2, 6)], id="not UTF-8"),
    pytest.param("#" * (LARGEST + 1), [("too-large", 1, 1)], id="too many bytes"),
    pytest.param("é" * (LARGEST // 2 + 1), [("too-large", 1, 1)], id="too many bytes of few characters"),
    pytest.param("[" * 20_000, [("too-deep", 1, DEEPEST + 1)], id="brackets without end"),
    pytest.param("- " * 1000, [("too-deep", 1, 2 * DEEPEST + 1)], id="hyphens without end"),
    pytest.param("a: &a [[[[[x]]]]]\n" + "[" * 48 + "*a", [("yaml-syntax", 2, 1)], id="not a mapping any more"),
    pytest.param("a: &a [[[[[x]]]]]\nb: " + "[" * 46 + "*a", [("too-deep", 2, 50)], id="too deep by an alias"),
    pytest.param(BOMB, [("too-large", 5, 44)], id="aliases of aliases"),
    pytest.param("a: &x [*x]\n", [("too-large", 1, 8)], id="an alias of itself"),
]


@pytest.mark.parametrize(("text", "expected"), FAULTY)
def test_what_is_wrong_with_it_is_found_at_its_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    """By kind, line and column."""
    _, findings = parse_yaml(text, file="t.yaml")
    assert brief(findings) == expected


def test_a_trap_that_can_be_survived_keeps_the_rest() -> None:
    """The text that was meant stands for itself, so that what depends on it is checked, too."""
    node, findings = parse_yaml("a: [*.paid, !x ]\nb: {c: 1, c: 2}\nd: no\n", file="t.yaml")
    assert node is not None
    assert plain(node) == {"a": ["*.paid", "!x"], "b": {"c": 1}, "d": "no"}
    assert len(findings) == 4


def test_a_file_of_traps_is_told_some_of_them() -> None:
    """One that has more than twenty repeats itself."""
    _, findings = parse_yaml("a: [" + "x, #.y\n" * 100 + "]\n", file="t.yaml")
    assert len([finding for finding in findings if finding.place.column == findings[0].place.column]) < 100


def test_a_reader_that_raises_something_else_is_survived() -> None:
    """A character beyond Unicode makes it raise an error without a place: the file's first line stands for it."""
    _, findings = parse_yaml('a: "\\U99999999"', file="t.yaml")
    assert brief(findings) == [("yaml-syntax", 1, 1)]
    for text in ["a: " + "9" * 5000, "%TAG ! tag:\n---\n!x", "%YAML 9999999999.1\n---\na: 1"]:
        parse_yaml(text, file="t.yaml")


def test_a_text_knows_where_it_begins() -> None:
    """So that a fault inside it has a column: behind the quote, or unknown where escapes shift it."""
    node, _ = parse_yaml("a: 'xy'\nb: xy\nc: \"x\\ty\"\nd: |\n  xy\n", file="t.yaml")
    assert node is not None
    columns = {}
    for key in "abcd":
        scalar = node_at(node, (key,))
        assert isinstance(scalar, ScalarNode)
        columns[key] = scalar.text_column
    assert columns == {"a": 5, "b": 4, "c": 0, "d": 0}


def test_hostile_texts_end_soon() -> None:
    """What is endless is given up; the run's own limit on a test would tell if it were not."""
    for text in ["{a: " * 50_000, "? " * 50_000, "[#.\n" + "#.\n" * 5_000, "!" * 125_000, "&a " * 25_000]:
        _, findings = parse_yaml(text, file="t.yaml")
        assert findings


@given(st.text(alphabet="ab:-[]{}#*&!|>'\"%@`,.? \n\t\\~<1\ud800é", max_size=60))
def test_no_text_makes_it_fall_over(text: str) -> None:
    """A tree, findings, or both; never an error, and never neither."""
    node, findings = parse_yaml(text, file="t.yaml")
    assert node is not None or findings
    assert all(str(finding).isprintable() for finding in findings)
