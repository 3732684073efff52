"""The tree of an expression, as we evaluate and compile it: macros are nodes of their own, names are resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from router.language.cel.types import DYN, CelType

__all__ = [
    "Call",
    "Collect",
    "CollectMap",
    "Entry",
    "Field",
    "Let",
    "ListOf",
    "Literal",
    "MapOf",
    "Name",
    "Node",
    "Quantifier",
    "Quantify",
    "children",
    "path_of",
    "walk",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What all nodes have."""

    type: CelType = DYN
    at: int = 0
    """Offset of the node's operator, or of its first character, in code points."""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value that stands in the text, or that could be computed from what does."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable: of the environment, or `local` to the macro around it."""

    name: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`operand.name`; as a `test` it is `has(operand.name)`, as `optional` it is `operand.?name`."""

    operand: Node
    name: str
    test: bool = False
    optional: bool = False
    lenient: bool = False
    """Whether an absent field is null: fields of a JSON record without a schema, which are read by their paths."""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or an operator; a method's receiver is the first argument."""

    function: str
    arguments: tuple[Node, ...]
    member: bool = False


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, ?b]`; `optional` has the indices of items that may be absent."""

    items: tuple[Node, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a map; after a `?` the value may be absent."""

    key: Node
    value: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """`{a: b, ?c: d}`."""

    entries: tuple[Entry, ...]


class Quantifier(StrEnum):
    """How many must fulfil a condition."""

    ALL = "all"
    EXISTS = "exists"
    EXISTS_ONE = "exists_one"


@dataclass(frozen=True, slots=True)
class Quantify(Node):
    """`range.all(x, condition)` and its like; with two variables the first is the index or the key."""

    quantifier: Quantifier
    range: Node
    variables: tuple[str, ...]
    condition: Node


@dataclass(frozen=True, slots=True)
class Collect(Node):
    """`range.map(x, keep, give)`, `filter`, `transformList`: a list of what is given for each that is kept."""

    range: Node
    variables: tuple[str, ...]
    keep: Node | None
    give: Node


@dataclass(frozen=True, slots=True)
class CollectMap(Node):
    """`transformMap`, and with a map as `give` and no key, `transformMapEntry`."""

    range: Node
    variables: tuple[str, ...]
    keep: Node | None
    key: Node | None
    give: Node


@dataclass(frozen=True, slots=True)
class Let(Node):
    """`cel.bind(name, value, body)`; the value is computed only where the body asks for it."""

    name: str
    value: Node
    body: Node


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly in a node, in the order of the text."""
    match node:
        case Field(operand=operand):
            return (operand,)
        case Call(arguments=arguments):
            return arguments
        case ListOf(items=items):
            return items
        case MapOf(entries=entries):
            return tuple(each for entry in entries for each in (entry.key, entry.value))
        case Quantify(range=range_, condition=condition):
            return (range_, condition)
        case Collect(range=range_, keep=keep, give=give):
            return (range_, give) if keep is None else (range_, keep, give)
        case CollectMap(range=range_, keep=keep, key=key, give=give):
            return tuple(each for each in (range_, keep, key, give) if each is not None)
        case Let(value=value, body=body):
            return (value, body)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is in it."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending += children(node)


def path_of(node: Node) -> tuple[str, ...]:
    """The names of `a.b.c` where a node is just that, from a variable of the environment; empty where it is not."""
    names: list[str] = []
    while isinstance(node, Field) and not node.test and not node.optional:
        names.append(node.name)
        node = node.operand
    if not isinstance(node, Name) or node.local:
        return ()
    return (node.name, *reversed(names))
