"""What a binding's `headers:` means, and every way of getting it wrong."""

from __future__ import annotations

from typing import Any

import pytest

from router.exchange.header_values import HeaderTest, Operator
from router.exchange.model import HeaderCondition, HeadersMatch, XMatch
from router.language.header_conditions import parse_headers


def test_every_form_of_a_condition() -> None:
    """Values, null, and operators, in the file's order."""
    match, problems = parse_headers(
        {
            "x-match": "any-with-x",
            "type": "pdf",
            "size": 5,
            "urgent": None,
            "priority": {"gt": 5},
            "kind": {"in": ["a", 1, None]},
            "name": {"matches": "^x"},
            "p": {"prefix": "ab"},
            "q": {"not": "v"},
            "r": {"exists": True},
            "s": {"gte": 1, "lt": 10},
            "t": {"not": {"lte": 1.5}},
            "u": {"equals": [1, {"a": None}]},
        }
    )
    assert problems == ()
    tests = {
        "type": HeaderTest(Operator.EQUALS, "pdf"),
        "size": HeaderTest(Operator.EQUALS, 5),
        "urgent": HeaderTest(Operator.PRESENT),
        "priority": HeaderTest(Operator.GT, 5),
        "kind": HeaderTest(Operator.IN, ("a", 1, None)),
        "name": HeaderTest(Operator.MATCHES, "^x"),
        "p": HeaderTest(Operator.PREFIX, "ab"),
        "q": HeaderTest(Operator.NOT, HeaderTest(Operator.EQUALS, "v")),
        "r": HeaderTest(Operator.EXISTS, True),
        "s": HeaderTest(Operator.EVERY, (HeaderTest(Operator.GTE, 1), HeaderTest(Operator.LT, 10))),
        "t": HeaderTest(Operator.NOT, HeaderTest(Operator.LTE, 1.5)),
        "u": HeaderTest(Operator.EQUALS, [1, {"a": None}]),
    }
    assert match == HeadersMatch(XMatch.ANY_WITH_X, tuple(HeaderCondition(*each) for each in tests.items()))
    assert len({match}) == 1, "bindings are put into sets, lists in them or not"


def test_nothing_said_is_all_of_nothing() -> None:
    """As RabbitMQ has it: every message."""
    assert parse_headers({}) == (HeadersMatch(XMatch.ALL, ()), ())


@pytest.mark.parametrize(
    ("stated", "path", "words"),
    [
        ({"x-match": "ALL"}, ("x-match",), "'x-match' is all, any, all-with-x or any-with-x, not 'ALL'"),
        ({"x-match": 5}, ("x-match",), "not 5"),
        ({"x-match": None}, ("x-match",), "not null"),
        ({"": 1}, ("",), "a header has a name"),
        ({"a": [1]}, ("a",), "'a' is a list"),
        ({"a": {}}, ("a",), "says no operator"),
        ({"a": {"im": 1}}, ("a", "im"), "unknown operator 'im'"),
        ({"a": {"gt": True}}, ("a", "gt"), "'gt' takes a number or a text, not true"),
        ({"a": {"lt": None}}, ("a", "lt"), "not null"),
        ({"a": {"lte": {"a": 1}}}, ("a", "lte"), "not a mapping"),
        ({"a": {"gte": float("nan")}}, ("a", "gte"), "no value that a header can have"),
        ({"a": float("inf")}, ("a",), "no value that a header can have"),
        ({"a": {"equals": {"x": [float("inf")]}}}, ("a", "equals"), "a mapping is no value"),
        ({"a": {"in": "x"}}, ("a", "in"), "'in' takes a list, not 'x'"),
        ({"a": {"in": []}}, ("a", "in"), "the list is empty"),
        ({"a": {"in": [1, {}]}}, ("a", "in", 1), "an item of 'in' is a value"),
        ({"a": {"exists": 1}}, ("a", "exists"), "'exists' takes true or false, not 1"),
        ({"a": {"prefix": 5}}, ("a", "prefix"), "'prefix' takes a text, not 5"),
        ({"a": {"matches": ["x"]}}, ("a", "matches"), "'matches' takes a text, not a list"),
        ({"a": {"matches": "x("}}, ("a", "matches"), "missing )"),
        ({"a": {"not": {"not": [1]}}}, ("a", "not", "not"), "is a list"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_told_at_its_path(stated: dict[str, Any], path: tuple[str | int, ...], words: str) -> None:
    """And what is right beside it stays."""
    match, problems = parse_headers({**stated, "right": 1})
    assert [problem.path for problem in problems] == [path]
    assert words in problems[0].message
    assert [condition.name for condition in match.conditions] == ["right"]


def test_a_pattern_is_told_at_its_fault() -> None:
    """In characters from its start."""
    _, (problem,) = parse_headers({"a": {"matches": "éa(?=x)"}})
    assert problem.position == 2
