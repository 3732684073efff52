"""What conversions ask of a JSON Schema: which properties an object has, what of one schema another takes, what an expression may give. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from router.language.cel.types import CelType, Tag
from router.records.json_schema import JsonSchema
from router.versions.compatibility import Incompatibility, Verdict
from router.versions.encoding import ConversionFailed
from router.versions.json_compatibility import json_containment
from router.versions.json_values import accepts, types_of

__all__ = ["JsonType", "fitting", "json_misfit", "takes", "undeclared"]

_TAGS: Mapping[str, frozenset[Tag]] = {
    "boolean": frozenset({Tag.BOOL}),
    "integer": frozenset({Tag.INT, Tag.UINT}),
    "number": frozenset({Tag.DOUBLE, Tag.INT, Tag.UINT}),
    "string": frozenset({Tag.STRING}),
    "array": frozenset({Tag.LIST}),
    "object": frozenset({Tag.MAP, Tag.STRUCT}),
    "null": frozenset({Tag.NULL}),
}
_DEEPEST = 8
"""How deep lists may stand in each other for what they hold to be converted."""
_UNKNOWN = frozenset({Tag.DYN, Tag.OPAQUE, Tag.TYPE})
_PLAIN = frozenset({"type", "title", "description", "default", "examples", "$comment", "deprecated"})
_PYTHON: Mapping[str, Any] = {"boolean": bool, "integer": int, "string": str}


@dataclass(frozen=True, eq=False, slots=True)
class JsonType:
    """A schema where it stands: what it stands for, and whether null is possible."""

    schema: JsonSchema
    """The document that its references lead into."""
    stated: Any
    here: Mapping[str, Any]
    nullable: bool

    @classmethod
    def of(cls, schema: JsonSchema, stated: Any) -> JsonType:
        """The type that a schema within a document states; true and false are any and none."""
        given = stated if isinstance(stated, dict) else {} if stated else {"not": {}}
        here, nullable = schema.resolve(given)
        return cls(schema, given, here, nullable)

    @property
    def types(self) -> frozenset[str]:
        """JSON's types that it admits beside null; all, where it says none."""
        return types_of(self.here) - {"null"}

    @property
    def properties(self) -> Mapping[str, Any]:
        """Of an object that declares them; else none."""
        found: Mapping[str, Any] = self.here.get("properties", {})
        declared = "type" not in self.here or self.types == {"object"}
        return found if declared else {}

    @property
    def required(self) -> frozenset[str]:
        """The names that every object has."""
        return frozenset(self.here.get("required", ()))

    @property
    def items(self) -> JsonType | None:
        """What a list holds."""
        return JsonType.of(self.schema, self.here.get("items", True)) if self.types == {"array"} else None

    @property
    def values(self) -> JsonType | None:
        """What a map holds: an object that declares no properties, and says what those are that it has."""
        if self.types != {"object"} or self.here.get("properties"):
            return None
        return JsonType.of(self.schema, self.here.get("additionalProperties", True))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Of texts that are listed."""
        listed = [each for each in self.here.get("enum", ()) if each is not None]
        return tuple(listed) if all(isinstance(each, str) for each in listed) else ()

    @property
    def object_within(self) -> JsonType | None:
        """The object with properties that it is, or holds in a list or a map."""
        if self.properties:
            return self
        inner: JsonType | None = self
        for _ in range(_DEEPEST):
            inner = None if inner is None else inner.items or inner.values
            if inner is not None and inner.properties:
                return inner
        return None

    @property
    def rooted(self) -> JsonSchema:
        """The schema as a document of its own, with the definitions that it refers to."""
        kept = {name: self.schema.document[name] for name in ("$defs", "definitions") if name in self.schema.document}
        return JsonSchema(self.schema.file, {**self.here, **kept})

    def property(self, name: str) -> JsonType:
        """A declared property."""
        return JsonType.of(self.schema, self.properties[name])


def undeclared(source: JsonType, target: JsonType) -> str:
    """What becomes of properties that the source does not declare, and may have: `none`, `carried` or `lost`."""
    others = source.here.get("additionalProperties", True)
    if others is False:
        return "none"
    rest = target.here.get("additionalProperties", True)
    contained = json_containment(rest, others, target.schema.document, source.schema.document)
    return "carried" if contained.verdict is Verdict.COMPATIBLE else "lost"


def takes(source: JsonType, target: JsonType) -> tuple[Verdict, tuple[Incompatibility, ...]]:
    """Whether the target admits each value of the source, without losing what it would have to be told of.

    An object whose properties the target does not all declare is incompatible: each is looked at by itself.
    """
    found = json_containment(target.stated, source.stated, target.schema.document, source.schema.document)
    if found.verdict is Verdict.COMPATIBLE and not _all_declared(source, target, frozenset()):
        return Verdict.INCOMPATIBLE, ()
    return found.verdict, (*found.incompatibilities, *found.unknown)


def _all_declared(source: JsonType, target: JsonType, met: frozenset[tuple[int, int]]) -> bool:
    pair = id(source.here), id(target.here)
    if pair in met:
        return True
    met |= {pair}
    inner = [(source.items, target.items), (source.values, target.values)]
    if target.properties:
        if source.properties.keys() - target.properties.keys():
            return False
        inner += [(source.property(name), target.property(name)) for name in source.properties]
    return all(_all_declared(one, other, met) for one, other in inner if one is not None and other is not None)


def json_misfit(of: CelType, target: JsonType) -> str:
    """Why no value of the expression's type fits; empty where one may. What only a record can tell is told by it."""
    if of.tag is Tag.OPTIONAL:
        return "it is an optional: say what stands for an absent value, with orValue(…)"
    choices = target.here.get("anyOf") or target.here.get("oneOf")
    types = types_of(target.here) | ({"null"} if target.nullable else frozenset())
    if of.tag in _UNKNOWN or choices:
        return ""
    if not any(of.tag in _TAGS[each] for each in types):
        return f"it is {of}, and the field is {' or '.join(sorted(types))}"
    strange = [each for each in of.symbols if target.symbols and each not in target.symbols]
    return f"it can be {', '.join(strange)}, which the field does not take" if strange else ""


def fitting(target: JsonType) -> Callable[[Any], Any]:
    """What gives a value back that the target takes. Raises ConversionFailed for any other."""
    document = target.schema.document
    stated, here = target.stated, target.here
    python = _PYTHON.get(str(here.get("type"))) if here.keys() <= _PLAIN and stated is here else None
    symbols = frozenset(target.symbols) if here.keys() <= _PLAIN | {"enum"} and target.types <= {"string"} else ()

    def fit(value: Any) -> Any:
        if type(value) is python or (type(value) is str and value in symbols):
            return value
        strange = next(_no_json(value), None)
        if strange is not None or accepts(stated, value, document) is False:
            shown = "null" if value is None else f"{value if strange is None else strange!r}"[:60]
            raise ConversionFailed(problem=f"the schema does not take {shown}")
        return value

    return fit


def _no_json(value: Any) -> Iterator[Any]:
    """What in a value JSON has no word for."""
    match value:
        case None | bool() | str():
            return
        case int():
            if not -(1 << 63) <= value < 1 << 64:
                yield value
        case float():
            if not math.isfinite(value):
                yield value
        case dict():
            for name, each in value.items():
                if not isinstance(name, str):
                    yield name
                yield from _no_json(each)
        case list() | tuple():
            for each in value:
                yield from _no_json(each)
        case _:
            yield value
