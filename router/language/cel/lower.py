"""From the front end's tree to ours: names and functions resolved, macros made nodes of their own again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from router.language.cel.environment import Environment
from router.language.cel.folds import read_fold
from router.language.cel.front_end import FIELD_PREFIX, Parsed
from router.language.cel.functions_known import KNOWN_FUNCTIONS, NAMESPACED, TYPE_NAMES
from router.language.cel.problems import InvalidWhere, WhereProblem
from router.language.cel.tree import (
    Call,
    Collect,
    CollectMap,
    Entry,
    Field,
    Let,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Quantify,
    path_of,
    walk,
)
from router.language.cel.types import DYN, CelType, Tag
from router.language.cel.values import TypeValue, Uint
from router.language.cel.wire import Message, signed
from router.language.suggestions import did_you_mean

__all__ = ["free_names", "lower"]

_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _FOLD = 2, 3, 4, 5, 6, 7, 8, 9


def lower(parsed: Parsed, environment: Environment) -> Node:
    """Our tree of a parsed expression; InvalidWhere where it names what is not there, or makes a message.

    Of a map with values of several types the checker believes that all are of the first one's. So where there is such a
    map, no type is believed but those of the schema.
    """
    tree = _Lowering(parsed, environment).lower(parsed.expression, frozenset())
    mixed = any(
        isinstance(each, MapOf) and len({entry.value.type for entry in each.entries}) > 1 for each in walk(tree)
    )
    if mixed and parsed.checked:
        return _Lowering(replace(parsed, types={}), environment).lower(parsed.expression, frozenset())
    return tree


def free_names(parsed: Parsed) -> frozenset[str]:
    """The names in an unchecked expression that are no local variables, types or namespaces of functions."""
    names: set[str] = set()

    def visit(message: Message, local: frozenset[str]) -> None:
        if _IDENT in message:
            names.update({message.inner(_IDENT).text(1).removeprefix(".")} - local)
        for number, inner in _INNER:
            if number in message:
                for part in inner:
                    for each in message.inner(number).each(part):
                        visit(each, local)
        if _STRUCT in message:
            for entry in message.inner(_STRUCT).each(2):
                visit(entry.inner(3), local)
                visit(entry.inner(4), local)
        if _FOLD in message:
            fold = message.inner(_FOLD)
            visit(fold.inner(2), local)
            visit(fold.inner(4), local)
            inside = local | {fold.text(1), fold.text(8), fold.text(3)}
            visit(fold.inner(6), inside)
            visit(fold.inner(7), inside)

    visit(parsed.expression, frozenset())
    return (
        frozenset(names)
        - (TYPE_NAMES - {"type"})  # among names of types, only this one is likely to be meant as a field
        - {name.partition(".")[0] for name in (*NAMESPACED, *TYPE_NAMES) if "." in name}
    )


_INNER = ((_SELECT, (1,)), (_CALL, (1, 3)), (_LIST, (1,)))


@dataclass(frozen=True, slots=True)
class _Lowering:
    parsed: Parsed
    environment: Environment

    def lower(self, message: Message, local: frozenset[str]) -> Node:
        number = message.one(_ID, 0)
        node = self._node(message, local, self._at(number))
        declared = self.parsed.types.get(number, DYN)
        of = self._better(node, declared)
        return replace(node, type=of, at=self._at(number))

    def _at(self, number: int) -> int:
        return self.parsed.positions.get(number, 0)

    def _better(self, node: Node, declared: CelType) -> CelType:
        """The schema's own type of a field: it knows of symbols, of lists that may be null, and what cannot be null."""
        if isinstance(node, Name) and not node.local:
            return self.environment.variables.get(node.name, declared)
        if isinstance(node, Field) and not node.test and not node.optional and node.operand.type.tag is Tag.STRUCT:
            struct = self.environment.structs[node.operand.type.name]
            of = struct.fields.get(node.name, declared)
            return of.or_null(of.nullable or node.operand.type.nullable)
        if isinstance(node, Literal) and type(node.value) is Decimal:
            return CelType(Tag.DECIMAL)
        if isinstance(node, Call) and node.function not in _PASSING:
            return replace(declared, nullable=False)
        return declared

    def _node(self, message: Message, local: frozenset[str], at: int) -> Node:
        if _CONST in message:
            return Literal(_constant(message.inner(_CONST)))
        if _IDENT in message:
            return self._name(message.inner(_IDENT).text(1), local, at)
        if _SELECT in message:
            return self._select(message, local, at)
        if _CALL in message:
            return self._call(message.inner(_CALL), local, at)
        if _LIST in message:
            made = message.inner(_LIST)
            items = tuple(self.lower(each, local) for each in made.each(1))
            return ListOf(items, frozenset(bytes(made.one(2, b""))))
        if _STRUCT in message:
            return self._map(message.inner(_STRUCT), local, at)
        return self._fold(message.inner(_FOLD), local, at)

    def _name(self, name: str, local: frozenset[str], at: int) -> Node:
        if name in local:
            return Name(name, local=True)
        name = name.removeprefix(".").removeprefix(FIELD_PREFIX)
        if name in self.environment.variables:
            return Name(name)
        if name in TYPE_NAMES:
            return Literal(TypeValue(name))
        return self._unknown(
            at, f"there is no field or variable '{name}'", did_you_mean(name, self.environment.variables)
        )

    def _select(self, message: Message, local: frozenset[str], at: int) -> Node:
        select = message.inner(_SELECT)
        dotted = "" if select.one(3) else _dotted(message)
        root = dotted.removeprefix(".").partition(".")[0]
        if dotted and root not in local:
            name = dotted.removeprefix(".").removeprefix(FIELD_PREFIX)
            if name in self.environment.variables or (name in TYPE_NAMES and root not in self.environment.variables):
                return self._name(name, frozenset(), at)
        operand = self.lower(select.inner(1), local)
        if isinstance(operand, Literal) and isinstance(operand.value, TypeValue):
            raise InvalidWhere([self._problem(at, f"there is no field or variable '{dotted or operand.value.name}'")])
        path = path_of(operand) if self.environment.open else ()
        lenient = bool(path) and path[0] not in {"headers", "key"}
        return Field(operand, select.text(2), test=bool(select.one(3)), lenient=lenient)

    def _call(self, call: Message, local: frozenset[str], at: int) -> Node:
        function, receiver = call.text(2), call.inner(1)
        arguments = tuple(self.lower(each, local) for each in call.each(3))
        if receiver:
            space = _dotted(receiver).removeprefix(".")
            whole = f"{space}.{function}"
            if whole in NAMESPACED and space.partition(".")[0] not in local:
                return Call(whole, arguments)
            return self._known(Call(function, (self.lower(receiver, local), *arguments), member=True), at)
        arguments = _decimal_literals(function, arguments)
        function = function.removeprefix(".").removeprefix(FIELD_PREFIX)
        if function == "_?._" and isinstance(arguments[1], Literal):
            return Field(arguments[0], arguments[1].value, optional=True)
        return self._known(Call(function, arguments), at)

    def _known(self, call: Call, at: int) -> Call:
        if call.function not in KNOWN_FUNCTIONS:
            hint = did_you_mean(call.function, KNOWN_FUNCTIONS)
            return self._unknown(at, f"there is no function '{call.function}'", hint)
        return call

    def _unknown(self, at: int, message: str, suggestion: str) -> Call:
        """What fails when it is evaluated, as the specification has it of unchecked expressions."""
        if self.parsed.checked:
            raise InvalidWhere([self._problem(at, message, suggestion)])
        return Call("@fail", (Literal(message),))

    def _map(self, made: Message, local: frozenset[str], at: int) -> Node:
        if made.text(1):
            raise InvalidWhere([self._problem(at, f"an expression cannot make a '{made.text(1)}'", "use a map")])
        entries = made.each(2)
        return MapOf(
            tuple(Entry(self.lower(e.inner(3), local), self.lower(e.inner(4), local), bool(e.one(5))) for e in entries)
        )

    def _fold(self, message: Message, local: frozenset[str], at: int) -> Node:
        fold = read_fold(message)
        if fold is None:
            raise InvalidWhere([self._problem(at, "a macro of this form is not known")])
        inside = local | set(fold.variables)
        range_ = self.lower(fold.range, local)

        def part(which: Message | None) -> Node | None:
            return None if which is None else self.lower(which, inside)

        give = self.lower(fold.give, inside)
        if fold.quantifier is not None:
            return Quantify(fold.quantifier, range_, fold.variables, give)
        if fold.let:
            return Let(fold.variables[0], range_, give)
        if fold.map:
            return CollectMap(range_, fold.variables, part(fold.keep), part(fold.key), give)
        return Collect(range_, fold.variables, part(fold.keep), give)

    def _problem(self, at: int, message: str, suggestion: str = "") -> WhereProblem:
        before = self.parsed.text[:at]
        line = before.count("\n") + 1
        return WhereProblem(at - (before.rfind("\n") + 1) + 1, message, suggestion, line)


_PASSING = frozenset({"_?_:_", "_[_]", "dyn", "value", "orValue", "math.@max", "math.@min"})
"""Functions whose result can be null where what they are given can be, or can hold it."""

_WITH_DECIMALS = frozenset({*(f"_{symbol}_" for symbol in ("<", "<=", ">", ">=", "==", "!=", "+", "-", "*")), "@in"})


def _decimal_literals(function: str, arguments: tuple[Node, ...]) -> tuple[Node, ...]:
    """A double in the text that meets a decimal is taken as the decimal that it spells: 0.1 is a tenth there."""
    if function not in _WITH_DECIMALS or all(each.type.tag is not Tag.DECIMAL for each in arguments):
        return arguments

    def spelt(node: Node) -> Node:
        if isinstance(node, Literal) and type(node.value) is float:
            return Literal(Decimal(repr(node.value)), type=CelType(Tag.DECIMAL), at=node.at)
        return replace(node, items=tuple(map(spelt, node.items))) if isinstance(node, ListOf) else node

    return tuple(map(spelt, arguments))


def _constant(message: Message) -> object:
    ((number, values),) = message.items()
    value = values[-1]
    match number:
        case 1:
            return None
        case 2:
            return bool(value)
        case 3:
            return signed(value)
        case 4:
            return Uint(value)
        case 6:
            return bytes(value).decode()
    return value


def _dotted(message: Message) -> str:
    """`a.b.c` where a tree is just that; else empty."""
    if _IDENT in message:
        return message.inner(_IDENT).text(1)
    if _SELECT in message:
        select = message.inner(_SELECT)
        before = "" if select.one(3) else _dotted(select.inner(1))
        return f"{before}.{select.text(2)}" if before else ""
    return ""
