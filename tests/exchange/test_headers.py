"""The headers exchange: rules 11 to 15."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvariantError
from router.exchange.header_values import MISSING, HeaderTest, HeaderValue, Operator, holds
from router.exchange.headers import HeadersMatcher, header_names
from router.exchange.matcher import HeaderMiss, Message
from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Exchange,
    ExchangeType,
    HeaderCondition,
    HeadersMatch,
    Place,
    XMatch,
)

ALL, ANY, ALL_WITH_X, ANY_WITH_X = XMatch
PRESENT = HeaderTest(Operator.PRESENT)


def condition(name: str, wanted: Any) -> HeaderCondition:
    """A header that must equal a value, be there for None, or meet a test."""
    if wanted is None:
        return HeaderCondition(name, PRESENT)
    return HeaderCondition(name, wanted if isinstance(wanted, HeaderTest) else HeaderTest(Operator.EQUALS, wanted))


def exchange(*matches: HeadersMatch | None) -> Exchange:
    """A binding a match, each on a line of its own."""
    bindings = tuple(
        Binding("x", None, Destination(DestinationKind.TOPIC, "t"), Place("f", line, 1), "team", headers=match)
        for line, match in enumerate(matches, 1)
    )
    return Exchange("x", ExchangeType.HEADERS, bindings, None, Place("f", 1, 1), "team")


def match(mode: XMatch, **wanted: Any) -> HeadersMatch:
    """Names are written with `_` for `-`."""
    return HeadersMatch(mode, tuple(condition(name.replace("_", "-"), value) for name, value in wanted.items()))


def with_headers(headers: Mapping[str, HeaderValue], *, typed: bool = False) -> Message:
    """A message of which nothing but the headers counts."""
    return Message("any.key", ("any", "key"), headers=headers, typed=typed)


def found(pattern: str, text: str) -> bool:
    """The regex engine of these tests."""
    return re.search(pattern, text) is not None


def matched(
    matches: Sequence[HeadersMatch | None], headers: Mapping[str, HeaderValue], *, typed: bool = False
) -> list[int]:
    """The lines of the bindings that take a message with these headers."""
    matcher = HeadersMatcher(exchange(*matches), found)
    return [binding.place.line for binding in matcher.match(with_headers(headers, typed=typed))]


def takes(one: HeadersMatch | None, headers: Mapping[str, HeaderValue], *, typed: bool = False) -> bool:
    """Whether a binding takes the message; a miss says the same."""
    of_one = exchange(one)
    matcher, message = HeadersMatcher(of_one, found), with_headers(headers, typed=typed)
    answer = bool(matcher.match(message))
    assert (matcher.miss(of_one.bindings[0], message) is None) is answer
    return answer


class TestRule11Modes:
    """Every condition, or one of them; a message's own `x-match` is ignored."""

    @pytest.mark.parametrize(
        ("headers", "taken"),
        [
            pytest.param({"a": "1", "b": "2"}, [ALL, ANY, ALL_WITH_X, ANY_WITH_X], id="both"),
            pytest.param({"a": "1", "b": "2", "c": "3"}, [ALL, ANY, ALL_WITH_X, ANY_WITH_X], id="both-and-more"),
            pytest.param({"a": "1", "b": "3"}, [ANY, ANY_WITH_X], id="one"),
            pytest.param({"b": "2"}, [ANY, ANY_WITH_X], id="one-and-no-other"),
            pytest.param({"a": "2", "b": "1"}, [], id="neither"),
            pytest.param({}, [], id="no-headers"),
            pytest.param({"A": "1", "B": "2"}, [], id="names-are-case-sensitive"),
        ],
    )
    def test_mode_says_how_many_conditions_must_hold(
        self, headers: dict[str, HeaderValue], taken: list[XMatch]
    ) -> None:
        """All or any."""
        assert [mode for mode in XMatch if takes(match(mode, a="1", b="2"), headers)] == taken

    @pytest.mark.parametrize("own", ["any", "all", "nonsense", None])
    def test_x_match_of_a_message_is_ignored(self, own: str | None) -> None:
        """It is the binding that says how to match."""
        assert not takes(match(ALL, a="1", b="2"), {"a": "1", "x-match": own})
        assert takes(match(ANY, a="1", b="2"), {"a": "1", "x-match": own})


class TestRule12NamesWithX:
    """Names that begin with a lower-case `x-` count only in the modes that say so; `x-match` never."""

    @pytest.mark.parametrize(
        ("name", "ignored_by"),
        [
            pytest.param("x-up", [ALL, ANY], id="x"),
            pytest.param("x-", [ALL, ANY], id="nothing-after"),
            pytest.param("X-Up", [], id="upper-case"),
            pytest.param("xup", [], id="no-dash"),
            pytest.param("x-match", list(XMatch), id="x-match"),
        ],
    )
    def test_name_counts_or_not(self, name: str, ignored_by: list[XMatch]) -> None:
        """One that does not count neither prevents a match nor makes one."""
        for mode in XMatch:
            only = HeadersMatch(mode, (condition(name, "1"),))
            beside = HeadersMatch(mode, (condition("a", "1"), condition(name, "1")))
            counts = mode not in ignored_by
            assert takes(only, {name: "1"}) is (counts or mode.every)
            assert takes(only, {name: "2"}) is (not counts and mode.every)
            assert takes(beside, {"a": "1", name: "2"}) is (not counts or not mode.every)

    def test_only_names_that_count_are_looked_at(self) -> None:
        """What is not looked at is no fact of a decision."""
        names = header_names(
            exchange(match(ALL, a="1", x_b="1", x_match="1"), None, match(ANY_WITH_X, x_c="1", a=None))
        )
        assert list(names) == ["a", "x-c", "a"]


class TestRule13NothingLeft:
    """With nothing to match, `all` takes every message and `any` none."""

    @pytest.mark.parametrize("headers", [{}, {"a": "1"}, {"x-foo": "1"}], ids=["none", "some", "its-own"])
    @pytest.mark.parametrize(
        ("nothing", "taken"),
        [
            pytest.param(match(ALL), True, id="all"),
            pytest.param(match(ALL, x_foo=1), True, id="all-x-ignored"),
            pytest.param(match(ALL_WITH_X), True, id="all-with-x"),
            pytest.param(match(ANY), False, id="any"),
            pytest.param(match(ANY, x_foo=1), False, id="any-x-ignored"),
            pytest.param(match(ANY_WITH_X, x_match="1"), False, id="any-with-x"),
            pytest.param(None, True, id="a-binding-without-headers"),
        ],
    )
    def test_all_takes_everything_and_any_nothing(
        self, nothing: HeadersMatch | None, taken: bool, headers: dict[str, HeaderValue]
    ) -> None:
        """Whatever the message has."""
        assert takes(nothing, headers) is taken

    def test_any_of_nothing_says_why(self) -> None:
        """There is no header to name."""
        bound = exchange(match(ANY))
        missed = HeadersMatcher(bound).miss(bound.bindings[0], with_headers({"a": "1"}))
        assert missed == HeaderMiss(name="", actual=MISSING, wanted="", met=0)


class TestRule14Void:
    """Null in a binding asks for presence."""

    @pytest.mark.parametrize(("value", "taken"), [("1", True), ("", True), (None, True)])
    def test_null_takes_any_value(self, value: str | None, taken: bool) -> None:
        """Null too; but the header must be there."""
        for mode in XMatch:
            assert takes(match(mode, a=None), {"a": value}) is taken
            assert not takes(match(mode, a=None), {"b": value})

    def test_null_in_a_message_meets_presence_alone(self) -> None:
        """And `in: [null]`, which nothing in RabbitMQ says."""
        assert not takes(match(ALL, a=""), {"a": None})
        assert takes(match(ALL, a=HeaderTest(Operator.IN, (None,))), {"a": None})
        assert takes(match(ALL, a=HeaderTest(Operator.EQUALS, None)), {"a": None})
        assert not takes(match(ALL, a=HeaderTest(Operator.EQUALS, None)), {"a": "null"})


class TestRule15Types:
    """Values are compared with their types where a message has them, else by their text."""

    def test_number_is_equal_to_its_text_only_without_types(self) -> None:
        """Kafka's headers are bytes."""
        assert takes(match(ALL, a=5), {"a": "5"})
        assert not takes(match(ALL, a=5), {"a": "5"}, typed=True)
        assert takes(match(ALL, a=5), {"a": 5.0}, typed=True)
        assert takes(match(ANY, a=5, b=True), {"b": True}, typed=True)
        assert not takes(match(ANY, a=1, b=True), {"a": True, "b": 1}, typed=True)

    def test_one_exchange_serves_messages_with_types_and_without(self) -> None:
        """Explain states typed messages to what a worker compiled for bytes."""
        matcher = HeadersMatcher(exchange(match(ALL, a=5)))
        for _ in range(2):
            assert matcher.match(with_headers({"a": "5"}))
            assert not matcher.match(with_headers({"a": "5"}, typed=True))
            assert matcher.match(with_headers({"a": 5}, typed=True))

    def test_routing_key_plays_no_part(self) -> None:
        """Nor does the binding's."""
        bound = Binding("x", "other", Destination(DestinationKind.TOPIC, "t"), Place("f", 1, 1), "t", match(ALL, a="1"))
        matcher = HeadersMatcher(Exchange("x", ExchangeType.HEADERS, (bound,), None, Place("f", 1, 1), "t"))
        assert matcher.match(with_headers({"a": "1"})) == (bound,)


def test_bindings_come_in_declared_order() -> None:
    """However they were found: by a value, by presence, by trying."""
    matches = [
        match(ANY, a="1", b="1"),
        match(ALL, a=HeaderTest(Operator.PREFIX, "1")),
        None,
        match(ALL, b="2", a=None),
        match(ALL, a="1", b=HeaderTest(Operator.NOT, HeaderTest(Operator.EQUALS, "1"))),
        match(ANY, b=None),
        match(ANY, a=HeaderTest(Operator.MATCHES, "^2"), b="2"),
        match(ALL, a="1", b="2"),
    ]
    assert matched(matches, {"a": "1", "b": "2"}) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert matched(matches, {"b": "1"}) == [1, 3, 6]
    assert matched(matches, {"a": "1"}) == [1, 2, 3, 5]


def test_without_an_engine_a_pattern_is_our_fault() -> None:
    """Whoever compiles such routes must give one; bindings that say no `matches` need none."""
    bound = exchange(match(ALL, a=HeaderTest(Operator.MATCHES, "1")), match(ALL, a="1"))
    with pytest.raises(InvariantError, match="no regex engine"):
        HeadersMatcher(bound).match(with_headers({"a": "1"}))


class TestMiss:
    """What a binding that did not match wanted."""

    def miss(self, one: HeadersMatch, headers: Mapping[str, HeaderValue]) -> HeaderMiss | None:
        """Of the one binding."""
        bound = exchange(one)
        return HeadersMatcher(bound, found).miss(bound.bindings[0], with_headers(headers))

    def test_first_condition_that_failed_is_named(self) -> None:
        """With how many held, so that the nearest miss can come first."""
        wanted = match(ALL, a="1", b="2", c="3")
        assert self.miss(wanted, {"a": "1", "b": "3", "c": "3"}) == HeaderMiss("b", "3", "2", met=2)
        assert self.miss(wanted, {"b": "2"}) == HeaderMiss("a", MISSING, "1", met=1)
        assert self.miss(wanted, {"a": "1", "b": None, "c": "4"}) == HeaderMiss("b", None, "2", met=1)

    def test_of_any_the_first_is_named(self) -> None:
        """Each failed; one had sufficed."""
        assert self.miss(match(ANY, a="1", b="2"), {"b": "3"}) == HeaderMiss("a", MISSING, "1", met=0)

    def test_match_is_no_miss(self) -> None:
        """Nothing failed."""
        assert self.miss(match(ANY, a="1", b="2"), {"b": "2"}) is None


names = st.sampled_from(["a", "b", "c", "x-a", "x-match", "A"])
plain_values = st.sampled_from([1, 1.0, True, "1", "true", "", "[1]", [1], [1.0], {}, [], None])
tests = st.recursive(
    st.just(PRESENT)
    | st.builds(HeaderTest, st.just(Operator.EQUALS), plain_values)
    | st.builds(HeaderTest, st.just(Operator.IN), st.lists(plain_values, max_size=2).map(tuple))
    | st.builds(HeaderTest, st.sampled_from([Operator.GT, Operator.LTE]), st.sampled_from([0, 1.5, "1"]))
    | st.builds(HeaderTest, st.just(Operator.EXISTS), st.booleans())
    | st.builds(HeaderTest, st.sampled_from([Operator.PREFIX, Operator.MATCHES]), st.sampled_from(["", "1", "t"])),
    lambda inner: (
        st.builds(HeaderTest, st.just(Operator.NOT), inner)
        | st.builds(HeaderTest, st.just(Operator.EVERY), st.lists(inner, max_size=2).map(tuple))
    ),
    max_leaves=3,
)
header_matches = st.builds(
    HeadersMatch, st.sampled_from(XMatch), st.lists(st.builds(HeaderCondition, names, tests), max_size=4).map(tuple)
)
text_headers = st.dictionaries(names, st.none() | st.sampled_from(["1", "1.0", "true", "", "[1]", "{}"]), max_size=5)
typed_headers = st.dictionaries(names, plain_values, max_size=5)


def rules(one: HeadersMatch, message: Message) -> bool:
    """Rules 11 to 13 over conditions of any kind."""
    with_x = one.x_match in (ALL_WITH_X, ANY_WITH_X)
    met = [
        holds(each.test, message.headers.get(each.name, MISSING), typed=message.typed, search=found)
        for each in one.conditions
        if each.name != "x-match" and (with_x or not each.name.startswith("x-"))
    ]
    return all(met) if one.x_match in (ALL, ALL_WITH_X) else any(met)


@given(st.lists(header_matches, max_size=8), st.lists(text_headers | typed_headers, max_size=6))
def test_what_is_found_is_what_trying_each_would_find(
    matches: list[HeadersMatch], messages: list[dict[str, HeaderValue]]
) -> None:
    """An index changes no answer, for any bindings, messages and order of them."""
    bound = exchange(*matches)
    matcher = HeadersMatcher(bound, found)
    for headers in messages:
        texts = all(value is None or isinstance(value, str) for value in headers.values())
        for typed in (True, False) if texts else (True,):
            message = with_headers(headers, typed=typed)
            taken = tuple(each for each, one in zip(bound.bindings, matches, strict=True) if rules(one, message))
            assert matcher.match(message) == taken
            assert {each for each in bound.bindings if matcher.miss(each, message) is None} == set(taken)
