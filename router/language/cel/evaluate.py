"""The meaning of an expression, written as plainly as it can be: a walk over its tree.

It is for the command line and for tests; what runs on every record is compiled (`source`), and must agree with this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.functions import Functions
from router.language.cel.optionals import optional_lookup
from router.language.cel.tree import (
    Call,
    Collect,
    CollectMap,
    Field,
    Let,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Quantifier,
    Quantify,
)
from router.language.cel.types import Tag
from router.language.cel.values import NONE, Optional, from_key, make_map, to_key

__all__ = ["Evaluator", "iterate", "select"]


class Evaluator:
    """Evaluates trees. WhereFailed where an expression has no value."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def evaluate(self, node: Node, names: Mapping[str, Any]) -> Any:
        """The value of a node under these values of its names."""
        match node:
            case Literal(value=value):
                return value
            case Name(name=name):
                return self._name(names, name)
            case Field():
                return self._field(node, names)
            case Call():
                return self._call(node, names)
            case ListOf():
                return self._list(node, names)
            case MapOf():
                return self._map(node, names)
            case Quantify():
                return self._quantify(node, names)
            case Collect():
                return self._collect(node, names)
            case CollectMap():
                return self._collect_map(node, names)
            case Let(name=name, value=value, body=body):
                return self.evaluate(body, {**names, name: _Later(self, value, names)})
        raise AssertionError(node)

    @staticmethod
    def _name(names: Mapping[str, Any], name: str) -> Any:
        if name not in names:
            raise WhereFailed(f"'{name}' has no value")
        value = names[name]
        return value.now() if type(value) is _Later else value

    def _field(self, node: Field, names: Mapping[str, Any]) -> Any:
        operand = self.evaluate(node.operand, names)
        if node.optional:
            return optional_lookup(operand, node.name)
        return select(operand, node.name, test=node.test, declared=node.lenient or node.operand.type.tag is Tag.STRUCT)

    def _call(self, node: Call, names: Mapping[str, Any]) -> Any:
        match node.function:
            case "_&&_" | "_||_":
                return self._logic(node, names, decisive=node.function == "_||_")
            case "_?_:_":
                condition, then, otherwise = node.arguments
                chosen = self.evaluate(condition, names)
                if type(chosen) is not bool:
                    raise no_overload("'? :'", chosen)
                return self.evaluate(then if chosen else otherwise, names)
            case "or" | "orValue":
                optional = self.evaluate(node.arguments[0], names)
                if type(optional) is not Optional:
                    raise no_overload(f"'{node.function}'", optional)
                if optional.present:
                    return optional if node.function == "or" else optional.value
                return self.evaluate(node.arguments[1], names)
        values = [self.evaluate(each, names) for each in node.arguments]
        return self._functions.named(node.function)(*values)

    def _logic(self, node: Call, names: Mapping[str, Any], *, decisive: bool) -> bool:
        """`&&` and `||`: a decisive side decides, whatever becomes of the other one."""
        failure: WhereFailed | None = None
        for each in node.arguments:
            try:
                value = self.evaluate(each, names)
                if type(value) is not bool:
                    raise no_overload("'||'" if decisive else "'&&'", value)
            except WhereFailed as error:
                failure = failure or error
                continue
            if value is decisive:
                return decisive
        if failure:
            raise failure
        return not decisive

    def _list(self, node: ListOf, names: Mapping[str, Any]) -> list[Any]:
        made = []
        for number, each in enumerate(node.items):
            value = self.evaluate(each, names)
            if number not in node.optional:
                made.append(value)
            elif _present(value):
                made.append(value.value)
        return made

    def _map(self, node: MapOf, names: Mapping[str, Any]) -> Mapping[Any, Any]:
        entries = []
        for entry in node.entries:
            key, value = self.evaluate(entry.key, names), self.evaluate(entry.value, names)
            if not entry.optional:
                entries.append((key, value))
            elif _present(value):
                entries.append((key, value.value))
        return make_map(entries)

    def _quantify(self, node: Quantify, names: Mapping[str, Any]) -> bool:
        scopes = self._scopes(node.range, node.variables, names)
        if node.quantifier is Quantifier.EXISTS_ONE:
            return sum(self._condition(node.condition, scope) for scope in scopes) == 1
        decisive = node.quantifier is Quantifier.EXISTS
        failure: WhereFailed | None = None
        for scope in scopes:
            try:
                value = self._condition(node.condition, scope)
            except WhereFailed as error:
                failure = failure or error
                continue
            if value is decisive:
                return decisive
        if failure:
            raise failure
        return not decisive

    def _collect(self, node: Collect, names: Mapping[str, Any]) -> list[Any]:
        return [
            self.evaluate(node.give, scope)
            for scope in self._scopes(node.range, node.variables, names)
            if node.keep is None or self._condition(node.keep, scope)
        ]

    def _collect_map(self, node: CollectMap, names: Mapping[str, Any]) -> Mapping[Any, Any]:
        entries: list[tuple[Any, Any]] = []
        for scope in self._scopes(node.range, node.variables, names):
            if node.keep is not None and not self._condition(node.keep, scope):
                continue
            given = self.evaluate(node.give, scope)
            if node.key is not None:
                entries.append((self.evaluate(node.key, scope), given))
            else:
                entries += ((from_key(key), value) for key, value in given.items())
        return make_map(entries)

    def _condition(self, node: Node, names: Mapping[str, Any]) -> bool:
        value = self.evaluate(node, names)
        if type(value) is not bool:
            raise no_overload("a condition", value)
        return value

    def _scopes(self, node: Node, variables: tuple[str, ...], names: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for values in iterate(self.evaluate(node, names), len(variables)):
            yield {**names, **dict(zip(variables, values, strict=True))}


class _Later:
    """A bound value, computed when it is first asked for."""

    def __init__(self, evaluator: Evaluator, node: Node, names: Mapping[str, Any]) -> None:
        self._made_of = (evaluator, node, names)
        self._values: list[Any] = []

    def now(self) -> Any:
        if not self._values:
            evaluator, node, names = self._made_of
            self._values.append(evaluator.evaluate(node, names))
        return self._values[0]


def iterate(container: Any, variables: int) -> Iterator[tuple[Any, ...]]:
    """What macros go over: a list's items or a map's keys; with two variables, indices or keys with their values."""
    if type(container) is list:
        return zip(container, strict=True) if variables == 1 else iter(enumerate(container))
    if type(container) is dict:
        if variables == 1:
            return ((from_key(key),) for key in container)
        return ((from_key(key), value) for key, value in container.items())
    raise no_overload("a macro", container)


def select(operand: Any, name: str, *, test: bool, declared: bool) -> Any:
    """`operand.name`, or `has(operand.name)`.

    Of a record with declared fields each is there, if only as null; a record that is null has null fields. In a map, a
    missing key is a failure, and a present one counts as there though its value be null.
    """
    if type(operand) is Optional:
        found = optional_lookup(operand, name)
        return found.present if test else found
    if declared and (operand is None or type(operand) is dict):
        value = None if operand is None else operand.get(name)
        return value is not None if test else value
    if type(operand) is not dict:
        raise no_overload(f"field '{name}'", operand)
    if test:
        return to_key(name) in operand
    if name not in operand:
        raise WhereFailed(f"no such key: '{name}'")
    return operand[name]


def _present(value: Any) -> bool:
    if type(value) is not Optional:
        raise no_overload("'?'", value)
    return value is not NONE and value.present
