"""Whether what an expression gives can be a value of an Avro type, as far as types tell. Pure."""

from __future__ import annotations

from router.language.cel.types import CelType, Tag
from router.records.field_type import Kind
from router.versions.avro_nodes import AvroNode
from router.versions.value_changes import meaning_of

__all__ = ["misfit"]

_TAGS: dict[Kind, frozenset[Tag]] = {
    Kind.BOOLEAN: frozenset({Tag.BOOL}),
    Kind.INT: frozenset({Tag.INT, Tag.UINT}),
    Kind.LONG: frozenset({Tag.INT, Tag.UINT}),
    Kind.FLOAT: frozenset({Tag.DOUBLE, Tag.INT, Tag.UINT}),
    Kind.DOUBLE: frozenset({Tag.DOUBLE, Tag.INT, Tag.UINT}),
    Kind.BYTES: frozenset({Tag.BYTES}),
    Kind.FIXED: frozenset({Tag.BYTES}),
    Kind.STRING: frozenset({Tag.STRING}),
    Kind.ENUM: frozenset({Tag.STRING}),
    Kind.ARRAY: frozenset({Tag.LIST}),
    Kind.MAP: frozenset({Tag.MAP, Tag.STRUCT}),
    Kind.RECORD: frozenset({Tag.MAP, Tag.STRUCT}),
    Kind.NULL: frozenset({Tag.NULL}),
}
_DECIMAL = frozenset({Tag.DECIMAL, Tag.INT, Tag.UINT})
_UNKNOWN = frozenset({Tag.DYN, Tag.OPTIONAL, Tag.OPAQUE, Tag.TYPE})


def misfit(of: CelType, target: AvroNode) -> str:  # noqa: PLR0911 -- one return a reason
    """Why no value of the expression's type fits; empty where one may. What only a record can tell is told by it."""
    if of.tag is Tag.OPTIONAL:
        return "it is an optional: say what stands for an absent value, with orValue(…)"
    if of.tag in _UNKNOWN:
        return ""
    if target.kind is Kind.UNION:
        reasons = [misfit(of, branch) for branch in target.branches]
        return "" if "" in reasons else f"it is {of}, and the union takes no such value"
    if of.tag not in _wanted(target):
        return f"it is {of}, and the field is {_named(target)}"
    if target.kind is Kind.ENUM and of.symbols:
        strange = [each for each in of.symbols if each not in target.symbols]
        return f"it can be {', '.join(strange)}, which '{target.name}' does not have" if strange else ""
    if target.kind in {Kind.ARRAY, Kind.MAP} and of.tag is not Tag.STRUCT:
        inner = misfit(of.element, target.items)
        return f"of what it holds, {inner}" if inner else ""
    return ""


def _wanted(target: AvroNode) -> frozenset[Tag]:
    meaning = (meaning_of(target) or ("",))[0]
    if meaning == "decimal":
        return _DECIMAL
    if meaning.startswith("time-"):
        return frozenset({Tag.DURATION})
    if meaning in {"", "duration"}:
        return _TAGS[target.kind] | ({Tag.STRING} if target.kind is Kind.FIXED and target.logical == "uuid" else set())
    return frozenset({Tag.TIMESTAMP})


def _named(target: AvroNode) -> str:
    meaning = meaning_of(target)
    return meaning[0] if meaning else f"{target.kind} '{target.name}'" if target.name else str(target.kind)
