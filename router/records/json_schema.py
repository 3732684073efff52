"""JSON Schemas, as far as they say which fields there are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from router.errors import InvalidSchema
from router.records.field_type import LISTED_PATHS, PATH_LIMIT, SCALARS, FieldType, Kind

__all__ = ["JsonSchema", "parse_json_schema"]

_JSON_KINDS = {
    "null": Kind.NULL,
    "boolean": Kind.BOOLEAN,
    "integer": Kind.LONG,
    "number": Kind.DOUBLE,
    "string": Kind.STRING,
    "array": Kind.ARRAY,
    "object": Kind.RECORD,
}


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """One JSON Schema: as much of it as says which fields there are. What is beyond that neither helps nor hurts."""

    file: str
    document: Mapping[str, Any]

    @property
    def format(self) -> Literal["json"]:
        return "json"

    def field(self, path: str) -> FieldType | None:
        """The type of what a dotted path through `properties` leads to; None where it leads nowhere.

        A property that is not `required` is nullable: an absent one reads as null.
        """
        names = path.split(".")
        if len(names) > PATH_LIMIT:
            return None
        here, nullable = self.resolve(self.document)
        for name in names:
            inner = here.get("properties", {}).get(name)
            if inner is None:
                return None
            optional = name not in here.get("required", ())
            here, null = self.resolve(inner)
            nullable = nullable or null or optional
        return self._field_type(here, nullable=nullable)

    def paths(self) -> tuple[str, ...]:
        """All scalar properties in the order of the text. A definition inside itself is not entered again."""
        listed: list[str] = []
        for path in self._walk(self.document, (), ()):
            if len(listed) == LISTED_PATHS:
                break
            listed.append(path)
        return tuple(listed)

    def _walk(self, schema: Any, path: tuple[str, ...], inside: tuple[int, ...]) -> Iterator[str]:
        here, _ = self.resolve(schema)
        if path and self._field_type(here, nullable=False).scalar:
            yield ".".join(path)
        elif id(here) not in inside and len(path) < PATH_LIMIT:
            for name, inner in here.get("properties", {}).items():
                yield from self._walk(inner, (*path, name), (*inside, id(here)))

    def resolve(self, schema: Any) -> tuple[Mapping[str, Any], bool]:
        """What a `$ref`, or a choice between null and one schema, stands for; and whether null is possible."""
        nullable = False
        for _ in range(PATH_LIMIT):
            choices = schema.get("anyOf") or schema.get("oneOf")
            if "$ref" in schema:
                schema = _pointed_at(self.document, schema["$ref"])
            elif choices and len(others := [one for one in choices if one.get("type") != "null"]) == 1:
                nullable = nullable or len(choices) > 1
                schema = others[0]
            else:
                break
        else:
            return {}, nullable
        return schema, nullable or "null" in _types(schema) or None in schema.get("enum", ())

    def _field_type(self, here: Mapping[str, Any], *, nullable: bool) -> FieldType:
        kinds = {_JSON_KINDS[name] for name in _types(here)} - {Kind.NULL}
        values = [value for value in here.get("enum", ()) if value is not None]
        if values and all(isinstance(value, str) for value in values):
            return FieldType(kind=Kind.ENUM, nullable=nullable, symbols=tuple(values), scalar=True)
        if not kinds:
            kinds = {Kind.RECORD} if "properties" in here else set(_JSON_KINDS.values()) - {Kind.NULL}
            if _types(here):
                kinds = {Kind.NULL}
        kind = kinds.pop() if len(kinds) == 1 else Kind.UNION
        scalar = kind in SCALARS or (kind is Kind.UNION and not kinds & {Kind.ARRAY, Kind.RECORD})
        return FieldType(kind=kind, nullable=nullable or kind is Kind.NULL, scalar=scalar)


def parse_json_schema(text: str, *, file: str) -> JsonSchema:
    """The schema of a `.schema.json` text; `InvalidSchema` names the file and what is wrong.

    References lead within the document (`#/$defs/item`).
    """
    try:
        document = json.loads(text)
        _Check(document, file).schema(document, "#")
    except json.JSONDecodeError as error:
        raise InvalidSchema(
            file=file, problem=f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise InvalidSchema(file=file, problem="it is nested too deeply") from error
    return JsonSchema(file=file, document=document)


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    declared = schema.get("type", ())
    return (declared,) if isinstance(declared, str) else tuple(declared)


def _pointed_at(document: Any, reference: str) -> Any:
    """What `#/a/b` points at; KeyError or TypeError where it points at nothing."""
    here = document
    for name in reference.removeprefix("#").split("/")[1:]:
        here = here[name.replace("~1", "/").replace("~0", "~")]
    return here


class _Check:
    """Refuses what reading could trip over, so that `JsonSchema` needs no checks of its own."""

    def __init__(self, document: Any, file: str) -> None:
        self.document = document
        self.file = file
        self.seen: set[int] = set()

    def schema(self, schema: Any, place: str) -> None:
        """Check a schema, and all that it leads to, once."""
        if id(schema) in self.seen:
            return
        self.seen.add(id(schema))
        if not isinstance(schema, dict):
            self._refuse(place, "a schema is not an object")
        self._forms(schema, place)
        if "$ref" in schema:
            self._reference(schema["$ref"], place)
        for name, inner in schema.get("properties", {}).items():
            self.schema(inner, f"{place}/properties/{name}")
        for name in ("anyOf", "oneOf"):
            for index, inner in enumerate(schema.get(name, ())):
                self.schema(inner, f"{place}/{name}/{index}")

    def _forms(self, schema: dict[str, Any], place: str) -> None:
        types = schema.get("type", ())
        named = isinstance(types, str | list | tuple) and all(isinstance(name, str) for name in types)
        if not named or not all(name in _JSON_KINDS for name in _types(schema)):
            self._refuse(place, f"'type' is {types!r}")
        for name, form in (("properties", dict), ("required", list), ("enum", list), ("anyOf", list), ("oneOf", list)):
            if not isinstance(schema.get(name, form()), form):
                self._refuse(place, f"'{name}' is not {'an object' if form is dict else 'a list'}")

    def _reference(self, reference: Any, place: str) -> None:
        if not isinstance(reference, str) or not reference.startswith("#"):
            self._refuse(place, f"'$ref' is {reference!r}: only references within the document are followed")
        try:
            target = _pointed_at(self.document, reference)
        except (KeyError, TypeError):
            self._refuse(place, f"'$ref' is {reference!r}, where nothing is")
        else:
            self.schema(target, reference)

    def _refuse(self, place: str, problem: str) -> None:
        raise InvalidSchema(file=self.file, problem=f"{place}: {problem}")
