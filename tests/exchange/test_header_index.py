"""The index of headers bindings: what it finds at once, what it leaves to be checked, and that it does not grow."""

from __future__ import annotations

from collections.abc import Hashable

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
    assert found.look_up({"a": "1", "b": "2"}) == ({0, 1, 2, 3, 4, 5, 6}, [])
    assert found.look_up({"a": "1"}) == ({0, 4, 5}, [])
    assert found.look_up({"c": None}) == ({4, 6}, [])
    assert found.look_up({}) == ({4}, [])


def test_other_conditions_are_left_to_be_checked() -> None:
    """Only where the conditions that the index knows are met; those without any always."""
    left = index(
        every(*equal(a="1"), *asked("b")),
        every(*present("a"), *asked("b")),
        every(*asked("b")),
        any_of(*equal(a="1"), *asked("b")),
        any_of(*asked("c")),
    )
    assert left.look_up({"a": "1"}) == (set(), [3, 4, 2, 0, 1])
    assert left.look_up({"a": "2"}) == (set(), [3, 4, 2, 1])
    assert left.look_up({}) == (set(), [3, 4, 2])


def test_two_values_for_one_name_are_left_to_be_checked() -> None:
    """No message can meet both, which is not the index's affair."""
    assert index(every(*equal(a="1"), *equal(a="2"))).look_up({"a": "1"}) == (set(), [0])


def test_value_that_is_null_is_found_by_null() -> None:
    """A text does not find it, and it finds no text."""
    null = index(every(HeaderCondition("a", HeaderTest(Operator.EQUALS, None))), every(*equal(a="null")))
    assert null.look_up({"a": None}) == ({0}, [])
    assert null.look_up({"a": "null"}) == ({1}, [])


def test_looking_up_changes_nothing() -> None:
    """What a message has that no binding names leaves no trace, and a candidate is not handed out twice."""
    kept = index(every(*equal(a="1"), *asked("b")), any_of(*equal(a="1")))
    for _ in range(3):
        assert kept.look_up({"a": "1", "z": "9"}) == ({1}, [0])
    assert set(kept._any_value) == {"a"}
    assert set(kept._any_presence) == set()
    assert set(kept._shapes_under) == {"a"}


def test_names_that_are_remembered_are_bounded() -> None:
    """Producers may invent names without end."""
    many = index(every(*equal(a="1")))
    for number in range(2 * _REMEMBERED + 3):
        tokens: dict[str, Hashable] = {"a": "1", f"h{number}": "2"}
        assert many.look_up(tokens) == ({0}, [])
    assert len(many._fitting) <= _REMEMBERED


def test_shapes_are_spread_over_their_names() -> None:
    """So that a name that all bindings have in common does not bring them all up."""
    names = [f"h{number}" for number in range(30)]
    spread = index(*(every(*equal(common="1"), *present(name)) for name in names))
    assert max(map(len, spread._shapes_under.values())) == 1
    assert spread.look_up({"common": "1", "h7": "x"}) == ({7}, [])
