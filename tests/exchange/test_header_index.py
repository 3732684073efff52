"""The index of headers bindings: what it finds at once, what it leaves to be checked, and that it does not grow."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from router.exchange.bit_sets import members
from router.exchange.header_index import _REMEMBERED, HeaderIndex
from router.exchange.header_values import HeaderTest, Operator, text_token
from router.exchange.model import HeaderCondition, HeadersMatch, XMatch


def equal(**wanted: str) -> tuple[HeaderCondition, ...]:
    """Headers that must equal these texts."""
    return tuple(HeaderCondition(name, HeaderTest(Operator.EQUALS, value)) for name, value in wanted.items())


def present(*names: str) -> tuple[HeaderCondition, ...]:
    """Headers that must be there."""
    return tuple(HeaderCondition(name, HeaderTest(Operator.PRESENT)) for name in names)


def asked(name: str) -> tuple[HeaderCondition, ...]:
    """A header of which something else is asked, that no index knows."""
    return (HeaderCondition(name, HeaderTest(Operator.PREFIX, "1")),)


def index(*matches: HeadersMatch) -> HeaderIndex:
    """Of headers without a type."""
    return HeaderIndex(matches, token_of=text_token)


def looked_up(index: HeaderIndex, tokens: Mapping[str, Hashable]) -> tuple[set[int], set[int]]:
    """The bindings that take a message, and those that may."""
    found, candidates = index.look_up(tokens)
    return set(members(found)), set(members(candidates))


def every(*conditions: HeaderCondition) -> HeadersMatch:
    """All of them."""
    return HeadersMatch(XMatch.ALL, conditions)


def any_of(*conditions: HeaderCondition) -> HeadersMatch:
    """One of them."""
    return HeadersMatch(XMatch.ANY, conditions)


def test_equality_and_presence_are_found_without_a_check() -> None:
    """Alone and together, for all and for any."""
    found = index(
        every(*equal(a="1")),
        every(*equal(a="1", b="2")),
        every(*equal(b="2"), *present("a")),
        every(*present("a", "b")),
        every(),
        any_of(*equal(a="1", b="3")),
        any_of(*present("b", "c")),
        every(*equal(a="2")),
        any_of(),
    )
    assert looked_up(found, {"a": "1", "b": "2"}) == ({0, 1, 2, 3, 4, 5, 6}, set())
    assert looked_up(found, {"a": "1"}) == ({0, 4, 5}, set())
    assert looked_up(found, {"c": None}) == ({4, 6}, set())
    assert looked_up(found, {}) == ({4}, set())


def test_other_conditions_are_left_to_be_checked() -> None:
    """Only where the conditions that the index knows are met; those without any always."""
    left = index(
        every(*equal(a="1"), *asked("b")),
        every(*present("a"), *asked("b")),
        every(*asked("b")),
        any_of(*equal(a="1"), *asked("b")),
        any_of(*asked("c")),
    )
    assert looked_up(left, {"a": "1"}) == (set(), {0, 1, 2, 3, 4})
    assert looked_up(left, {"a": "2"}) == (set(), {1, 2, 3, 4})
    assert looked_up(left, {}) == (set(), {2, 3, 4})


def test_two_values_for_one_name_are_left_to_be_checked() -> None:
    """No message can meet both, which is not the index's affair."""
    assert looked_up(index(every(*equal(a="1"), *equal(a="2"))), {"a": "1"}) == (set(), {0})


def test_value_that_is_null_is_found_by_null() -> None:
    """A text does not find it, and it finds no text."""
    null = index(every(HeaderCondition("a", HeaderTest(Operator.EQUALS, None))), every(*equal(a="null")))
    assert looked_up(null, {"a": None}) == ({0}, set())
    assert looked_up(null, {"a": "null"}) == ({1}, set())


def test_looking_up_changes_nothing() -> None:
    """What a message has that no binding names leaves no trace, and a candidate is not handed out twice."""
    kept = index(every(*equal(a="1"), *asked("b")), any_of(*equal(a="1")))
    for _ in range(3):
        assert looked_up(kept, {"a": "1", "z": "9"}) == ({1}, {0})
    assert set(kept._headers) == {"a"}


def test_names_that_are_remembered_are_bounded() -> None:
    """Producers may invent names without end."""
    many = index(every(*equal(a="1")))
    for number in range(2 * _REMEMBERED + 3):
        tokens: dict[str, Hashable] = {"a": "1", f"h{number}": "2"}
        assert looked_up(many, tokens) == ({0}, set())
    assert len(many._names) <= _REMEMBERED


def test_order_of_names_plays_no_part() -> None:
    """It is remembered by their order, and means the same in each."""
    found = index(every(*equal(a="1", b="2")), any_of(*equal(b="2")), any_of(*present("c")))
    assert looked_up(found, {"a": "1", "b": "2"}) == ({0, 1}, set())
    assert looked_up(found, {"b": "2", "a": "1"}) == ({0, 1}, set())
    assert looked_up(found, {"b": "1", "c": "2", "a": "2"}) == ({2}, set())
