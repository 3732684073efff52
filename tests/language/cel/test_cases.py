"""Expressions over bindings in the typed form."""

import pytest

from router.language.cel.cases import answer_case, evaluate
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2


def test_declared_types_are_checked() -> None:
    """A name has its declared type, or else that of its value."""
    one = {"x": {"t": "int", "v": 1}}
    assert evaluate("x + 1", bindings=one, type_env={}, engine=Re2()) == {"t": "int", "v": 2}
    with pytest.raises(InvalidWhere, match="cannot be used with string and int"):
        evaluate("x + 1", bindings=one, type_env={"x": "string"}, engine=Re2())


@pytest.mark.parametrize(
    "case",
    [
        None,
        {},
        {"expr": 1},
        {"expr": "1", "bindings": [1]},
        {"expr": "1", "type_env": "x"},
        {"expr": "1", "type_env": {"x": 1}},
        {"expr": "1", "bindings": {"x": []}},
        {"expr": "1 +"},
        {"expr": "1 / 0"},
    ],
    ids=str,
)
def test_a_case_is_always_answered(case: object) -> None:
    """Whatever is wrong with a case, its answer is an error and not a crash."""
    assert list(answer_case(case, engine=Re2())) == ["error"]


def test_a_binding_that_is_nested_too_deeply_is_answered() -> None:
    """A value deeper than Python can follow is an error like any other."""
    value: dict[str, object] = {"t": "int", "v": 1}
    for _ in range(100_000):
        value = {"t": "list", "v": [value]}
    assert answer_case({"expr": "x", "bindings": {"x": value}}, engine=Re2()) == {
        "error": "a binding is nested too deeply"
    }
