"""Templates of routing keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.routing_key import (
    MalformedRoutingKey,
    Placeholder,
    PlaceholderKind,
    escape_word,
    parse_routing_key,
)

FIELD, HEADER, KEY, TOPIC = PlaceholderKind


def rendered(template: str, **values: str) -> str:
    """The routing key that a template makes of these values, by field or header name, or `key` and `topic`."""
    return parse_routing_key(template).render(lambda each: values[each.name or each.kind.value])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", (), id="empty"),
        pytest.param("order.paid", ("order.paid",), id="no-placeholder"),
        pytest.param("{country}", (Placeholder(FIELD, "country", 0),), id="field"),
        pytest.param(
            "{country}.{status}", (Placeholder(FIELD, "country", 0), ".", Placeholder(FIELD, "status", 10)), id="two"
        ),
        pytest.param("{customer.tier}", (Placeholder(FIELD, "customer.tier", 0),), id="nested-field"),
        pytest.param("v.{_a1}", ("v.", Placeholder(FIELD, "_a1", 2)), id="digits-and-underscores"),
        pytest.param("{header:region}", (Placeholder(HEADER, "region", 0),), id="header"),
        pytest.param("{header:x-a:b.c}", (Placeholder(HEADER, "x-a:b.c", 0),), id="any-header-name"),
        pytest.param("{key}", (Placeholder(KEY, "", 0),), id="key"),
        pytest.param("{topic}", (Placeholder(TOPIC, "", 0),), id="topic"),
        pytest.param("{record.key}", (Placeholder(FIELD, "key", 0),), id="a-field-named-key"),
        pytest.param("{record.topic}", (Placeholder(FIELD, "topic", 0),), id="a-field-named-topic"),
        pytest.param("{record.id}", (Placeholder(FIELD, "record.id", 0),), id="a-field-named-record"),
        pytest.param("{header}", (Placeholder(FIELD, "header", 0),), id="a-field-named-header"),
        pytest.param("{{a}}", ("{a}",), id="braces-of-their-own"),
        pytest.param("{{{a}}}", ("{", Placeholder(FIELD, "a", 2), "}"), id="placeholder-in-braces"),
        pytest.param("{a}{b}", (Placeholder(FIELD, "a", 0), Placeholder(FIELD, "b", 3)), id="one-word-of-two"),
        pytest.param("a{{}}b.c", ("a{}b.c",), id="literals-are-merged"),
    ],
)
def test_template_is_texts_and_placeholders(text: str, parts: tuple[str | Placeholder, ...]) -> None:
    """What stands in braces is a placeholder, with the position of its brace; the rest is text."""
    parsed = parse_routing_key(text)
    assert parsed.parts == parts
    assert parsed.text == text
    assert parsed.placeholders == tuple(part for part in parts if isinstance(part, Placeholder))


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        pytest.param("a.{b", 2, "'{' is never closed", id="never-closed"),
        pytest.param("{a}.{", 4, "'{' is never closed", id="closed-before"),
        pytest.param("a}.b", 1, "'}' closes nothing: write '}}' for a brace of its own", id="never-opened"),
        pytest.param("{}", 0, "'{}' is not a field's path: letters, digits and '_', nested with dots", id="no-name"),
        pytest.param(
            "a.{b c}", 2, "'{b c}' is not a field's path: letters, digits and '_', nested with dots", id="space"
        ),
        pytest.param(
            "{a..b}", 0, "'{a..b}' is not a field's path: letters, digits and '_', nested with dots", id="empty-part"
        ),
        pytest.param("{1a}", 0, "'{1a}' is not a field's path: letters, digits and '_', nested with dots", id="digit"),
        pytest.param(
            "{a{b}", 0, "'{a{b}' is not a field's path: letters, digits and '_', nested with dots", id="brace"
        ),
        pytest.param("{header:}", 0, "'{header:}' names no header", id="no-header"),
        pytest.param("x{headers:a}", 1, "'headers:' is not known: only '{header:NAME}' is", id="unknown-kind"),
    ],
)
def test_fault_has_its_position(text: str, position: int, problem: str) -> None:
    """A finding points at the brace."""
    with pytest.raises(MalformedRoutingKey) as caught:
        parse_routing_key(text)
    assert (caught.value.position, str(caught.value)) == (position, problem)


@given(st.text("{}ab.:", max_size=12))
def test_every_text_parses_or_has_a_fault_inside(text: str) -> None:
    """No text ends in another exception, and the position is one of the text's."""
    try:
        opening = [each.position for each in parse_routing_key(text).placeholders]
    except MalformedRoutingKey as fault:
        opening = [fault.position]
    assert all(text[position] in "{}" for position in opening)


def test_placeholders_become_their_values() -> None:
    """Each in its place, as often as it is named."""
    assert rendered("{country}.{status}.{country}", country="RU", status="paid") == "RU.paid.RU"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param("a.b", "a%2Eb", id="dot"),
        pytest.param("50%", "50%25", id="percent"),
        pytest.param("a%2Eb", "a%252Eb", id="what-looks-escaped"),
        pytest.param("", "", id="null-is-the-empty-word"),
        pytest.param("*", "*", id="star-is-plain"),
        pytest.param("{b}", "{b}", id="braces-are-plain"),
    ],
)
def test_value_is_one_word(value: str, word: str) -> None:
    """A dot inside a value separates no words."""
    assert rendered("{a}", a=value) == word
    assert rendered("x.{a}.y", a=value) == f"x.{word}.y"


@pytest.mark.parametrize(
    ("template", "key"),
    [
        pytest.param("{header:region}", "eu%2E1", id="header"),
        pytest.param("{key}", "ord%2E1", id="key"),
        pytest.param("{topic}", "order%2Estatus%2Ev1", id="topic"),
        pytest.param("{{{key}}}", "{ord%2E1}", id="between-braces"),
    ],
)
def test_dots_are_escaped_wherever_a_value_comes_from(template: str, key: str) -> None:
    """A header, the key and the topic are values like a field's."""
    assert rendered(template, region="eu.1", key="ord.1", topic="order.status.v1") == key


@given(st.text(".%2E5a", max_size=6), st.text(".%2E5a", max_size=6))
def test_different_values_stay_different(one: str, other: str) -> None:
    """Escaping loses nothing, so that no two values share a binding key by accident."""
    assert (escape_word(one) == escape_word(other)) is (one == other)
    assert "." not in escape_word(one)


class TestFilters:
    """`{country|lower}`: what a template does to a value before it becomes a word."""

    @pytest.mark.parametrize(
        ("template", "value", "key"),
        [
            pytest.param("{country|lower}", "RU", "ru", id="lower"),
            pytest.param("{country|upper}", "ru", "RU", id="upper"),
            pytest.param("{country|trim}", "  RU ", "RU", id="trim"),
            pytest.param("{country|trim|lower}.x", " R.U ", "r%2Eu.x", id="left-to-right-and-then-escaped"),
            pytest.param("{header:Kind|lower}", "PDF", "pdf", id="of-a-header"),
            pytest.param("{key|upper}", "k", "K", id="of-the-key"),
        ],
    )
    def test_filters_change_the_value_before_it_is_escaped(self, template: str, value: str, key: str) -> None:
        """Each filter works on the text that the one before it left."""
        assert parse_routing_key(template).render(lambda _: value) == key

    def test_unknown_filter_is_refused_with_those_that_there_are(self) -> None:
        """The message is the way out."""
        with pytest.raises(MalformedRoutingKey) as caught:
            parse_routing_key("a.{country|lowr}")
        assert caught.value.position == 2
        assert str(caught.value) == "'lowr' is no filter: there are lower, upper, trim"
