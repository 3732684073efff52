"""Reading a version's records whatever revision of it wrote them. Pure.

One reader a revision, found by the record's mark; all give the facts that the newest revision's reader would give of the same
values, so that whoever decides by facts need not know of revisions. Mostly an older revision's bytes hold such facts as they
stand: then its reader is generated from its own schema, and a field that it does not have yet is the newest's default, made
into a fact once. Where they do not (a number that widened to a double, a null that has a default by now), the value is first
resolved to the newest revision, as conversions are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.errors import ConfigError, Unreadable
from router.records.avro import AvroType, AvroTypes
from router.records.field_type import Kind
from router.records.reader import FieldReader, compile_avro_reader
from router.records.schema import AvroSchema
from router.versions.avro_nodes import AvroField, AvroNode
from router.versions.carrying import alike
from router.versions.compatibility import writer_field
from router.versions.conversion_text import VersionSchema, resolve_revision
from router.versions.encoding import ConversionFailed, default_bytes

__all__ = ["resolver", "revision_reader"]

_Read = Callable[[bytes], tuple[Any, ...]]
_CONSTANT = "$default"


def resolver(writer: VersionSchema, newest: VersionSchema) -> Callable[[bytes], bytes]:
    """From a revision's bare bytes to the newest's. It raises Unreadable: of every record where Avro resolves none."""
    try:
        resolve = resolve_revision(writer, newest, refusing=True)
    except ConfigError as error:
        return _refusing(str(error))

    def resolved(body: bytes) -> bytes:
        try:
            return resolve(body)
        except ConversionFailed as failed:
            raise Unreadable(field=failed.field, position=-1, problem=failed.problem) from failed

    return resolved


def _refusing(problem: str) -> Callable[[bytes], bytes]:
    def refuse(_: bytes) -> bytes:
        raise Unreadable(field="", position=-1, problem=problem)

    return refuse


def revision_reader(
    writer: VersionSchema,
    newest: VersionSchema,
    paths: Sequence[str],
    *,
    whole: bool,
    start: int,
    resolve: Callable[[bytes], bytes],
) -> FieldReader:
    """What reads fields of the newest revision from what another wrote, `start` bytes behind the value's beginning.

    `resolve` is the pair's `resolver`. The facts are those of the newest revision's own reader.
    """
    if writer.root is newest.root:
        return compile_avro_reader(newest.schema, paths, whole=whole, start=start)
    own = compile_avro_reader(newest.schema, paths, whole=whole)
    ways = [_way(path, writer.root, newest) for path in paths]
    found = [way for way in ways if way is not None]
    if len(found) < len(ways):
        read = own.read
        return FieldReader(own.paths, lambda value: read(resolve(value[start:])), own.values, own.source)
    there = [way.path for way in found if way.path]
    inner = compile_avro_reader(writer.schema, there, whole=whole, start=start)
    if len(there) == len(found) and not any(way.codes for way in found):
        return FieldReader(own.paths, inner.read, own.values, inner.source)
    return FieldReader(own.paths, _mended(inner.read, found), own.values, inner.source)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a fact of the newest revision is had from what another wrote."""

    path: str = ""
    """The field in that revision's own words; empty where it has none."""
    codes: Mapping[Any, Any] | None = None
    """The newest's facts by the revision's, where they are not the same."""
    constant: Any = None
    """The fact where there is no field."""


def _mended(read: _Read, ways: Sequence[_Way]) -> _Read:
    numbers = iter(range(len(ways)))
    plan = [(next(numbers) if way.path else -1, way.codes, way.constant) for way in ways]

    def mended(value: bytes) -> tuple[Any, ...]:
        given = read(value)
        return tuple(
            [constant if at < 0 else given[at] if codes is None else codes[given[at]] for at, codes, constant in plan]
        )

    return mended


def _way(path: str, writer: AvroNode, newest: VersionSchema) -> _Way | None:
    """How to read a path without resolving the whole value; None where that is not possible."""
    wrote, wanted = writer, newest.root
    names: list[str] = []
    steps = path.split(".")
    for number, name in enumerate(steps):
        one, other = _beside_null(wrote), _beside_null(wanted)
        if Kind.RECORD not in {one.kind, other.kind} or one.kind is not other.kind or _hides_null(wrote, wanted):
            return None
        field = next((each for each in other.fields if each.name == name), None)
        assert field is not None, f"'{path}' is a field of the newest revision"
        given = writer_field(field, one)
        if given is None:
            return _default(field, path, newest) if field.has_default and number == len(steps) - 1 else None
        names.append(given.name)
        wrote, wanted = given.type, field.type
    return _leaf(".".join(names), wrote, wanted)


def _leaf(path: str, wrote: AvroNode, wanted: AvroNode) -> _Way | None:
    one, other = _beside_null(wrote), _beside_null(wanted)
    if _hides_null(wrote, wanted):
        return None
    if alike(one, other) and _same_facts(one, other):
        return _Way(path)
    if one.kind is other.kind is Kind.ENUM:
        known = {symbol: 2 * number for number, symbol in enumerate(other.symbols)}
        stands_in = known.get(other.default_symbol or "")
        codes: dict[Any, Any] = {2 * at: known.get(symbol, stands_in) for at, symbol in enumerate(one.symbols)}
        return None if None in codes.values() else _Way(path, codes | {None: None})
    return None


def _same_facts(wrote: AvroNode, wanted: AvroNode) -> bool:
    """Of types that are written alike: bytes that were a text are another fact."""
    same = wrote.kind is wanted.kind or wanted.kind is Kind.LONG
    return same and all(map(_same_facts, wrote.branches, wanted.branches))


def _hides_null(wrote: AvroNode, wanted: AvroNode) -> bool:
    """Whether a null that was written is none of what is wanted."""
    return any(each.kind is Kind.NULL for each in wrote.branches if wrote.kind is Kind.UNION) and not (
        wanted.kind is Kind.UNION and any(each.kind is Kind.NULL for each in wanted.branches)
    )


def _default(field: AvroField, path: str, newest: VersionSchema) -> _Way | None:
    """The fact of a default: what a reader finds in the bytes that it has."""
    located = newest.schema.locate(path)
    assert located is not None, f"'{path}' is a field of the newest revision"
    types = newest.schema.types
    root = AvroType(kind=Kind.RECORD, name=_CONSTANT)
    alone = AvroTypes(root, {**types.records, _CONSTANT: (("x", located[0]),)}, None)
    reader = compile_avro_reader(AvroSchema(newest.schema.file, alone), ("x",))
    (fact,) = reader.read(default_bytes(field.type, field.default))
    return _Way(constant=fact)


def _beside_null(node: AvroNode) -> AvroNode:
    """The one type beside null; a wider union is itself."""
    others = [each for each in node.branches if each.kind is not Kind.NULL]
    return others[0] if node.kind is Kind.UNION and len(others) == 1 else node
