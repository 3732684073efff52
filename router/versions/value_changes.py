"""What Avro lets pass and still changes values: a logical type's scale, precision or unit is no part of schema resolution. Pure.

A reader of decimals with scale 3 decodes what was written with scale 2 without an error, and gets a tenth of it. So beside the
verdict there is this list; an edit with one of these needs the next version, and a conversion that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from router.errors import ConfigError
from router.records.field_type import Kind
from router.versions.avro_nodes import AvroNode
from router.versions.compatibility import PROMOTIONS, AmbiguousField, compatibility, same_name, writer_field

__all__ = ["ValueChange", "ValueChangeType", "meaning_of", "value_changes"]


class ValueChangeType(StrEnum):
    """What changes."""

    SCALE = "LOGICAL_SCALE_CHANGED"
    PRECISION = "LOGICAL_PRECISION_LOWERED"
    UNIT = "LOGICAL_UNIT_CHANGED"
    TYPE = "LOGICAL_TYPE_CHANGED"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One place where a reader gets other values than were written."""

    type: ValueChangeType
    location: str
    """JSON pointer into the reader's schema."""
    message: str
    field: str = ""
    """Dotted path of the reader's field."""


_SOUND = {
    "decimal": {Kind.BYTES, Kind.FIXED},
    "date": {Kind.INT},
    "time-millis": {Kind.INT},
    "time-micros": {Kind.LONG},
    "duration": {Kind.FIXED},
    **{f"{local}timestamp-{unit}": {Kind.LONG} for local in ("", "local-") for unit in ("millis", "micros", "nanos")},
}
"""The logical types that say how a number is meant. A uuid is its text, with or without the name."""


def value_changes(reader: AvroNode, writer: AvroNode) -> tuple[ValueChange, ...]:
    """Every place where a compatible reader takes a value for another. Of an incompatible pair, as far as it goes."""
    return tuple(_Walk().changes(reader, writer, (), ""))


class _Walk:
    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def changes(self, reader: AvroNode, writer: AvroNode, steps: tuple[str, ...], field: str) -> Iterator[ValueChange]:
        if (id(reader), id(writer)) in self._seen:
            return
        self._seen.add((id(reader), id(writer)))
        if writer.kind is Kind.UNION:
            for branch in writer.branches:
                yield from self.changes(reader, branch, steps, field)
        elif reader.kind is Kind.UNION:
            number = _resolving_branch(reader, writer)
            if number is not None:
                yield from self.changes(reader.branches[number], writer, (*steps, str(number)), field)
        elif reader.kind is Kind.RECORD and writer.kind is Kind.RECORD:
            for number, each in enumerate(reader.fields):
                with suppress(AmbiguousField):  # which the verdict tells
                    counterpart = writer_field(each, writer)
                    if counterpart is None:
                        continue
                    here = (*steps, "fields", str(number), "type")
                    path = f"{field}.{each.name}" if field else each.name
                    yield from self.changes(each.type, counterpart.type, here, path)
        elif reader.kind is writer.kind and reader.kind in {Kind.ARRAY, Kind.MAP}:
            step = "items" if reader.kind is Kind.ARRAY else "values"
            yield from self.changes(reader.items, writer.items, (*steps, step), field)
        elif reader.kind is writer.kind or (writer.kind, reader.kind) in PROMOTIONS:
            change = _change(reader, writer)
            if change is not None:
                of, message = change
                yield ValueChange(of, f"/{'/'.join(steps)}", message, field)


def _resolving_branch(reader: AvroNode, writer: AvroNode) -> int | None:
    """The branch of a reader's union that reads a writer's type: the first of its own kind, else the first that can."""
    fitting = [number for number, each in enumerate(reader.branches) if _reads(each, writer)]
    same = [
        number
        for number in fitting
        if reader.branches[number].kind is writer.kind
        and (not writer.name or same_name(reader.branches[number], writer))
    ]
    return next(iter(same or fitting), None)


def _reads(reader: AvroNode, writer: AvroNode) -> bool:
    try:
        return compatibility(reader, writer).compatible
    except ConfigError:  # which the verdict tells
        return False


def _change(reader: AvroNode, writer: AvroNode) -> tuple[ValueChangeType, str] | None:
    was, now = meaning_of(writer), meaning_of(reader)
    if was == now:
        return None
    if was is None or now is None or was[0].split("-")[:-1] != now[0].split("-")[:-1]:
        return ValueChangeType.TYPE, f"what was written as {_named(was, writer)} is read as {_named(now, reader)}"
    if was[0] != now[0]:
        message = f"{was[0]} is read as {now[0]}: a number of one unit is taken for one of the other"
        return (ValueChangeType.UNIT, message) if "-" in was[0] else (ValueChangeType.TYPE, message)
    if was[2] != now[2]:
        factor = 10 ** abs(now[2] - was[2])
        worth = f"1/{factor:,} of" if now[2] > was[2] else f"{factor:,} times"
        return (
            ValueChangeType.SCALE,
            f"scale {was[2]} is read as scale {now[2]}: every value becomes {worth} what it was",
        )
    if was[1] > now[1]:
        return ValueChangeType.PRECISION, f"{was[1]} digits were allowed, {now[1]} are expected"
    return None


def meaning_of(node: AvroNode) -> tuple[str, int, int] | None:
    """The logical type that says how a number is meant, with precision and scale; None where there is none that is sound."""
    name = node.logical
    if name is None or node.kind not in _SOUND.get(name, ()):
        return None
    if name != "decimal":
        return name, 0, 0
    precision, scale = node.properties.get("precision"), node.properties.get("scale", 0)
    if isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision and precision > 0:
        return name, precision, scale
    return None


def _named(meaning: tuple[str, int, int] | None, node: AvroNode) -> str:
    return f"plain {node.kind}" if meaning is None else meaning[0]
