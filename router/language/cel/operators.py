"""Where Python's own operators mean what an expression's do: decided from the types that are known without doubt."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from router.language.cel.tree import Call, ListOf, Literal, Node
from router.language.cel.types import CelType, Tag

__all__ = ["in_place"]


class _Code(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def type(self) -> CelType: ...
    @property
    def sure(self) -> Tag | None: ...


class _Writer(Protocol):
    def constant(self, value: Any) -> str: ...
    def pattern(self, pattern: str) -> str | None: ...


_EXACT_DOUBLE = 2**53
"""Up to here a double tells integers apart, so that comparing exactly and comparing as doubles are the same."""

_ORDERED = {Tag.INT, Tag.UINT, Tag.DOUBLE, Tag.STRING, Tag.BYTES, Tag.DECIMAL, Tag.TIMESTAMP, Tag.DURATION, Tag.BOOL}
_INTEGERS = {Tag.INT, Tag.UINT}

_Written = tuple[str, bool] | None
"""The text, and whether it can fail by itself."""


def in_place(node: Call, codes: Sequence[_Code], writer: _Writer) -> _Written:
    """The operator's code in Python itself, if there is any that means the same."""
    match node.function:
        case "_==_" | "_!=_":
            return _equality(node, codes, "==" if node.function == "_==_" else "!=")
        case "_<_" | "_<=_" | "_>_" | "_>=_":
            return _order(node, codes, node.function.strip("_"))
        case "@in":
            return _membership(node, codes, writer)
        case "_[_]":
            return _index(codes)
        case "!_":
            return (f"(not {codes[0].text})", False) if codes[0].sure is Tag.BOOL else None
        case "_+_" | "_-_" | "_*_":
            return _sum(codes, node.function.strip("_"))
        case "startsWith" | "endsWith" | "contains" | "size" | "matches":
            return _method(node, codes, writer)
        case "dyn" if not isinstance(node.arguments[0], Literal):
            return codes[0].text, False
    return None


def _comparable(node: Call, codes: Sequence[_Code]) -> bool:
    """Whether Python compares values of these types as the specification does; null aside."""
    left, right = (code.type.tag for code in codes)
    if left is right:
        return left in _ORDERED
    tags = {left, right}
    if tags <= _INTEGERS or (Tag.DECIMAL in tags and tags <= {*_INTEGERS, Tag.DECIMAL}):
        return True
    if tags == {Tag.INT, Tag.DOUBLE}:
        return any(_small(each) for each in node.arguments)
    return False


def _small(node: Node) -> bool:
    return isinstance(node, Literal) and type(node.value) in {int, float} and abs(node.value) <= _EXACT_DOUBLE


def _equality(node: Call, codes: Sequence[_Code], symbol: str) -> _Written:
    left, right = codes
    if all(isinstance(each, Literal) for each in node.arguments):
        return None
    for one, other, argument in ((left, right, node.arguments[1]), (right, left, node.arguments[0])):
        if isinstance(argument, Literal):
            if argument.value is None:
                return f"({one.text} is {'' if symbol == '==' else 'not '}None)", False
            if type(argument.value) in {str, bytes}:
                # Nothing else equals a text, so that the other side may be of any type.
                return f"({one.text} {symbol} {other.text})", False
    return (f"({left.text} {symbol} {right.text})", False) if _comparable(node, codes) else None


def _order(node: Call, codes: Sequence[_Code], symbol: str) -> _Written:
    if not _comparable(node, codes):
        return None
    fails = any(code.sure is None for code in codes)
    return f"({codes[0].text} {symbol} {codes[1].text})", fails


_KINDS: dict[Tag, set[type]] = {
    Tag.STRING: {str},
    Tag.BYTES: {bytes},
    Tag.INT: {int, float},
    Tag.DOUBLE: {int, float},
    Tag.DECIMAL: {int, Decimal},
}


def _membership(node: Call, codes: Sequence[_Code], writer: _Writer) -> _Written:
    value, container = codes
    literal = node.arguments[1]
    if isinstance(literal, Literal) and type(literal.value) is list:
        values = literal.value
        kinds = set(map(type, values))
        small = all(abs(each) <= _EXACT_DOUBLE for each in values if type(each) in {int, float})
        if kinds <= _KINDS.get(value.type.tag, set()) and small:
            # A set of constants in the text is a constant of the code, which is quicker to reach than a global.
            plain = values and kinds <= {str, int, float, bytes}
            listed = f"{{{', '.join(map(repr, values))}}}" if plain else writer.constant(frozenset(values))
            return f"({value.text} in {listed})", False
        if value.type.tag is Tag.DYN and kinds <= {str}:
            return f"({value.text} in {writer.constant(tuple(values))})", False  # it may be what has no hash
        return None
    if container.type.tag is Tag.MAP and value.sure in {Tag.STRING, *_INTEGERS}:
        return f"({value.text} in {container.text})", container.sure is None
    if container.sure is Tag.LIST and isinstance(node.arguments[0], Literal) and value.sure is Tag.STRING:
        return f"({value.text} in {container.text})", False
    if isinstance(literal, ListOf):
        return None
    return None


def _index(codes: Sequence[_Code]) -> _Written:
    container, key = codes
    if container.type.tag is Tag.MAP and key.sure in {Tag.STRING, *_INTEGERS}:
        return f"{container.text}[{key.text}]", True
    return None


def _sum(codes: Sequence[_Code], symbol: str) -> _Written:
    tags = {code.type.tag for code in codes}
    if len(codes) != 2 or len(tags) != 1:
        return None
    fails = any(code.sure is None for code in codes)
    text = f"{codes[0].text} {symbol} {codes[1].text}"
    match tags.pop():
        case Tag.INT:
            return f"to_int({text})", True
        case Tag.DOUBLE:
            return f"({text})", fails
        case Tag.STRING if symbol == "+":
            return f"({text})", fails
    return None


def _method(node: Call, codes: Sequence[_Code], writer: _Writer) -> _Written:
    receiver = codes[0]
    fails = any(code.sure is None for code in codes)
    if node.function == "size":
        sized = receiver.type.tag in {Tag.STRING, Tag.BYTES, Tag.LIST, Tag.MAP}
        return (f"len({receiver.text})", fails) if sized else None
    if any(code.type.tag is not Tag.STRING for code in codes):
        return None
    text, part = codes[0].text, codes[1].text
    match node.function:
        case "startsWith":
            return f"{text}.startswith({part})", fails
        case "endsWith":
            return f"{text}.endswith({part})", fails
        case "contains":
            return f"({part} in {text})", fails
    pattern = node.arguments[1]
    if isinstance(pattern, Literal):
        search = writer.pattern(pattern.value)
        return (f"{search}({text})", fails) if search else None
    return None
