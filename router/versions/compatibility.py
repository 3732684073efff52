"""Whether one Avro schema can read what another wrote: the specification's schema resolution, in Java's verdicts. Pure.

A reader that is compatible decodes every record of the writer. The rules, as Avro's Java implementation has them, which is
the reference that others are compared with:

- numbers widen (int to long, float and double; long to float and double; float to double); string and bytes are one another;
- of a record, an enum or a fixed only the *short* names must agree, or an alias of the reader must be the writer's full name;
- a field of the reader is read from the writer's field of that name, or of one of its aliases; where there is none it needs a
  default;
- an enum must know every symbol of the writer, or have a default symbol;
- of a writer's union every branch must be readable; of a reader's union one branch must read the writer's type, whichever;
- a pair of types that is met again inside itself is compatible unless something else says otherwise.

Each incompatibility has Java's type and location: a JSON pointer into the reader's schema, with a writer's union's branch by
its number. Where that implementation throws (a field that has two counterparts), we raise AmbiguousField.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from router.errors import ConfigError, InvalidSchema
from router.records.field_type import Kind
from router.versions.avro_nodes import AvroField, AvroNode

__all__ = [
    "PROMOTIONS",
    "AmbiguousField",
    "Compatibility",
    "Incompatibility",
    "IncompatibilityType",
    "Verdict",
    "compatibility",
    "same_name",
    "writer_field",
]

PROMOTIONS: frozenset[tuple[Kind, Kind]] = frozenset(
    {
        (Kind.INT, Kind.LONG),
        (Kind.INT, Kind.FLOAT),
        (Kind.INT, Kind.DOUBLE),
        (Kind.LONG, Kind.FLOAT),
        (Kind.LONG, Kind.DOUBLE),
        (Kind.FLOAT, Kind.DOUBLE),
        (Kind.STRING, Kind.BYTES),
        (Kind.BYTES, Kind.STRING),
    }
)
"""Writer's and reader's kinds that differ and still resolve."""


class Verdict(StrEnum):
    """Java's words. `UNKNOWN` is for JSON Schemas only, where a keyword is beyond what can be compared."""

    COMPATIBLE = "COMPATIBLE"
    INCOMPATIBLE = "INCOMPATIBLE"
    UNKNOWN = "UNKNOWN"


class IncompatibilityType(StrEnum):
    """Java's names of what can be wrong."""

    NAME_MISMATCH = "NAME_MISMATCH"
    FIXED_SIZE_MISMATCH = "FIXED_SIZE_MISMATCH"
    MISSING_ENUM_SYMBOLS = "MISSING_ENUM_SYMBOLS"
    READER_FIELD_MISSING_DEFAULT_VALUE = "READER_FIELD_MISSING_DEFAULT_VALUE"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    MISSING_UNION_BRANCH = "MISSING_UNION_BRANCH"


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why a reader cannot read."""

    type: str
    """An IncompatibilityType; of JSON Schemas, the keyword at fault."""
    location: str
    """JSON pointer into the reader's schema; `/` is the whole."""
    message: str
    field: str = ""
    """Dotted path of the reader's field that it is in; empty where it is in none."""


@dataclass(frozen=True, slots=True)
class Compatibility:
    """Whether a reader can read all that a writer writes, and why not."""

    verdict: Verdict
    incompatibilities: tuple[Incompatibility, ...] = ()
    unknown: tuple[Incompatibility, ...] = ()
    """Of JSON Schemas: what could not be compared, and where."""

    @property
    def compatible(self) -> bool:
        """Whether it is proved; what is unknown is not."""
        return self.verdict is Verdict.COMPATIBLE


class AmbiguousField(ConfigError):
    """A reader's field has several counterparts: its name and its aliases name more than one field of the writer."""

    reason = "ambiguous-field"

    def __init__(self, *, record: str, field: str) -> None:
        super().__init__(record, field)
        self.record = record
        self.field = field

    def __str__(self) -> str:
        return (
            f"field '{self.field}' of the reader matches several fields of the writer's '{self.record}': drop an alias"
        )


def compatibility(reader: AvroNode, writer: AvroNode) -> Compatibility:
    """Whether a reader with this schema can read what was written with that one. Raises AmbiguousField, InvalidSchema."""
    try:
        found = _Checker().check(reader, writer, (), "")
    except RecursionError as error:
        raise InvalidSchema(file="reader and writer", problem="their types lead too far into each other") from error
    return Compatibility(Verdict.INCOMPATIBLE if found else Verdict.COMPATIBLE, found)


def same_name(reader: AvroNode, writer: AvroNode) -> bool:
    """Whether two named types are each other's by Java's rule: short names, or an alias that is the whole name."""
    return reader.short_name == writer.short_name or writer.name in reader.aliases


def writer_field(reader: AvroField, writer: AvroNode) -> AvroField | None:
    """The writer's field that a reader's field is read from. Raises AmbiguousField."""
    by_name = {each.name: each for each in writer.fields}
    found = [by_name[name] for name in (reader.name, *reader.aliases) if name in by_name]
    if len(found) > 1:
        raise AmbiguousField(record=writer.name, field=reader.name)
    return found[0] if found else None


_Found = tuple[Incompatibility, ...]
_Steps = tuple[str, ...]


class _Checker:
    """Remembers pairs by identity, with the places where they were first met, as Java does."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], _Found] = {}

    def check(self, reader: AvroNode, writer: AvroNode, steps: _Steps, field: str) -> _Found:
        pair = id(reader), id(writer)
        if pair not in self._known:
            self._known[pair] = ()  # while it is in progress it is taken for compatible
            self._known[pair] = tuple(self._compare(reader, writer, steps, field))
        return self._known[pair]

    def _compare(self, reader: AvroNode, writer: AvroNode, steps: _Steps, field: str) -> Iterator[Incompatibility]:
        if reader.kind is writer.kind:
            yield from self._same_kind(reader, writer, steps, field)
        elif writer.kind is Kind.UNION:
            for number, branch in enumerate(writer.branches):
                yield from self.check(reader, branch, (*steps, str(number)), field)
        elif reader.kind is Kind.UNION:
            if all(self.check(branch, writer, (), field) for branch in reader.branches):
                yield _lacking(writer, steps, field)
        elif (writer.kind, reader.kind) not in PROMOTIONS:
            message = f"a reader of {reader.kind} cannot read {writer.kind}"
            yield _found(IncompatibilityType.TYPE_MISMATCH, steps, message, field)

    def _same_kind(self, reader: AvroNode, writer: AvroNode, steps: _Steps, field: str) -> Iterator[Incompatibility]:
        match reader.kind:
            case Kind.ARRAY:
                yield from self.check(reader.items, writer.items, (*steps, "items"), field)
            case Kind.MAP:
                yield from self.check(reader.items, writer.items, (*steps, "values"), field)
            case Kind.UNION:
                for number, branch in enumerate(writer.branches):
                    if self.check(reader, branch, (), field):
                        yield _lacking(branch, (*steps, str(number)), field)
            case Kind.RECORD | Kind.ENUM | Kind.FIXED:
                if not same_name(reader, writer):
                    message = f"the writer's '{writer.name}' is read as '{reader.name}': name it among the aliases"
                    yield _found(IncompatibilityType.NAME_MISMATCH, (*steps, "name"), message, field)
                yield from self._named(reader, writer, steps, field)

    def _named(self, reader: AvroNode, writer: AvroNode, steps: _Steps, field: str) -> Iterator[Incompatibility]:
        if reader.kind is Kind.RECORD:
            yield from self._fields(reader, writer, steps, field)
        elif reader.kind is Kind.FIXED and reader.size != writer.size:
            message = f"the writer has {writer.size} bytes, the reader {reader.size}"
            yield _found(IncompatibilityType.FIXED_SIZE_MISMATCH, (*steps, "size"), message, field)
        elif reader.kind is Kind.ENUM and reader.default_symbol is None:
            missing = sorted(set(writer.symbols) - set(reader.symbols))
            if missing:
                message = f"the reader does not know {', '.join(missing)}, and has no default"
                yield _found(IncompatibilityType.MISSING_ENUM_SYMBOLS, (*steps, "symbols"), message, field)

    def _fields(self, reader: AvroNode, writer: AvroNode, steps: _Steps, field: str) -> Iterator[Incompatibility]:
        for number, each in enumerate(reader.fields):
            here = (*steps, "fields", str(number))
            path = f"{field}.{each.name}" if field else each.name
            counterpart = writer_field(each, writer)
            if counterpart is not None:
                yield from self.check(each.type, counterpart.type, (*here, "type"), path)
            elif not each.has_default and each.type.kind is Kind.ENUM and each.type.default_symbol is not None:
                # Java compares the enum with the writer's whole record here, which never fits.
                yield from self.check(each.type, writer, (*here, "type"), path)
            elif not each.has_default:
                message = f"the writer has no field '{each.name}', and it has no default"
                yield _found(IncompatibilityType.READER_FIELD_MISSING_DEFAULT_VALUE, here, message, path)


def _lacking(writer: AvroNode, steps: _Steps, field: str) -> Incompatibility:
    what = f"'{writer.name}'" if writer.name else str(writer.kind)
    return _found(
        IncompatibilityType.MISSING_UNION_BRANCH, steps, f"no branch of the reader's union reads {what}", field
    )


def _found(of: IncompatibilityType, steps: _Steps, message: str, field: str) -> Incompatibility:
    location = "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    return Incompatibility(of, location, message, field)
