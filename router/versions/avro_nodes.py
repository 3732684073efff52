"""Avro schemas as compatibility sees them: a tree with aliases, defaults and identities, by the specification's own rules. Pure.

`router.records.avro` keeps of a schema what reading needs; here is what comparing needs. What the specification leaves open
is taken as its Java implementation takes it, since that is what most producers and consumers run: names may be referred to
before they are defined, a default of a union may be of any branch, and a definition may be repeated word for word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from router.errors import InvalidSchema
from router.records.avro import DEPTH_LIMIT
from router.records.field_type import Kind

__all__ = ["NAMED", "AvroField", "AvroNode", "is_valid_default", "nodes_of", "parse_avro_nodes", "parse_avro_value"]

NAMED = frozenset({Kind.RECORD, Kind.ENUM, Kind.FIXED})
_PRIMITIVES = frozenset(
    {Kind.NULL, Kind.BOOLEAN, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.DOUBLE, Kind.BYTES, Kind.STRING}
)
_RESERVED = frozenset(
    {"type", "name", "namespace", "aliases", "doc", "fields", "symbols", "default", "items", "values"}
)
_INTEGERS = {Kind.INT: 1 << 31, Kind.LONG: 1 << 63}


@dataclass(frozen=True, eq=False, slots=True)
class AvroField:
    """One field of a record."""

    name: str
    type: AvroNode
    aliases: tuple[str, ...] = ()
    has_default: bool = False
    default: Any = None
    """As it stands in the schema's JSON."""


@dataclass(eq=False, slots=True)
class AvroNode:
    """One type where it is defined. Nodes are told apart by identity: a record may lead to itself.

    Not frozen, since a record's fields are known only after the record has a name that they may refer to.
    """

    kind: Kind
    name: str = ""
    """Full name of a record, an enum or a fixed."""
    aliases: tuple[str, ...] = ()
    """Full names; one that can name nothing (`.x` within a namespace) begins with a dot."""
    fields: tuple[AvroField, ...] = ()
    symbols: tuple[str, ...] = ()
    default_symbol: str | None = None
    size: int = 0
    branches: tuple[AvroNode, ...] = ()
    """A union's types; the one type of an array's items or a map's values."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What stands beside the specification's own keys, `logicalType` and its attributes among it."""

    @property
    def short_name(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(".")[2]

    @property
    def items(self) -> AvroNode:
        """What an array or a map holds."""
        return self.branches[0]

    @property
    def logical(self) -> str | None:
        """The logical type that it says, sound or not."""
        stated = self.properties.get("logicalType")
        return stated if isinstance(stated, str) else None


def parse_avro_nodes(text: str, *, file: str) -> AvroNode:
    """The tree of a schema's text; `InvalidSchema` names the file and what is wrong."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidSchema(
            file=file, problem=f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise InvalidSchema(file=file, problem=f"its types stand deeper than {DEPTH_LIMIT} in each other") from error
    return parse_avro_value(value, file=file)


def parse_avro_value(value: Any, *, file: str) -> AvroNode:
    """The tree of a schema that is JSON already; else as `parse_avro_nodes`."""
    return _Parser(file).parse(value)


def nodes_of(root: AvroNode) -> Iterator[AvroNode]:
    """Every node of a tree once."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            pending += [*node.branches, *(each.type for each in node.fields)]


class _Reference:
    """Stands for a name that is defined further on."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Parser:
    def __init__(self, file: str) -> None:
        self.file = file
        self.named: dict[str, AvroNode] = {}
        self.texts: dict[str, str] = {}
        """Each definition with the namespace around it, to know a repetition by."""

    def parse(self, value: Any) -> AvroNode:
        root = self._resolved(self._node(value, "", 1))
        for node in _unresolved_nodes(root):
            node.branches = tuple(self._resolved(each) for each in node.branches)
            node.fields = tuple(
                AvroField(each.name, self._resolved(each.type), each.aliases, each.has_default, each.default)
                if isinstance(each.type, _Reference)
                else each
                for each in node.fields
            )
        for node in nodes_of(root):
            self._check_union(node)
            for each in node.fields:
                if each.has_default and not is_valid_default(each.type, each.default):
                    self._refuse(
                        f"the default of field '{each.name}' of '{node.name}' is {_shown(each.default)}, no {each.type.kind}"
                    )
        return root

    def _resolved(self, node: Any) -> AvroNode:
        if not isinstance(node, _Reference):
            found: AvroNode = node
            return found
        if node.name not in self.named:
            self._refuse(f"it names the type '{node.name}', which it does not define")
        return self.named[node.name]

    def _node(self, value: Any, space: str, depth: int) -> Any:
        if depth > DEPTH_LIMIT:
            self._refuse(f"its types stand deeper than {DEPTH_LIMIT} in each other")
        match value:
            case str():
                return self._named(value, space)
            case list():
                return AvroNode(Kind.UNION, branches=tuple(self._node(each, space, depth + 1) for each in value))
            case {"type": str() as kind}:
                return self._object(kind, value, space, depth)
            case dict():
                self._refuse(f"a type lacks its 'type', or it is no text: {_shown(value)}")
        return self._refuse(f"{_shown(value)} is no type")

    def _named(self, name: str, space: str) -> Any:
        if name in _PRIMITIVES:
            return AvroNode(Kind(name))
        full = name if "." in name or not space else f"{space}.{name}"
        return self.named.get(full) or self.named.get(name) or _Reference(full)

    def _object(self, kind: str, value: dict[str, Any], space: str, depth: int) -> Any:
        properties = {key: each for key, each in value.items() if key not in _RESERVED}
        if kind in _PRIMITIVES:
            return AvroNode(Kind(kind), properties=properties)
        match kind:
            case "array" | "map":
                held = "items" if kind == "array" else "values"
                if held not in value:
                    self._refuse(f"a type '{kind}' lacks its '{held}'")
                return AvroNode(
                    Kind(kind), branches=(self._node(value[held], space, depth + 1),), properties=properties
                )
            case "record" | "error" | "enum" | "fixed":
                return self._definition(kind, value, properties, space=space, depth=depth)
        return self._named(kind, space)

    def _definition(
        self, kind: str, value: dict[str, Any], properties: dict[str, Any], *, space: str, depth: int
    ) -> AvroNode:
        full = self._full_name(value, space)
        text = f"{space} {json.dumps(value, sort_keys=True)}"
        if full in self.named:
            if self.texts[full] != text:
                self._refuse(f"'{full}' is defined twice")
            return self.named[full]
        space = full.rpartition(".")[0]
        node = AvroNode(Kind.RECORD if kind == "error" else Kind(kind), name=full, properties=properties)
        node.aliases = tuple(dict.fromkeys(_alias(each, space) for each in self._aliases(value, full)))
        self.named[full], self.texts[full] = node, text
        if node.kind is Kind.RECORD:
            node.fields = self._fields(value, node, space=space, depth=depth)
        elif node.kind is Kind.ENUM:
            self._symbols(value, node)
        else:
            size = value.get("size")
            if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 31:
                self._refuse(f"fixed '{full}' has the size {_shown(size)}")
            node.size = size
            node.properties = {key: each for key, each in properties.items() if key != "size"}
        return node

    def _full_name(self, value: dict[str, Any], space: str) -> str:
        name, stated = value.get("name"), value.get("namespace")
        if not isinstance(name, str):
            self._refuse(f"a type '{value['type']}' has no name")
        if "." in name:
            space, _, name = name.rpartition(".")
        elif isinstance(stated, str):
            space = stated
        full = f"{space}.{name}" if space else name
        if not all(map(_is_name, full.split("."))):
            self._refuse(f"'{full}' is no name")
        if full in _PRIMITIVES:
            self._refuse(f"a type is named after '{full}'")
        return full

    def _aliases(self, value: dict[str, Any], owner: str) -> list[str]:
        aliases = value.get("aliases", [])
        if not isinstance(aliases, list) or not all(isinstance(each, str) and each for each in aliases):
            self._refuse(f"the aliases of '{owner}' are no list of names")
        return aliases

    def _fields(self, value: dict[str, Any], node: AvroNode, *, space: str, depth: int) -> tuple[AvroField, ...]:
        stated = value.get("fields")
        if not isinstance(stated, list):
            self._refuse(f"record '{node.name}' has no list of fields")
        fields: dict[str, AvroField] = {}
        for each in stated:
            name = each.get("name") if isinstance(each, dict) else None
            if not isinstance(name, str) or not _is_name(name):
                self._refuse(f"record '{node.name}' has a field with the name {name!r}")
            if name in fields:
                self._refuse(f"record '{node.name}' has the field '{name}' twice")
            if "type" not in each:
                self._refuse(f"field '{name}' of '{node.name}' has no type")
            fields[name] = AvroField(
                name,
                self._node(each["type"], space, depth + 1),
                aliases=tuple(dict.fromkeys(self._aliases(each, f"{node.name}.{name}"))),
                has_default="default" in each,
                default=each.get("default"),
            )
        return tuple(fields.values())

    def _symbols(self, value: dict[str, Any], node: AvroNode) -> None:
        symbols = value.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(each, str) and _is_name(each) for each in symbols):
            self._refuse(f"enum '{node.name}' has no list of symbols that are names")
        if len(set(symbols)) < len(symbols):
            self._refuse(f"enum '{node.name}' has a symbol twice")
        default = value.get("default")
        if isinstance(default, str) and default not in symbols:
            self._refuse(f"the default of enum '{node.name}', '{default}', is none of its symbols")
        node.symbols = tuple(symbols)
        node.default_symbol = default if isinstance(default, str) else None

    def _check_union(self, node: AvroNode) -> None:
        if node.kind is not Kind.UNION:
            return
        names = [each.name or str(each.kind) for each in node.branches]
        if Kind.UNION in {each.kind for each in node.branches}:
            self._refuse("a union stands directly in a union")
        if len(set(names)) < len(names):
            self._refuse(f"a union has a type twice: {', '.join(names)}")

    def _refuse(self, problem: str) -> NoReturn:
        raise InvalidSchema(file=self.file, problem=problem)


def _unresolved_nodes(root: AvroNode) -> Iterator[AvroNode]:
    """The nodes that are there while references are not resolved yet, a list since they change meanwhile."""
    seen: dict[int, AvroNode] = {}
    pending: list[Any] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, AvroNode) and id(node) not in seen:
            seen[id(node)] = node
            pending += [*node.branches, *(each.type for each in node.fields)]
    yield from seen.values()


def _alias(alias: str, space: str) -> str:
    """An alias without a namespace inherits its type's own; one of no namespace at all can't be said within one."""
    if "." not in alias:
        return f"{space}.{alias}" if space else alias
    if alias.startswith(".") and alias.count(".") == 1:
        return alias if space else alias[1:]
    return alias


def _is_name(text: str) -> bool:
    return text[:1].isalpha() | text.startswith("_") and all(each.isalnum() or each == "_" for each in text)


def is_valid_default(of: AvroNode, value: Any, depth: int = 0) -> bool:  # noqa: PLR0911 -- one return a kind is the plainest dispatch
    """Whether a default fits its type. One that would contain itself without end does not."""
    if depth > DEPTH_LIMIT:
        return False
    match of.kind:
        case Kind.NULL:
            return value is None
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INT | Kind.LONG:
            limit = _INTEGERS[of.kind]
            return isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit
        case Kind.FLOAT | Kind.DOUBLE:
            return _is_double(value)
        case Kind.ARRAY:
            return isinstance(value, list) and all(is_valid_default(of.items, each, depth + 1) for each in value)
        case Kind.MAP:
            return isinstance(value, dict) and all(
                is_valid_default(of.items, each, depth + 1) for each in value.values()
            )
        case Kind.UNION:
            return any(is_valid_default(each, value, depth + 1) for each in of.branches)
        case Kind.RECORD:
            return isinstance(value, dict) and all(
                (each.name in value or each.has_default)
                and is_valid_default(each.type, value.get(each.name, each.default), depth + 1)
                for each in of.fields
            )
    return isinstance(value, str)


def _is_double(value: Any) -> bool:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
