"""Google's front end: parses, expands macros and checks types. The one module that knows it.

It gives the tree serialised; what comes out of here is that tree read from the wire, with a type for each node where types
were checked, and offsets. Its limits (nesting of 32, 100,000 characters) bound whatever is done with the tree afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from router.language.cel.declarations import configuration
from router.language.cel.descriptors import DECIMAL, WRAPPERS, message_pool
from router.language.cel.environment import Environment
from router.language.cel.types import BOOL, DYN, CelType, Tag
from router.language.cel.wire import Message, read_message
from router.language.cel.wording import problems_of

__all__ = ["FIELD_PREFIX", "Parsed", "parse"]

FIELD_PREFIX = "_field."
"""Variables stand in a container of this name, where they hide the names of types: `type` and `string` are good field names."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An expression's tree from the wire."""

    text: str
    expression: Message
    types: Mapping[int, CelType]
    """By a node's id; empty where types were not checked."""
    positions: Mapping[int, int]
    """By a node's id, its offset in code points."""
    checked: bool


def parse(text: str, environment: Environment, *, check: bool = True) -> Parsed:
    """Parse a text and check its types against what the environment declares; InvalidWhere has all problems."""
    try:
        compiled = _engine(environment).compile(text, disable_check=not check)
        envelope = read_message(compiled.serialize())
    except RuntimeError as error:
        raise problems_of(str(error), text, environment) from error
    body = envelope.inner(2)
    if not check:
        info = body.inner(3)
        return Parsed(text, body.inner(2), {}, info.mapping(4), checked=False)
    types = {number: _type(read_message(of), environment) for number, of in body.mapping(3).items()}
    return Parsed(text, body.inner(4), types, body.inner(5).mapping(4), checked=True)


@lru_cache(maxsize=32)
def _engine(environment: Environment) -> Any:
    variables = {FIELD_PREFIX + name: _declared(of) for name, of in environment.variables.items()}
    variables |= dict.fromkeys(("net.IP", "net.CIDR"), cel.Type.DYN)
    return cel.NewEnv(
        message_pool(environment),
        config=_configuration(),
        variables=variables,
        container=FIELD_PREFIX.removesuffix("."),
    )


@lru_cache(maxsize=1)
def _configuration() -> Any:
    return cel.NewEnvConfigFromYaml(configuration())


_DECLARED = {
    Tag.DYN: "DYN",
    Tag.NULL: "NULL",
    Tag.BOOL: "BOOL",
    Tag.INT: "INT",
    Tag.UINT: "UINT",
    Tag.DOUBLE: "DOUBLE",
    Tag.STRING: "STRING",
    Tag.BYTES: "BYTES",
    Tag.TIMESTAMP: "TIMESTAMP",
    Tag.DURATION: "DURATION",
}


def _declared(of: CelType) -> Any:
    """A type as the front end's own; a nullable list or map is dyn, since it has no such type."""
    if of.nullable and of.tag in WRAPPERS:
        return cel.Type(WRAPPERS[of.tag])
    if of.tag in _DECLARED:
        return getattr(cel.Type, _DECLARED[of.tag])
    if of.tag is Tag.DECIMAL:
        return cel.Type(DECIMAL)
    if of.tag is Tag.STRUCT:
        return cel.Type(of.name)
    if of.tag is Tag.LIST and not of.nullable:
        return cel.Type.List(_declared(of.element))
    if of.tag is Tag.MAP and not of.nullable:
        return cel.Type.Map(_declared(of.parameters[0] if of.parameters else DYN), _declared(of.element))
    return cel.Type.DYN


_PRIMITIVE = {
    1: BOOL,
    2: CelType(Tag.INT),
    3: CelType(Tag.UINT),
    4: CelType(Tag.DOUBLE),
    5: CelType(Tag.STRING),
    6: CelType(Tag.BYTES),
}
_WELL_KNOWN = {2: CelType(Tag.TIMESTAMP, nullable=True), 3: CelType(Tag.DURATION, nullable=True)}


def _type(message: Message, environment: Environment) -> CelType:
    """A type from the wire. What messages stand for may be null for all that the checker knows."""
    ((number, values),) = message.items() or ((1, [b""]),)
    value: Any = values[-1]
    match number:
        case 2:
            return CelType(Tag.NULL)
        case 3:
            return _PRIMITIVE[value]
        case 4:
            return _PRIMITIVE[value].or_null()
        case 5:
            return _WELL_KNOWN.get(value, DYN)
        case 6:
            return CelType(Tag.LIST, (_type(read_message(value).inner(1), environment),))
        case 7:
            inner = read_message(value)
            return CelType(Tag.MAP, (_type(inner.inner(1), environment), _type(inner.inner(2), environment)))
        case 9:
            name = value.decode()
            if name == DECIMAL:
                return CelType(Tag.DECIMAL, nullable=True)
            return CelType(Tag.STRUCT, name=name, nullable=True) if name in environment.structs else DYN
        case 11:
            return CelType(Tag.TYPE)
        case 14:
            name = read_message(value).text(1)
            return CelType(Tag.OPTIONAL) if name == "optional_type" else CelType(Tag.OPAQUE, name=name)
    return DYN
