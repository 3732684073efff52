"""What a headers binding asks of one header: RabbitMQ's rules 14 and 15, and the operators beyond it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.header_values import (
    MISSING,
    HeaderTest,
    HeaderValue,
    Missing,
    Operator,
    as_header_text,
    holds,
    text_token,
    typed_token,
)


def found(pattern: str, text: str) -> bool:
    """The regex engine of these tests."""
    return re.search(pattern, text) is not None


def met(operator: Operator, operand: Any, value: HeaderValue | Missing, *, typed: bool = False) -> bool:
    """Whether a header with this value meets the test."""
    return holds(HeaderTest(operator, operand), value, typed=typed, search=found)


class TestRule14Void:
    """Null in a binding asks for presence; null in a message equals nothing else."""

    @pytest.mark.parametrize("typed", [False, True], ids=["text", "typed"])
    @pytest.mark.parametrize(
        ("value", "present"),
        [
            pytest.param("any", True, id="text"),
            pytest.param("", True, id="empty"),
            pytest.param(None, True, id="null"),
            pytest.param(MISSING, False, id="missing"),
        ],
    )
    def test_presence_is_of_any_value_and_of_null_too(
        self, value: HeaderValue | Missing, present: bool, typed: bool
    ) -> None:
        """Only a header that is not there at all is absent."""
        assert met(Operator.PRESENT, None, value, typed=typed) is present
        assert met(Operator.EXISTS, True, value, typed=typed) is present
        assert met(Operator.EXISTS, False, value, typed=typed) is not present

    @pytest.mark.parametrize("typed", [False, True], ids=["text", "typed"])
    @pytest.mark.parametrize("operand", ["", "null", "undefined", 0, False])
    def test_null_in_a_message_equals_no_value(self, operand: Any, typed: bool) -> None:
        """Not the empty text, not the word, not what exports write for it."""
        assert not met(Operator.EQUALS, operand, None, typed=typed)

    @pytest.mark.parametrize("typed", [False, True], ids=["text", "typed"])
    def test_null_equals_null_alone(self, typed: bool) -> None:
        """So that `in: [null, …]` can name it; the text `null` and a missing header are no null."""
        assert met(Operator.EQUALS, None, None, typed=typed)
        assert not met(Operator.EQUALS, None, "null", typed=typed)
        assert not met(Operator.EQUALS, None, MISSING, typed=typed)


class TestRule15Values:
    """When values are equal: with types as RabbitMQ compares them, without by their text."""

    @pytest.mark.parametrize(
        ("operand", "value", "equal"),
        [
            pytest.param(5, 5, True, id="5-5"),
            pytest.param(5, 5.0, True, id="5-5.0"),
            pytest.param(5.0, 5, True, id="5.0-5"),
            pytest.param(-0.0, 0, True, id="minus-0.0-0"),
            pytest.param(2**53 + 1, float(2**53), False, id="numbers-are-exact"),
            pytest.param("pdf", "pdf", True, id="texts"),
            pytest.param("pdf", "PDF", False, id="case"),
            pytest.param(5, "5", False, id="5-text-5"),
            pytest.param("5", 5, False, id="text-5-5"),
            pytest.param(1, True, False, id="1-true"),
            pytest.param(True, 1, False, id="true-1"),
            pytest.param("true", True, False, id="text-true-true"),
            pytest.param(True, True, True, id="true-true"),
            pytest.param(True, False, False, id="true-false"),
            pytest.param([5], [5], True, id="list"),
            pytest.param([5], [5.0], False, id="list-5-5.0"),
            pytest.param([5], ["5"], False, id="list-5-text-5"),
            pytest.param([1], [True], False, id="list-1-true"),
            pytest.param([0.0], [-0.0], True, id="list-0.0-minus-0.0"),
            pytest.param([5], [5, 5], False, id="list-length"),
            pytest.param([5, 6], [6, 5], False, id="list-order"),
            pytest.param([None], [None], True, id="list-null"),
            pytest.param(5, [5], False, id="5-list"),
            pytest.param([[5]], [[5]], True, id="nested"),
            pytest.param([[5]], [[5.0]], False, id="nested-5-5.0"),
            pytest.param({"a": 1}, {"a": 1}, True, id="table"),
            pytest.param({"a": 1}, {"a": 1.0}, False, id="table-1-1.0"),
            pytest.param({"a": 1}, {"b": 1}, False, id="table-names"),
            pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, False, id="table-order"),
            pytest.param({}, [], True, id="empty-list-and-table"),
            pytest.param([{}], [[]], False, id="empty-list-and-table-inside"),
            pytest.param("", [], False, id="empty-text-empty-list"),
        ],
    )
    def test_values_with_types_are_equal_as_in_rabbitmq(self, operand: Any, value: HeaderValue, equal: bool) -> None:
        """Each pair was asked of a real RabbitMQ (tests/conformance asks some again)."""
        assert met(Operator.EQUALS, operand, value, typed=True) is equal
        assert met(Operator.IN, (operand, "other"), value, typed=True) is equal

    @pytest.mark.parametrize(
        ("operand", "text", "equal"),
        [
            pytest.param("pdf", "pdf", True, id="text"),
            pytest.param("pdf", "pdf ", False, id="space"),
            pytest.param(5, "5", True, id="number"),
            pytest.param(5, "5.0", False, id="number-written-otherwise"),
            pytest.param(5.0, "5.0", True, id="float"),
            pytest.param(True, "true", True, id="true"),
            pytest.param(True, "True", False, id="true-in-python"),
            pytest.param(False, "false", True, id="false"),
            pytest.param([5, "a"], '[5,"a"]', True, id="list-as-json"),
            pytest.param({"a": "б"}, '{"a":"б"}', True, id="table-as-json"),
            pytest.param("\ufffd", "\udcff", False, id="not-utf-8"),
        ],
    )
    def test_values_without_types_are_equal_by_their_text(self, operand: Any, text: str, equal: bool) -> None:
        """Kafka's headers are bytes: those of the value's text."""
        assert met(Operator.EQUALS, operand, text) is equal
        assert met(Operator.IN, ("other", operand), text) is equal

    @pytest.mark.parametrize("typed", [False, True], ids=["text", "typed"])
    def test_missing_header_equals_nothing(self, typed: bool) -> None:
        """Whatever is wanted."""
        assert not any(met(Operator.EQUALS, operand, MISSING, typed=typed) for operand in ("", 0, False, None, []))


class TestOperators:
    """What a binding may ask beyond RabbitMQ."""

    @pytest.mark.parametrize(
        ("operator", "holding"),
        [
            (Operator.GT, {"6"}),
            (Operator.GTE, {"5", "6"}),
            (Operator.LT, {"4"}),
            (Operator.LTE, {"4", "5"}),
        ],
    )
    def test_numbers_are_ordered(self, operator: Operator, holding: set[str]) -> None:
        """Whether the header is a number or its text."""
        assert {text for text in "456" if met(operator, 5, text)} == holding
        assert {text for text in "456" if met(operator, 5.0, int(text), typed=True)} == holding
        assert {text for text in "456" if met(operator, 5, float(text), typed=True)} == holding

    @pytest.mark.parametrize(
        "text",
        ["6", "6.0", "+6", "06", "6.", ".6e1", "6e0", "60E-1", "1e999999", "9" * 5000],
    )
    def test_text_that_is_a_number_is_compared_as_one(self, text: str) -> None:
        """In any of the ways to write it, however large."""
        assert met(Operator.GT, 5, text)
        assert not met(Operator.LT, 5.5, text)

    @pytest.mark.parametrize(
        "value",
        ["", "six", " 6", "6 ", "6_0", "٦", "0x6", "1e9999999", "nan", "inf", "Infinity", "-", ".", None, MISSING],
    )
    def test_what_is_no_number_is_neither_above_nor_below(self, value: HeaderValue | Missing) -> None:
        """It is not met, and it is no error."""
        assert not met(Operator.GTE, 5, value)
        assert not met(Operator.LTE, 5, value)

    @pytest.mark.parametrize(
        "value", ["6", True, None, MISSING, [6], float("nan"), float("inf"), float("-inf")], ids=repr
    )
    def test_typed_number_is_a_number_and_finite(self, value: HeaderValue | Missing) -> None:
        """A text is no number where headers have types, and true is not 1."""
        assert not met(Operator.GT, 0, value, typed=True)
        assert not met(Operator.LT, 10, value, typed=True)

    @pytest.mark.parametrize("operand", [float("nan"), float("inf"), True, None], ids=repr)
    def test_operand_that_is_no_number_is_never_met(self, operand: Any) -> None:
        """`check` refuses it; should it come here all the same, nothing breaks."""
        assert not met(Operator.GT, operand, "5")
        assert not met(Operator.LT, operand, "5")

    def test_decimal_fractions_are_compared_as_written(self) -> None:
        """0.1 in a route file is the 0.1 of a header, not its nearest binary neighbour."""
        assert met(Operator.LTE, 0.1, "0.1")
        assert met(Operator.GTE, 0.1, "0.1")
        assert met(Operator.GTE, 0.1, 0.1, typed=True)
        assert met(Operator.LT, 0.1, "0.0999999999999999999999")
        assert met(Operator.GT, 10**400, 10**401, typed=True)

    @pytest.mark.parametrize("typed", [False, True], ids=["text", "typed"])
    def test_texts_are_ordered_by_their_characters(self, typed: bool) -> None:
        """As `10` stands before `9`, where the binding says a text."""
        assert met(Operator.LT, "9", "10", typed=typed)
        assert met(Operator.GTE, "2024-01-01", "2024-06-30", typed=typed)
        assert not met(Operator.GT, "a", None, typed=typed)
        assert not met(Operator.GT, "a", MISSING, typed=typed)
        assert not met(Operator.GT, "a", 5, typed=True)

    @pytest.mark.parametrize(
        ("operator", "operand", "value", "holding"),
        [
            pytest.param(Operator.IN, ("a", 5, None), "a", True, id="in-text"),
            pytest.param(Operator.IN, ("a", 5, None), "5", True, id="in-number"),
            pytest.param(Operator.IN, ("a", 5, None), None, True, id="in-null"),
            pytest.param(Operator.IN, ("a", 5, None), "b", False, id="not-in"),
            pytest.param(Operator.IN, ("a", 5, None), MISSING, False, id="in-missing"),
            pytest.param(Operator.IN, (), "a", False, id="in-nothing"),
            pytest.param(Operator.PREFIX, "ab", "abc", True, id="prefix"),
            pytest.param(Operator.PREFIX, "", "", True, id="prefix-empty"),
            pytest.param(Operator.PREFIX, "ab", "a", False, id="prefix-longer"),
            pytest.param(Operator.PREFIX, "", None, False, id="prefix-null"),
            pytest.param(Operator.PREFIX, "", MISSING, False, id="prefix-missing"),
            pytest.param(Operator.MATCHES, "b.d", "abcde", True, id="matches-anywhere"),
            pytest.param(Operator.MATCHES, "^b", "ab", False, id="matches-not"),
            pytest.param(Operator.MATCHES, "", None, False, id="matches-null"),
            pytest.param(Operator.MATCHES, "", MISSING, False, id="matches-missing"),
        ],
    )
    def test_operator_holds(
        self, operator: Operator, operand: Any, value: HeaderValue | Missing, holding: bool
    ) -> None:
        """Only a text begins with something or contains it."""
        assert met(operator, operand, value) is holding

    def test_numbers_have_no_text_where_they_have_a_type(self) -> None:
        """So they neither begin with a text nor match a pattern."""
        assert not met(Operator.PREFIX, "5", 5, typed=True)
        assert not met(Operator.MATCHES, "5", 5, typed=True)

    @pytest.mark.parametrize("value", ["4", "6", None, MISSING])
    def test_not_is_the_opposite(self, value: HeaderValue | Missing) -> None:
        """A missing header is not equal, not greater, not anything: `not` takes it."""
        inner = HeaderTest(Operator.GT, 5)
        assert met(Operator.NOT, inner, value) is not met(Operator.GT, 5, value)

    def test_every_wants_all(self) -> None:
        """Several operators on one header are a range."""
        between = (HeaderTest(Operator.GT, 5), HeaderTest(Operator.LTE, 7))
        assert [text for text in "5678" if met(Operator.EVERY, between, text)] == ["6", "7"]


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (HeaderTest(Operator.EQUALS, "pdf"), "pdf"),
        (HeaderTest(Operator.EQUALS, True), "true"),
        (HeaderTest(Operator.PRESENT), "present"),
        (HeaderTest(Operator.EXISTS, True), "present"),
        (HeaderTest(Operator.EXISTS, False), "absent"),
        (HeaderTest(Operator.GT, 5), "gt 5"),
        (HeaderTest(Operator.PREFIX, "ab"), "prefix ab"),
        (HeaderTest(Operator.IN, ("a", 5)), "one of a, 5"),
        (HeaderTest(Operator.NOT, HeaderTest(Operator.IN, ("a",))), "not one of a"),
        (HeaderTest(Operator.EVERY, (HeaderTest(Operator.GT, 5), HeaderTest(Operator.LT, 9))), "gt 5 and lt 9"),
    ],
    ids=str,
)
def test_what_is_asked_reads_as_words(test: HeaderTest, text: str) -> None:
    """After `this binding wants it`."""
    assert str(test) == text


def test_missing_is_said_to_be_missing() -> None:
    """In a value's place."""
    assert repr(MISSING) == "missing"


scalars = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, -0.0, 1.0, 0.5]) | st.text("a1", max_size=2)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2)
)


def same(one: Any, other: Any) -> bool:
    """Rule 15 inside a list: the types count, all the way down."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return same([list(pair) for pair in one.items()], [list(pair) for pair in other.items()])
    return type(one) is type(other) and one == other


@given(values, values)
def test_tokens_are_equal_where_values_are(one: Any, other: Any) -> None:
    """An index by tokens finds what a comparison would, and every token can be looked up."""
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other))
    empty = one in ([], {}) and other in ([], {})
    equal = one == other if numbers else empty or same(one, other)
    assert (typed_token(one) == typed_token(other)) is equal
    assert equal is (hash(typed_token(one)) == hash(typed_token(other)) and typed_token(one) == typed_token(other))


@given(values)
def test_text_token_is_the_text_or_null(value: Any) -> None:
    """What a header without a type is itself."""
    assert text_token(value) == (None if value is None else as_header_text(value))
