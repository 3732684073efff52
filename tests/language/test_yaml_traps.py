"""YAML that is not what it looks like."""

from __future__ import annotations

import pytest

from router.exchange.model import Place
from router.language.findings import Kind
from router.language.yaml_traps import (
    alias_trap,
    boolean_trap,
    character_trap,
    comment_trap,
    comments_between,
    looks_like_binding_key,
    mapping_trap,
    place_in,
    quoted,
    tag_trap,
    word_at,
)

HERE = Place("t.yaml", 1, 1)


@pytest.mark.parametrize("comment", ["#.delivered", "#", "# ]", "#, x", "#]", "#}", "#.#"])
def test_a_comment_can_look_like_a_binding_key(comment: str) -> None:
    """It begins as one, or ends the list that it should be in."""
    assert looks_like_binding_key(comment)


@pytest.mark.parametrize("comment", ["# every key", "#every key", "## x", "#!shebang", "# .x"])
def test_an_ordinary_comment_is_none(comment: str) -> None:
    """Words behind the hash are a comment."""
    assert not looks_like_binding_key(comment)


@pytest.mark.parametrize(
    ("trap", "message"),
    [
        (comment_trap(HERE, "#.delivered]"), """'#.delivered' without quotes is a comment: quote it: "#.delivered\""""),
        (alias_trap(HERE, "*.paid"), """'*.paid' without quotes is an alias of YAML: quote it: "*.paid\""""),
        (tag_trap(HERE, "!has(x)"), """'!has(x)' without quotes is a tag of YAML: quote it: "!has(x)\""""),
    ],
)
def test_a_trap_says_what_to_paste(trap: object, message: str) -> None:
    """The suggestion is the text in quotes."""
    assert str(trap) == f"t.yaml:1:1 yaml-trap {message}"


@pytest.mark.parametrize("text", ["yes", "No", "ON", "off"])
def test_other_readers_booleans_are_traps(text: str) -> None:
    """YAML 1.1 took these for booleans, and many readers still do."""
    trap = boolean_trap(HERE, text)
    assert trap is not None
    assert trap.kind is Kind.YAML_TRAP


@pytest.mark.parametrize("text", ["y", "nO", "none", "true", ""])
def test_other_texts_are_not(text: str) -> None:
    """Only the spellings that readers know."""
    assert boolean_trap(HERE, text) is None


def test_a_template_without_quotes_is_told_at_its_brace() -> None:
    """The reader stumbles behind the first brace; a comment is not part of the template."""
    text = "a: {x}.{y}  # z\n"
    trap = mapping_trap(text, 6, file="t.yaml")
    assert trap is not None
    assert (trap.place.column, trap.suggestion) == (4, 'quote it: "{x}.{y}"')
    assert mapping_trap("a: {x}.y", 6, file="t.yaml") is not None


@pytest.mark.parametrize(("text", "index"), [("a: b", 3), ("", 0), ("}x", 1), ("{a: 1\n}x", 7)])
def test_any_other_stumble_is_no_template(text: str, index: int) -> None:
    """Without braces on the line in front of it there is nothing to tell."""
    assert mapping_trap(text, index, file="t.yaml") is None


@pytest.mark.parametrize("sign", ["%", "@", "`"])
def test_characters_that_yaml_keeps_are_traps(sign: str) -> None:
    """They cannot begin a value."""
    trap = character_trap(f"a: {sign}x", 3, file="t.yaml")
    assert trap is not None
    assert trap.suggestion == f'quote it: "{sign}x"'


def test_other_characters_are_no_traps() -> None:
    """Nor is the end of the text."""
    assert character_trap("a: x", 3, file="t.yaml") is None
    assert character_trap("a: x", 4, file="t.yaml") is None


def test_only_suspicious_comments_between_tokens_are_told() -> None:
    """The first ten: a file that has more repeats itself."""
    text = "[ # fine\n  #.x\n  #\n" + "#.y\n" * 20
    traps = list(comments_between(text, start=1, end=len(text), file="t.yaml"))
    assert [str(trap.place) for trap in traps[:2]] == ["t.yaml:2:3", "t.yaml:3:3"]
    assert len(traps) == 10


def test_places_count_from_one() -> None:
    """Lines and columns, in characters."""
    assert place_in("ab\ncd", 4, file="t.yaml") == Place("t.yaml", 2, 2)
    assert place_in("ab", 0, file="t.yaml") == Place("t.yaml", 1, 1)


def test_quotes_are_those_of_yaml() -> None:
    """Quotes and backslashes inside are escaped, and what is long is shortened."""
    assert quoted('a"\\') == '"a\\"\\\\"'
    assert len(quoted("x" * 1000)) < 70


def test_a_word_ends_at_a_blank_or_bracket() -> None:
    """And is never endless."""
    assert word_at("x *.paid, y", 2) == "*.paid"
    assert word_at("*" * 1000, 0) == "*" * 60
