"""What kept a binding from matching, in words."""

from __future__ import annotations

import pytest

from router.exchange.header_values import MISSING
from router.exchange.matcher import ConditionMiss, HeaderMiss, Miss, RingMiss, Shadowed, Why
from router.exchange.misses import in_words
from router.exchange.model import Binding, Destination, DestinationKind, Place

OTHER = Binding("x", None, Destination(DestinationKind.TOPIC, "t"), Place("bob.yaml", 7, 3), "bob")


@pytest.mark.parametrize(
    ("why", "text"),
    [
        pytest.param(Miss(None, "a.c", "a.b"), "the routing key is `a.c`; this binding wants `a.b`", id="key"),
        pytest.param(Miss(None, "", "a"), "the routing key is empty; this binding wants `a`", id="empty-key"),
        pytest.param(Miss(None, "a", ""), "the routing key is `a`; this binding wants it empty", id="key-to-be-empty"),
        pytest.param(
            Miss(1, "new", "paid"), "word 2 of the routing key is `new`; this binding wants `paid`", id="word"
        ),
        pytest.param(
            Miss(1, "", "paid"), "word 2 of the routing key is empty; this binding wants `paid`", id="empty-word"
        ),
        pytest.param(
            Miss(1, "new", ""), "word 2 of the routing key is `new`; this binding wants it empty", id="word-to-be-empty"
        ),
        pytest.param(
            Miss(1, "new", None), "word 2 of the routing key is `new`; this binding's key ends before it", id="too-long"
        ),
        pytest.param(
            Miss(2, "", "x"), "the routing key ends after word 2; this binding wants `x` next", id="too-short"
        ),
        pytest.param(
            Miss(2, "", ""),
            "the routing key ends after word 2; this binding wants an empty word next",
            id="a-dot-short",
        ),
        pytest.param(
            HeaderMiss("h", MISSING, "pdf", 0),
            "the header `h` is missing; this binding wants it pdf",
            id="header-missing",
        ),
        pytest.param(
            HeaderMiss("h", None, "pdf", 0), "the header `h` is null; this binding wants it pdf", id="header-null"
        ),
        pytest.param(
            HeaderMiss("h", "doc", "one of pdf, txt", 1),
            "the header `h` is `doc`; this binding wants it one of pdf, txt",
            id="header",
        ),
        pytest.param(
            HeaderMiss("", MISSING, "", 0),
            "it has no condition that counts, and `any` of none is never met",
            id="any-none",
        ),
        pytest.param(
            RingMiss(OTHER), "its share of the ring has other messages: this one belongs to topic 't'", id="ring"
        ),
        pytest.param(
            RingMiss(None), "its share of the ring has other messages: this one belongs to nobody", id="ring-of-nobody"
        ),
        pytest.param(ConditionMiss("amount > 5", failed=False), "`amount > 5` is false", id="where"),
        pytest.param(
            ConditionMiss("1 / n > 5", failed=True), "`1 / n > 5` cannot be evaluated on this record", id="where-failed"
        ),
        pytest.param(Shadowed(OTHER), "the exchange takes the first match only, which is bob.yaml:7", id="shadowed"),
    ],
)
def test_each_reason_is_a_sentence(why: Why, text: str) -> None:
    """What the message has, and what the binding wants."""
    assert in_words(why, words=2, part="") == text


def test_word_of_a_placeholder_is_named_by_it() -> None:
    """`status` says more than `word 2`; past the key's end there is no placeholder to name."""
    assert in_words(Miss(1, "new", "paid"), words=2, part="status") == "`status` is `new`; this binding wants `paid`"
    assert (
        in_words(Miss(1, "", "a"), words=1, part="status")
        == "the routing key ends after word 1; this binding wants `a` next"
    )


def test_empty_key_ends_before_its_first_word() -> None:
    """It has no words (rule 8)."""
    assert in_words(Miss(0, "", "a"), words=0, part="") == "the routing key is empty; this binding wants `a` next"


@pytest.mark.parametrize(
    ("also", "wanted"),
    [
        pytest.param(["b"], "`a` or `b`", id="two"),
        pytest.param(["b", "c", "a"], "`a`, `b` or `c`", id="each-once"),
        pytest.param([""], "`a` or it empty", id="nothing"),
        pytest.param([f"s{number}" for number in range(20)], "`s7`, `s8` or 11 others", id="no-end-of-them"),
    ],
)
def test_alternatives_are_told_together(also: list[str], wanted: str) -> None:
    """What other keys of the binding want at the same place."""
    assert in_words(Miss(1, "new", "a"), words=2, part="", also=also).endswith(wanted)
