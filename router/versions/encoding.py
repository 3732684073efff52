"""Writers of Avro values: from what expressions give, and from the defaults that stand in schemas. Pure.

An encoder takes a value and gives its bytes, or raises ConversionFailed. Nothing is rounded or cut: a number that its type
cannot hold, a decimal with more digits than its scale, a symbol that the enum has not, null where no null is, all fail. A
timestamp loses only what its unit does not have, a float only what a double has more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, NoReturn
from uuid import UUID

from router.errors import RecordError
from router.language.cel.values import Duration, Timestamp
from router.records.field_type import Kind
from router.versions.avro_nodes import AvroNode
from router.versions.value_changes import meaning_of

__all__ = ["UNITS", "ConversionFailed", "Encoder", "Encoders", "default_bytes", "encode_long"]

Encoder = Callable[[Any], bytes]

_FLOAT = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")
_BITS = {Kind.INT: 31, Kind.LONG: 63}
_DAY = 86_400_000_000_000
UNITS = {"millis": 1_000_000, "micros": 1000, "nanos": 1}
"""Nanoseconds by the last word of a logical type's name."""
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_SMALL = tuple(bytes([number]) for number in range(128))


class ConversionFailed(RecordError):
    """A record has no counterpart in the other version: a step's result does not fit its field."""

    reason = "conversion-failed"

    def __init__(self, *, problem: str, field: str = "", conversion: str = "") -> None:
        super().__init__(problem, field, conversion)
        self.problem = problem
        self.field = field
        """Dotted path of the field that could not be made; empty where it is not known yet."""
        self.conversion = conversion
        """The file of the conversion."""

    def __str__(self) -> str:
        where = f"field '{self.field}': " if self.field else ""
        return f"{self.conversion}: {where}{self.problem}" if self.conversion else f"{where}{self.problem}"


def encode_long(number: int) -> bytes:
    """A zigzag variable-length integer of at most 64 bits."""
    folded = number << 1 ^ number >> 63
    return _SMALL[folded] if folded < 128 else _varint(folded)


def _varint(folded: int) -> bytes:
    """Of two bytes or more: most numbers of a record are short, and a loop costs more than it does."""
    if folded < 1 << 14:
        return bytes((folded & 127 | 128, folded >> 7))
    if folded < 1 << 21:
        return bytes((folded & 127 | 128, folded >> 7 & 127 | 128, folded >> 14))
    head = bytes((folded & 127 | 128, folded >> 7 & 127 | 128, folded >> 14 & 127 | 128))
    rest = folded >> 21
    return head + (_SMALL[rest] if rest < 128 else _varint(rest))


class Encoders:
    """Makes encoders, one for each node: a record may contain itself."""

    def __init__(self) -> None:
        self._made: dict[int, Encoder] = {}

    def encoder(self, node: AvroNode) -> Encoder:
        """The encoder of a type."""
        made = self._made.get(id(node))
        if made is None:
            self._made[id(node)] = lambda value: self._made[id(node)](value)  # noqa: PLW0108 -- it is there only later
            made = self._made[id(node)] = self._make(node)
        return made

    def _make(self, node: AvroNode) -> Encoder:  # noqa: PLR0911 -- one return a kind is the plainest dispatch
        match node.kind:
            case Kind.NULL:
                return _null
            case Kind.BOOLEAN:
                return _boolean
            case Kind.INT | Kind.LONG:
                return _number(node)
            case Kind.FLOAT | Kind.DOUBLE:
                return _floating(_FLOAT if node.kind is Kind.FLOAT else _DOUBLE)
            case Kind.STRING:
                return _string
            case Kind.ENUM:
                return _symbol(node)
            case Kind.ARRAY:
                return _list(self.encoder(node.items))
            case Kind.MAP:
                return _map(self.encoder(node.items))
            case Kind.UNION:
                return _union([(each.kind, self.encoder(each)) for each in node.branches])
            case Kind.RECORD:
                return self._record(node)
        return _bytes(node)

    def _record(self, node: AvroNode) -> Encoder:
        fields = [
            (each.name, self.encoder(each.type), default_bytes(each.type, each.default) if each.has_default else None)
            for each in node.fields
        ]

        def encode(value: Any) -> bytes:
            if not isinstance(value, Mapping):
                _misfit("a record", value)
            strange = value.keys() - {name for name, _, _ in fields}
            if strange:
                raise ConversionFailed(problem=f"record '{node.name}' has no field '{min(strange)}'")
            out = []
            for name, encoder, default in fields:
                if name in value:
                    out.append(encoder(value[name]))
                elif default is not None:
                    out.append(default)
                else:
                    raise ConversionFailed(problem=f"record '{node.name}' needs its field '{name}'")
            return b"".join(out)

        return encode


def default_bytes(node: AvroNode, value: Any) -> bytes:  # noqa: PLR0911 -- one return a kind is the plainest dispatch
    """The bytes of a default as it stands in a schema's JSON, which fits its type: that was checked when it was parsed."""
    match node.kind:
        case Kind.UNION:
            for number, branch in enumerate(node.branches):
                try:
                    return encode_long(number) + default_bytes(branch, value)
                except ConversionFailed:
                    continue
            _misfit("a value of the union", value)
        case Kind.BYTES | Kind.FIXED if isinstance(value, str):
            raw = value.encode("latin-1", "replace")  # the specification: code points 0 to 255 are the bytes
            return (encode_long(len(raw)) if node.kind is Kind.BYTES else b"") + raw
        case Kind.INT | Kind.LONG if isinstance(value, int) and not isinstance(value, bool):
            return _in_bits(value, node.kind)
        case Kind.ARRAY if isinstance(value, list):
            items = b"".join(default_bytes(node.items, each) for each in value)
            return encode_long(len(value)) + items + b"\x00" if value else b"\x00"
        case Kind.MAP if isinstance(value, dict):
            pairs = b"".join(_string(name) + default_bytes(node.items, each) for name, each in value.items())
            return encode_long(len(value)) + pairs + b"\x00" if value else b"\x00"
        case Kind.RECORD if isinstance(value, dict):
            return b"".join(default_bytes(each.type, value.get(each.name, each.default)) for each in node.fields)
        case Kind.FLOAT | Kind.DOUBLE if isinstance(value, str):
            value = float(value)
    return Encoders().encoder(node)(value)


def _misfit(wanted: str, value: Any) -> NoReturn:
    shown = "null" if value is None else f"{value!r}"[:60]
    raise ConversionFailed(problem=f"{wanted} is wanted, not {shown}")


def _null(value: Any) -> bytes:
    if value is not None:
        _misfit("null", value)
    return b""


def _boolean(value: Any) -> bytes:
    if type(value) is not bool:
        _misfit("true or false", value)
    return b"\x01" if value else b"\x00"


def _in_bits(value: int, kind: Kind) -> bytes:
    limit = 1 << _BITS[kind]
    if not -limit <= value < limit:
        raise ConversionFailed(problem=f"{value} has more than {_BITS[kind] + 1} bits")
    return encode_long(value)


def _number(node: AvroNode) -> Encoder:
    kind, logical = node.kind, (meaning_of(node) or ("",))[0]
    if logical:
        unit = _DAY if logical == "date" else UNITS[logical.rpartition("-")[2]]
        wanted = Duration if logical.startswith("time-") else Timestamp

        def moment(value: Any) -> bytes:
            if type(value) is not wanted:
                _misfit("a duration" if wanted is Duration else "a timestamp", value)
            return _in_bits(value.nanos // unit, kind)

        return moment

    def encode(value: Any) -> bytes:
        if isinstance(value, bool) or not isinstance(value, int):
            _misfit("a whole number", value)
        return _in_bits(value, kind)

    return encode


def _floating(form: struct.Struct) -> Encoder:
    def encode(value: Any) -> bytes:
        if isinstance(value, bool) or not isinstance(value, int | float):
            _misfit("a number", value)
        try:
            return form.pack(value)
        except (OverflowError, struct.error):
            raise ConversionFailed(problem=f"{value} is too large") from None

    return encode


def _string(value: Any) -> bytes:
    if isinstance(value, UUID):
        value = str(value)
    if not isinstance(value, str):
        _misfit("a text", value)
    raw: bytes = value.encode(errors="surrogateescape")
    return encode_long(len(raw)) + raw


def _symbol(node: AvroNode) -> Encoder:
    numbers = {symbol: encode_long(number) for number, symbol in enumerate(node.symbols)}

    def encode(value: Any) -> bytes:
        found = numbers.get(value) if isinstance(value, str) else None
        if found is None:
            _misfit(f"a symbol of '{node.name}'", value)
        return found

    return encode


def _bytes(node: AvroNode) -> Encoder:
    meaning, size = meaning_of(node), node.size if node.kind is Kind.FIXED else None
    uuid = node.logical == "uuid" and size == 16
    decimal = meaning is not None and meaning[0] == "decimal"
    limit, scale = (10 ** meaning[1], meaning[2]) if meaning is not None else (0, 0)

    def encode(value: Any) -> bytes:
        if decimal:
            raw = _unscaled(value, limit=limit, scale=scale, size=size)
        elif uuid and isinstance(value, str):
            raw = _uuid(value)
        elif isinstance(value, bytes):
            raw = value
        else:
            _misfit("bytes", value)
        if size is None:
            return encode_long(len(raw)) + raw
        if len(raw) != size:
            _misfit(f"{size} bytes", value)
        return raw

    return encode


def _uuid(value: str) -> bytes:
    try:
        return UUID(value).bytes
    except ValueError:
        raise ConversionFailed(problem=f"a UUID is wanted, not '{value[:60]}'") from None


def _unscaled(value: Any, *, limit: int, scale: int, size: int | None) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        _misfit("a decimal", value)
    scaled = value * 10**scale if isinstance(value, int) else value.scaleb(scale, _EXACT)
    unscaled = int(scaled)
    if unscaled != scaled or not -limit < unscaled < limit:
        message = f"{value} is no decimal of {len(str(limit)) - 1} digits, {scale} of them behind the point"
        raise ConversionFailed(problem=message)
    length = size if size is not None else unscaled.bit_length() // 8 + 1
    try:
        return unscaled.to_bytes(length, "big", signed=True)
    except OverflowError:
        raise ConversionFailed(problem=f"{value} takes more than {size} bytes") from None


def _list(inner: Encoder) -> Encoder:
    def encode(value: Any) -> bytes:
        if not isinstance(value, list | tuple):
            _misfit("a list", value)
        return encode_long(len(value)) + b"".join(map(inner, value)) + b"\x00" if value else b"\x00"

    return encode


def _map(inner: Encoder) -> Encoder:
    def encode(value: Any) -> bytes:
        if not isinstance(value, Mapping):
            _misfit("a map", value)
        pairs = b"".join(_string(name) + inner(each) for name, each in value.items())
        return encode_long(len(value)) + pairs + b"\x00" if value else b"\x00"

    return encode


def _union(branches: list[tuple[Kind, Encoder]]) -> Encoder:
    """The first branch that takes a value; a float only where there is no double, which would not round it."""
    heads = [(kind, encode_long(number), branch) for number, (kind, branch) in enumerate(branches)]
    heads.sort(key=lambda each: each[0] is Kind.FLOAT)

    def encode(value: Any) -> bytes:
        for _, head, branch in heads:
            try:
                return head + branch(value)
            except ConversionFailed:
                continue
        _misfit("a value of one of the union's types", value)

    return encode
