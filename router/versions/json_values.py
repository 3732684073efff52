"""JSON Schemas and single values: what types a schema admits, and whether it admits one value. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["TYPES", "accepts", "deref", "types_of"]

TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_DEEPEST = 64


def deref(schema: Any, document: Any) -> Any:
    """What a schema stands for: `$ref` within the document is followed, alone as it stands. Endless ones are `True`."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        schema = document
        for step in reference.removeprefix("#").split("/")[1:]:
            schema = schema[step.replace("~1", "/").replace("~0", "~")]
    return True


def types_of(schema: Any) -> frozenset[str]:
    """The types that a schema's `type` admits; of an integer and a number only the number."""
    if not isinstance(schema, Mapping):
        return frozenset() if schema is False else TYPES - {"integer"}
    declared = schema.get("type")
    if declared is None:
        return TYPES - {"integer"}
    types = frozenset({declared} if isinstance(declared, str) else declared)
    return types - {"integer"} if "number" in types else types


def accepts(schema: Any, value: Any, document: Any, depth: int = 0) -> bool | None:
    """Whether a schema admits a value; None where that hangs on a keyword that is not judged."""
    schema = deref(schema, document)
    if isinstance(schema, bool):
        return schema
    if depth > _DEEPEST:
        return None
    answers = [*_own(schema, value), *_inner(schema, value, document, depth + 1)]
    if False in answers:
        return False
    return None if None in answers else True


def _own(schema: Mapping[str, Any], value: Any) -> Iterator[bool | None]:
    kind = _type(value)
    types = types_of(schema)
    yield kind in types or (kind == "integer" and "number" in types)
    if "enum" in schema:
        yield any(_same(each, value) for each in schema["enum"])
    if "const" in schema:
        yield _same(schema["const"], value)
    for least, most, size in _sizes(value, kind):
        yield size >= schema.get(least, size) and size <= schema.get(most, size)
    if kind in {"integer", "number"}:
        above, below = schema.get("exclusiveMinimum", False), schema.get("exclusiveMaximum", False)
        yield isinstance(above, bool) or value > above
        yield isinstance(below, bool) or value < below
    if any(keyword in schema for keyword in ("not", "if", "pattern", "multipleOf", "contains", "prefixItems")):
        yield None


def _sizes(value: Any, kind: str) -> Iterator[tuple[str, str, float]]:
    match kind:
        case "integer" | "number":
            yield "minimum", "maximum", value
        case "string":
            yield "minLength", "maxLength", len(value)
        case "array":
            yield "minItems", "maxItems", len(value)
        case "object":
            yield "minProperties", "maxProperties", len(value)


def _inner(schema: Mapping[str, Any], value: Any, document: Any, depth: int) -> Iterator[bool | None]:
    if isinstance(value, dict):
        declared, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield all(name in value for name in schema.get("required", ()))
        for name, each in value.items():
            yield accepts(declared.get(name, rest), each, document, depth)
        if "patternProperties" in schema:
            yield None
    if isinstance(value, list) and "items" in schema:
        for each in value:
            yield accepts(schema["items"], each, document, depth)
    for each in schema.get("allOf", ()):
        yield accepts(each, value, document, depth)
    if "anyOf" in schema:
        answers = [accepts(each, value, document, depth) for each in schema["anyOf"]]
        yield True if True in answers else None if None in answers else False
    if "oneOf" in schema:
        answers = [accepts(each, value, document, depth) for each in schema["oneOf"]]
        yield None if None in answers else answers.count(True) == 1


def _type(value: Any) -> str:  # noqa: PLR0911 -- one return a type is the plainest dispatch
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, and true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
