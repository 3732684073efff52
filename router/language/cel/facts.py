"""What an expression reads of a record: which fields, which headers, whether the key.

A scalar field is read by its path, as the field readers do; a list, a map, or a record as a whole is a `whole`, named by
the top-level field that it stands in. `headers` with a constant name reads that header alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.language.cel.environment import Environment
from router.language.cel.tree import Call, Field, ListOf, Literal, Name, Node, children, path_of
from router.language.cel.types import Tag

__all__ = ["Facts", "Reading", "read_facts"]

_SCALARS = frozenset(
    {Tag.BOOL, Tag.INT, Tag.DOUBLE, Tag.STRING, Tag.BYTES, Tag.TIMESTAMP, Tag.DURATION, Tag.DECIMAL, Tag.NULL}
)
_ON_SCALARS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "_*_", "_/_", "_%_"})
_METHODS = frozenset(
    {"startsWith", "endsWith", "contains", "matches", "int", "uint", "double", "string", "timestamp", "duration"}
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One field that an expression reads."""

    path: str
    """Dotted; of a whole the top-level field's name, or empty for the record itself."""
    whole: bool = False


@dataclass(slots=True)
class Facts:
    """All that an expression reads, each once and in the order of the text."""

    paths: dict[str, None] = field(default_factory=dict)
    whole: dict[str, None] = field(default_factory=dict)
    headers: dict[str, None] = field(default_factory=dict)
    all_headers: bool = False
    key: bool = False


def reading_of(node: Node, environment: Environment, *, scalar: bool = False) -> Reading | None:
    """What a node reads of the record's fields by itself; None where it is no path of fields.

    `scalar` says that a field of an unknown type is used as only a scalar can be.
    """
    names = path_of(replace_test(node))
    if not names or names[0] in {"headers", "key"}:
        return None
    of = environment.type_at(names)
    if names[0] == "record":
        names = names[1:]
        if not names:
            return Reading("", whole=True)
    known_scalar = of.tag in _SCALARS or (of.tag is Tag.DYN and (of.name == "scalar" or (environment.open and scalar)))
    return Reading(".".join(names)) if known_scalar else None


def replace_test(node: Node) -> Node:
    """`has(a.b)` reads what `a.b` does."""
    return Field(node.operand, node.name) if isinstance(node, Field) and (node.test or node.optional) else node


def read_facts(node: Node, environment: Environment) -> Facts:
    """The facts of a tree."""
    facts = Facts()
    _read(node, environment, facts, scalar=False)
    return facts


def _read(node: Node, environment: Environment, facts: Facts, *, scalar: bool) -> None:
    found = reading_of(node, environment, scalar=scalar)
    if found and not found.whole:
        facts.paths[found.path] = None
        return
    header = header_of(node)
    if header is not None:
        facts.headers[header] = None
        return
    if isinstance(node, Name) and not node.local:
        _read_name(node.name, facts)
        return
    names = path_of(replace_test(node))
    if names and names[0] == "record" and len(names) > 1:
        facts.whole[names[1]] = None
        return
    for each, below in zip(children(node), scalar_places(node), strict=True):
        _read(each, environment, facts, scalar=below)


def _read_name(name: str, facts: Facts) -> None:
    if name == "headers":
        facts.all_headers = True
    elif name == "key":
        facts.key = True
    else:
        facts.whole["" if name == "record" else name] = None


def header_of(node: Node) -> str | None:
    """The name of the one header that a node asks for: `headers.a`, `headers["a"]`, `has(headers.a)`, `"a" in headers`."""
    match node:
        case Field(operand=Name(name="headers", local=False), name=name):
            return name
        case Call(
            function="_[_]" | "_[?_]", arguments=(Name(name="headers", local=False), Literal(value=str() as name))
        ):
            return name
        case Call(function="@in", arguments=(Literal(value=str() as name), Name(name="headers", local=False))):
            return name
    return None


def scalar_places(node: Node) -> list[bool]:
    """For each child of a node, whether what stands there can only be a scalar for the node to have a sound value."""
    inner = children(node)
    if isinstance(node, Call):
        if node.function in _ON_SCALARS and any(isinstance(each, Literal) for each in inner):
            return [True] * len(inner)
        if (
            node.function == "@in"
            and isinstance(inner[1], ListOf)
            and all(isinstance(each, Literal) for each in inner[1].items)
        ):
            return [True, False]
        if node.function == "@in" and isinstance(inner[1], Literal):
            return [True, False]
        if node.function in _METHODS:
            return [True] * len(inner)
    return [False] * len(inner)
