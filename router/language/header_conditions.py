"""What a binding's `headers:` says, as conditions; and what is wrong with it, at its path.

A plain value is compared, null takes a header of any value, a mapping has operators, each of which must hold. Lists and
mappings as values need `equals`, because a list is more often meant as `in`, and a mapping is read as operators.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from router.exchange.header_values import HeaderTest, Operator, as_header_text
from router.exchange.model import HeaderCondition, HeadersMatch, XMatch
from router.language.cel.regex import refusal
from router.language.findings import Kind
from router.language.suggestions import did_you_mean

__all__ = ["X_MATCH", "HeaderProblem", "parse_headers"]

X_MATCH = "x-match"

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class HeaderProblem:
    """One thing wrong, at a path below `headers`."""

    path: _Path
    kind: Kind
    message: str
    suggestion: str = ""
    at_key: bool = False
    """The key at the path is at fault, and not its value."""
    position: int | None = None
    """The character of the text at the path, where it is one."""


class _Wrong(Exception):
    def __init__(self, problem: HeaderProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def parse_headers(stated: Mapping[str, Any]) -> tuple[HeadersMatch, tuple[HeaderProblem, ...]]:
    """The conditions in the file's order, without those that are at fault."""
    problems: list[HeaderProblem] = []
    mode = XMatch.ALL
    conditions: list[HeaderCondition] = []
    for name, value in stated.items():
        try:
            if name == X_MATCH:
                mode = _mode(value)
            elif not name:
                raise _wrong((name,), Kind.WRONG_VALUE, "a header has a name", at_key=True)
            else:
                conditions.append(HeaderCondition(name, _test(value, (name,))))
        except _Wrong as wrong:
            problems.append(wrong.problem)
    return HeadersMatch(mode, tuple(conditions)), tuple(problems)


def _wrong(path: _Path, kind: Kind, message: str, suggestion: str = "", *, at_key: bool = False) -> _Wrong:
    return _Wrong(HeaderProblem(path, kind, message, suggestion, at_key))


def _mode(value: object) -> XMatch:
    modes = [str(mode) for mode in XMatch]
    if isinstance(value, str) and value in modes:
        return XMatch(value)
    hint = did_you_mean(value, modes) if isinstance(value, str) else ""
    message = f"'x-match' is {', '.join(modes[:-1])} or {modes[-1]}, not {_shown(value)}"
    raise _wrong((X_MATCH,), Kind.WRONG_VALUE, message, hint)


def _test(value: Any, path: _Path) -> HeaderTest:
    match value:
        case None:
            return HeaderTest(Operator.PRESENT)
        case dict():
            return _operators(value, path)
        case list():
            message = f"'{path[-1]}' is a list: a header is one of its values, or that very list?"
            raise _wrong(path, Kind.WRONG_TYPE, message, "write {in: […]}, or {equals: […]}")
        case _:
            return HeaderTest(Operator.EQUALS, _finite(value, path))


def _operators(stated: Mapping[str, Any], path: _Path) -> HeaderTest:
    if not stated:
        raise _wrong(path, Kind.WRONG_VALUE, f"'{path[-1]}' says no operator", f"there are {', '.join(_OPERATORS)}")
    tests = []
    for name, operand in stated.items():
        inner = (*path, name)
        if name not in _OPERATORS:
            hint = did_you_mean(name, _OPERATORS, otherwise=f"there are {', '.join(_OPERATORS)}")
            raise _wrong(inner, Kind.UNKNOWN_KEY, f"unknown operator '{name}'", hint, at_key=True)
        tests.append(_OPERATORS[name](Operator(name), operand, inner))
    return tests[0] if len(tests) == 1 else HeaderTest(Operator.EVERY, tuple(tests))


def _compared(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    if isinstance(operand, bool) or not isinstance(operand, int | float | str):
        raise _wrong_type(path, "a number or a text", operand)
    return HeaderTest(operator, _finite(operand, path))


def _in(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    if not isinstance(operand, list):
        raise _wrong_type(path, "a list", operand)
    if not operand:
        raise _wrong(path, Kind.WRONG_VALUE, "'in': the list is empty: no header is one of none")
    for index, each in enumerate(operand):
        if isinstance(each, dict):
            raise _wrong((*path, index), Kind.WRONG_TYPE, "an item of 'in' is a value, not operators")
        _finite(each, (*path, index))
    return HeaderTest(operator, tuple(operand))


def _exists(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    if not isinstance(operand, bool):
        raise _wrong_type(path, "true or false", operand)
    return HeaderTest(operator, operand)


def _prefix(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    if not isinstance(operand, str):
        raise _wrong_type(path, "a text", operand)
    return HeaderTest(operator, operand)


def _matches(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    test = _prefix(operator, operand, path)
    refused = refusal(operand)
    if refused is not None:
        position, problem = refused
        raise _Wrong(HeaderProblem(path, Kind.INVALID_PATTERN, problem, "RE2 is what it is read by", position=position))
    return test


def _not(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    return HeaderTest(operator, _test(operand, path))


def _equals(operator: Operator, operand: Any, path: _Path) -> HeaderTest:
    return HeaderTest(operator, _finite(operand, path))


_OPERATORS = {
    "gt": _compared,
    "gte": _compared,
    "lt": _compared,
    "lte": _compared,
    "in": _in,
    "exists": _exists,
    "prefix": _prefix,
    "matches": _matches,
    "not": _not,
    "equals": _equals,
}


def _wrong_type(path: _Path, wanted: str, operand: object) -> _Wrong:
    return _wrong(path, Kind.WRONG_TYPE, f"'{path[-1]}' takes {wanted}, not {_shown(operand)}")


def _finite(value: Any, path: _Path) -> Any:
    if any(isinstance(each, float) and not math.isfinite(each) for each in _scalars(value)):
        raise _wrong(path, Kind.WRONG_VALUE, f"{_shown(value)} is no value that a header can have")
    return value


def _scalars(value: Any) -> Iterator[Any]:
    match value:
        case list():
            for each in value:
                yield from _scalars(each)
        case dict():
            for each in value.values():
                yield from _scalars(each)
        case _:
            yield value


def _shown(value: object) -> str:
    match value:
        case str():
            return f"'{value[:60]}'"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case None:
            return "null"
        case _:
            return as_header_text(value)[:60]
