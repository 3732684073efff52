"""Whether one JSON Schema admits all that another admits: what a reader of the one can take from a writer of the other. Pure.

Compared are types, required and declared properties, additionalProperties, items, enum and const, bounds of numbers, of
lengths and of counts, `$ref` within the document, and choices (anyOf, oneOf) as far as one branch alone decides. Everything
else is not guessed at: where a keyword is on both sides the same it changes nothing, and where it is not, the verdict is
UNKNOWN with the place. A definite incompatibility outweighs what is unknown.

A writer's schema that does not say `additionalProperties: false` lets anything stand in a property that it does not name. So
a reader that gives such a property a type is incompatible, though nobody may ever have written one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from router.versions.compatibility import Compatibility, Incompatibility, Verdict
from router.versions.json_values import accepts, deref, types_of

__all__ = ["json_compatibility", "json_containment"]

_BEYOND = (
    *("allOf", "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired"),
    *("dependentSchemas", "dependencies", "contains", "prefixItems", "unevaluatedItems", "unevaluatedProperties"),
    *("pattern", "multipleOf", "additionalItems", "$ref"),
)
"""Keywords that constrain, and are compared by their text only."""

_LENGTHS = (
    ("string", "minLength", "maxLength"),
    ("array", "minItems", "maxItems"),
    ("object", "minProperties", "maxProperties"),
)
_FINITE = {"boolean": (False, True), "null": (None,)}
_ANY: Mapping[str, Any] = {}

_Steps = tuple[str, ...]


def json_compatibility(reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Compatibility:
    """Whether every document that the writer's schema admits is one that the reader's admits."""
    return json_containment(reader, writer, reader, writer)


def json_containment(
    reader: Any, writer: Any, reader_document: Mapping[str, Any], writer_document: Mapping[str, Any]
) -> Compatibility:
    """The same of schemas that stand within these documents, where their references lead to."""
    checker = _Checker(reader_document, writer_document)
    try:
        found = tuple(dict.fromkeys(checker.check(reader, writer, ())))
    except RecursionError:
        found = (Incompatibility("", "/", "the schemas lead too far into themselves"),)
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        found = (Incompatibility("", "/", f"a keyword has a value that it cannot have: {error}"),)
    definite = tuple(each for each in found if each.type)
    unknown = tuple(each for each in found if not each.type)
    verdict = Verdict.INCOMPATIBLE if definite else Verdict.UNKNOWN if unknown else Verdict.COMPATIBLE
    return Compatibility(verdict, definite, unknown)


class _Checker:
    """Finds what is incompatible, and (without a type) what is unknown."""

    def __init__(self, reader: Mapping[str, Any], writer: Mapping[str, Any]) -> None:
        self._documents = reader, writer
        self._met: set[tuple[int, int]] = set()

    def check(self, reader: Any, writer: Any, steps: _Steps) -> Iterator[Incompatibility]:
        reader, writer = deref(reader, self._documents[0]), deref(writer, self._documents[1])
        if writer is False or reader in (True, {}) or (id(reader), id(writer)) in self._met:
            return
        self._met.add((id(reader), id(writer)))
        if reader is False:
            yield _found("false", steps, "the reader takes nothing here")
            return
        writer = _ANY if writer is True else writer
        values = self._finite(writer)
        if values is not None:
            yield from self._values(reader, values, steps)
        elif _choices(writer):
            yield from self._writers_choice(reader, writer, steps)
        elif _choices(reader):
            yield from self._readers_choice(reader, writer, steps)
        else:
            yield from self._plain(reader, writer, steps)

    def _finite(self, writer: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """All values that a writer can write, where these are few."""
        if "const" in writer:
            return (writer["const"],)
        if "enum" in writer:
            return tuple(
                each for each in writer["enum"] if accepts({**writer, "enum": [each]}, each, self._documents[1])
            )
        types = types_of(writer)
        if types <= _FINITE.keys():
            return tuple(value for name in sorted(types) for value in _FINITE[name])
        return None

    def _values(self, reader: Mapping[str, Any], values: tuple[Any, ...], steps: _Steps) -> Iterator[Incompatibility]:
        answers = {json.dumps(each): accepts(reader, each, self._documents[0]) for each in values}
        refused = [text for text, answer in answers.items() if answer is False]
        if refused:
            keyword = "enum" if "enum" in reader or "const" in reader else "type"
            yield _found(keyword, (*steps, keyword), f"the reader does not take {', '.join(refused)}")
        elif None in answers.values():
            yield _unknown(steps, "some of the writer's values cannot be judged")

    def _writers_choice(
        self, reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps
    ) -> Iterator[Incompatibility]:
        keyword, branches = _choices(writer)[0]
        alone = not (
            writer.keys() - {keyword, "$schema", "$id", "$defs", "title", "description", "default", "examples"}
        )
        for branch in branches:
            found = tuple(self.check(reader, branch, steps))
            if found and (keyword == "oneOf" or not alone):
                yield _unknown(steps, f"a branch of the writer's {keyword} may not fit")
            else:
                yield from found

    def _readers_choice(
        self, reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps
    ) -> Iterator[Incompatibility]:
        for keyword, branches in _choices(reader):
            rest = {key: each for key, each in reader.items() if key not in {"anyOf", "oneOf"}}
            met = set(self._met)
            results = []
            for number, branch in enumerate(branches):
                self._met = set(met)
                results.append(tuple(self.check(branch, writer, (*steps, keyword, str(number)))))
            fitting = [number for number, result in enumerate(results) if not result]
            others = [branch for number, branch in enumerate(branches) if number not in fitting[:1]]
            written = types_of(writer)
            apart = all(not _overlap(types_of(deref(each, self._documents[0])), written) for each in others)
            if (
                not fitting
                and all(any(each.type == "type" for each in result) for result in results)
                and len(written) == 1
            ):
                yield _found(keyword, (*steps, keyword), f"no branch takes {', '.join(sorted(written))}")
            elif not fitting or (keyword == "oneOf" and not apart):
                yield _unknown((*steps, keyword), f"which branches of {keyword} take it is not compared")
            if rest:
                yield from self._plain(rest, writer, steps)

    def _plain(self, reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps) -> Iterator[Incompatibility]:
        if "enum" in reader or "const" in reader:
            keyword = "enum" if "enum" in reader else "const"
            yield _found(keyword, (*steps, keyword), "the reader takes some values only, the writer any")
        written, read = types_of(writer), types_of(reader)
        missing = sorted(each for each in written if not (each in read or (each == "integer" and "number" in read)))
        if missing:
            yield _found("type", (*steps, "type"), f"the reader does not take {', '.join(missing)}")
        both = {each for each in written if each not in missing}
        for keyword in _BEYOND:
            if keyword in reader and reader[keyword] != writer.get(keyword):
                yield _unknown((*steps, keyword), f"'{keyword}' is not compared")
        if both & {"integer", "number"}:
            yield from _numbers(reader, writer, steps, whole="number" not in both)
        for name, least, most in _LENGTHS:
            if name in both:
                floor = len(writer.get("required", ())) if name == "object" else 0
                yield from _length(reader, writer, steps, least=least, most=most, floor=floor)
        if "array" in both:
            yield from self._arrays(reader, writer, steps)
        if "object" in both:
            yield from self._objects(reader, writer, steps)

    def _arrays(self, reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps) -> Iterator[Incompatibility]:
        if reader.get("uniqueItems") and not writer.get("uniqueItems"):
            yield _found("uniqueItems", (*steps, "uniqueItems"), "the writer may repeat items")
        if "items" in reader and writer.get("maxItems") != 0:
            yield from self.check(reader["items"], writer.get("items", True), (*steps, "items"))

    def _objects(
        self, reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps
    ) -> Iterator[Incompatibility]:
        for name in reader.get("required", ()):
            if name not in writer.get("required", ()):
                yield _found("required", (*steps, "required"), f"the writer may leave '{name}' out", name)
        if "patternProperties" in reader or "patternProperties" in writer:
            if reader.get("patternProperties") != writer.get("patternProperties"):
                yield _unknown((*steps, "patternProperties"), "'patternProperties' is not compared")
            return
        declared, written = reader.get("properties", {}), writer.get("properties", {})
        rest, others = reader.get("additionalProperties", True), writer.get("additionalProperties", True)
        for name, inner in declared.items():
            if name in written or others is not False:
                yield from self._property(
                    inner, written.get(name, others), (*steps, "properties", name), name in written
                )
        for name, inner in written.items():
            if name not in declared:
                found = tuple(self.check(rest, inner, (*steps, "additionalProperties")))
                if rest is False:
                    message = f"the reader takes no '{name}'"
                    yield _found("additionalProperties", (*steps, "additionalProperties"), message, name)
                else:
                    yield from found
        if others is not False and rest is False:
            message = "the writer may add properties that it does not declare"
            yield _found("additionalProperties", (*steps, "additionalProperties"), message)
        elif others is not False:
            yield from self.check(rest, others, (*steps, "additionalProperties"))

    def _property(self, reader: Any, writer: Any, steps: _Steps, declared: bool) -> Iterator[Incompatibility]:
        for each in self.check(reader, writer, steps):
            if declared or not each.type:
                yield each
            else:
                message = "the writer does not declare it and may put anything there: close it with additionalProperties: false"
                yield _found("properties", steps, message)
                return


def _choices(schema: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    return [(keyword, schema[keyword]) for keyword in ("anyOf", "oneOf") if schema.get(keyword)]


def _overlap(one: frozenset[str], other: frozenset[str]) -> bool:
    widened = one | ({"integer"} if "number" in one else set())
    return bool(widened & (other | ({"integer"} if "number" in other else set())))


def _numbers(
    reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps, *, whole: bool
) -> Iterator[Incompatibility]:
    for keyword, exclusive, sign in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        wanted, given = (_bound(each, keyword, exclusive, sign, whole=whole) for each in (reader, writer))
        if wanted is not None and (given is None or given < wanted):
            named = keyword if keyword in reader else exclusive
            yield _found(named, (*steps, named), f"the writer may go beyond {reader[named]}")


def _bound(
    schema: Mapping[str, Any], keyword: str, exclusive: str, sign: int, *, whole: bool
) -> tuple[float, bool] | None:
    """A lower bound, and whether it is excluded; upper bounds are turned over by `sign`."""
    found = []
    if keyword in schema:
        found.append((sign * schema[keyword], schema.get(exclusive) is True))
    if exclusive in schema and not isinstance(schema[exclusive], bool):
        found.append((sign * schema[exclusive], True))
    if not found:
        return None
    at, open_ = max(found)
    return (at + 1, False) if whole and open_ and float(at).is_integer() else (at, open_)


def _length(
    reader: Mapping[str, Any], writer: Mapping[str, Any], steps: _Steps, *, least: str, most: str, floor: int
) -> Iterator[Incompatibility]:
    if reader.get(least, 0) > max(writer.get(least, 0), floor):
        yield _found(least, (*steps, least), f"the writer may have less than {reader[least]}")
    if most in reader and not (most in writer and writer[most] <= reader[most]):
        yield _found(most, (*steps, most), f"the writer may have more than {reader[most]}")


def _found(keyword: str, steps: _Steps, message: str, name: str = "") -> Incompatibility:
    names = [steps[at + 1] for at, step in enumerate(steps[:-1]) if step == "properties"]
    path = ".".join([*names, *([name] if name else [])])
    location = "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    return Incompatibility(keyword, location, message, path)


def _unknown(steps: _Steps, message: str) -> Incompatibility:
    return _found("", steps, message)
