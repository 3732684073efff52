"""Which routing keys a template can make."""

from __future__ import annotations

import pytest

from router.exchange.matcher import words_of
from router.exchange.routing_key import parse_routing_key
from router.language.key_language import key_language
from router.records.field_type import FieldType, Kind

FIELDS = {
    "status": FieldType(kind=Kind.ENUM, symbols=("paid", "shipped"), scalar=True),
    "maybe": FieldType(kind=Kind.ENUM, symbols=("yes", "no"), nullable=True, scalar=True),
    "flag": FieldType(kind=Kind.BOOLEAN, scalar=True),
    "dotted": FieldType(kind=Kind.ENUM, symbols=("a.b", "c%d"), scalar=True),
    "name": FieldType(kind=Kind.STRING, scalar=True),
}


def may_match(template: str | None, key: str, *, wildcards: bool = True) -> bool:
    """Say whether a binding key can match what the template makes."""
    parsed = None if template is None else parse_routing_key(template)
    return key_language(parsed, topic="order.v1", field_of=FIELDS.get).may_match(words_of(key), wildcards=wildcards)


@pytest.mark.parametrize(
    ("template", "key", "may"),
    [
        pytest.param(None, "what.ever", True, id="no template"),
        pytest.param("{name}.{status}", "*.paid", True, id="a symbol"),
        pytest.param("{name}.{status}", "*.payed", False, id="no symbol"),
        pytest.param("{name}.{status}", "payed.#", True, id="any text"),
        pytest.param("{name}.{status}", "#.payed", False, id="the last word behind a hash"),
        pytest.param("{name}.{status}", "#.payed.#", True, id="some word between hashes"),
        pytest.param("{status}.{flag}", "#.payed.#", False, id="no word between hashes"),
        pytest.param("{name}.{status}", "paid", False, id="too few words"),
        pytest.param("{name}.{status}", "a.paid.b", False, id="too many words"),
        pytest.param("{name}.{status}", "#.a.*.paid", False, id="too many words beside a hash"),
        pytest.param("{name}.{status}", "#", True, id="everything"),
        pytest.param("{flag}.x", "true.x", True, id="a boolean"),
        pytest.param("{flag}.x", "True.x", False, id="no boolean"),
        pytest.param("{flag}.x", "true.y", False, id="another literal"),
        pytest.param("{maybe}.x", ".x", True, id="null is the empty word"),
        pytest.param("{status}.x", ".x", False, id="what is never null is never empty"),
        pytest.param("{maybe}", "#", True, id="nothing at all"),
        pytest.param("{maybe}", "", True, id="the empty key"),
        pytest.param("{maybe}", "*", True, id="one word"),
        pytest.param("{maybe}", "#.*", True, id="at least one word"),
        pytest.param("{status}", "", False, id="never the empty key"),
        pytest.param("", "", True, id="a template of nothing"),
        pytest.param("", "*", False, id="which has no word"),
        pytest.param("{status|upper}", "PAID", True, id="a filter"),
        pytest.param("{status|upper}", "paid", False, id="against a filter"),
        pytest.param("{name|lower}", "abc", True, id="what a filter leaves"),
        pytest.param("{name|lower}", "ABC", False, id="what a filter never leaves"),
        pytest.param("{name|lower}", "a%2Eb", True, id="an escape is not filtered"),
        pytest.param("{name}", "a%2eb", False, id="no escape"),
        pytest.param("{name}", "100%", False, id="a percent sign is escaped"),
        pytest.param("{dotted}", "a%2Eb", True, id="a dot in a symbol"),
        pytest.param("{dotted}", "c%25d", True, id="a percent sign in a symbol"),
        pytest.param("{header:x}.{key}", "a.b", True, id="headers and keys"),
        pytest.param("{topic}", "order%2Ev1", True, id="the topic"),
        pytest.param("{topic}", "payment%2Ev1", False, id="another topic"),
        pytest.param("{status}-{flag}", "paid-true", True, id="two in one word"),
        pytest.param("{status}-{flag}", "paid-yes", False, id="not those two in one word"),
        pytest.param("{status}-{name}", "zzz", True, id="a word that is not reckoned with"),
        pytest.param("{unknown}", "zzz", True, id="a field that is not known"),
        pytest.param("{status}" * 10, "z", True, id="too many texts"),
    ],
)  # fmt: skip
def test_a_binding_key_may_match(template: str | None, key: str, *, may: bool) -> None:
    """Or never, as far as the schema says."""
    assert may_match(template, key) is may


@pytest.mark.parametrize(("key", "may"), [("paid.true", True), ("#", False), ("*.true", False), ("paid", False)])
def test_where_there_are_no_wildcards(key: str, *, may: bool) -> None:
    """A star is a word like any other in a direct exchange."""
    assert may_match("{status}.{flag}", key, wildcards=False) is may


def test_a_word_knows_its_placeholder() -> None:
    """By which it is named in findings."""
    template = parse_routing_key("{status}.{header:h}.{key}.a-{flag}")
    words = key_language(template, topic="t", field_of=FIELDS.get).words
    assert words is not None
    assert [word.part for word in words] == ["status", "header:h", "key", ""]
