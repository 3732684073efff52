"""A case's value as the bytes that a producer would have written: what it leaves out is filled in, what it states is checked.

A case states what matters to it. The rest follows from the schema: a field's default, null where it may be null, else
the nothing of its type. Times may be stated as numbers or in ISO 8601, decimals as numbers or texts, bytes as texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson

from router.errors import Unreadable
from router.language.suggestions import did_you_mean
from router.records.avro import AvroType, AvroTypes, encode_whole
from router.records.field_type import Kind
from router.records.schema import AvroSchema, JsonSchema

__all__ = ["Misfit", "encode_value"]

_Path = tuple[str | int, ...]


class Misfit(ValueError):
    """A stated value does not fit the schema; `path` leads to it from the value's root."""

    def __init__(self, path: _Path, problem: str, *, suggestion: str = "") -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem
        self.suggestion = suggestion

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path)) or 'the value'}: {self.problem}"


def encode_value(schema: AvroSchema | JsonSchema | None, value: object) -> bytes:
    """The bytes of a value that states some fields. Without a schema it is JSON as it stands. Raises Misfit."""
    if isinstance(schema, AvroSchema):
        datum = _Avro(schema.types).fit(schema.types.root, value, ())
        try:
            return encode_whole(schema.types, datum)
        except Unreadable as misfit:
            raise Misfit((), misfit.problem) from misfit
    filled = value if schema is None else _filled_json(schema, value)
    try:
        return orjson.dumps(filled)
    except TypeError as error:
        raise Misfit((), f"it cannot be written as JSON: {error}") from error


class _Avro:
    """Plain values to what fastavro writes. Fields with a default are left to fastavro."""

    def __init__(self, types: AvroTypes) -> None:
        self._types = types
        self._defaults: dict[str, set[str]] = {}
        self._find_defaults(types.parsed)

    def _find_defaults(self, schema: Any) -> None:
        if isinstance(schema, list):
            for branch in schema:
                self._find_defaults(branch)
        elif isinstance(schema, dict):
            if schema.get("type") in {"record", "error"}:
                fields = schema["fields"]
                self._defaults[schema["name"]] = {each["name"] for each in fields if "default" in each}
                for each in fields:
                    self._find_defaults(each["type"])
            else:
                for inner in ("items", "values", "type"):
                    self._find_defaults(schema.get(inner))

    def fit(self, here: AvroType, value: Any, path: _Path) -> Any:
        match here.kind:
            case Kind.RECORD:
                return self._record(here, value, path)
            case Kind.UNION:
                return self._union(here, value, path)
            case Kind.ARRAY:
                items = _expect(value, list, "a list", path)
                return [self.fit(here.items, item, (*path, index)) for index, item in enumerate(items)]
            case Kind.MAP:
                entries = _expect(value, dict, "a mapping", path)
                return {key: self.fit(here.items, item, (*path, key)) for key, item in entries.items()}
            case _:
                return _leaf(here, value, path)

    def _record(self, here: AvroType, value: Any, path: _Path) -> dict[str, Any]:
        stated = _expect(value, dict, "a mapping", path)
        fields = dict(self._types.records[here.name])
        for name in stated:
            if name not in fields:
                raise Misfit(
                    (*path, name), f"the schema has no field '{name}' here", suggestion=did_you_mean(name, fields)
                )
        datum = {name: self.fit(inner, stated[name], (*path, name)) for name, inner in fields.items() if name in stated}
        omitted = self._defaults[here.name]
        return datum | {
            name: self._nothing(inner) for name, inner in fields.items() if name not in stated and name not in omitted
        }

    def _union(self, here: AvroType, value: Any, path: _Path) -> Any:
        if value is None and any(branch.kind is Kind.NULL for branch in here.branches):
            return None
        branches = [branch for branch in here.branches if branch.kind is not Kind.NULL]
        misfits: list[Misfit] = []
        for branch in branches:
            try:
                return (branch.name or str(branch.kind), self.fit(branch, value, path))
            except Misfit as misfit:
                misfits.append(misfit)
        if len(misfits) == 1:
            raise misfits[0]
        kinds = " or ".join(branch.name or branch.kind for branch in here.branches)
        raise Misfit(path, f"it fits none of {kinds}")

    def _nothing(self, here: AvroType) -> Any:
        """What stands for a field that is not stated and has no default."""
        match here.kind:
            case Kind.RECORD:
                return self._record(here, {}, ())
            case Kind.UNION if all(branch.kind is not Kind.NULL for branch in here.branches):
                first = here.branches[0]
                return (first.name or str(first.kind), self._nothing(first))
            case Kind.UNION:
                return None
            case _:
                return _nothing_of_leaf(here)


def _nothing_of_leaf(here: AvroType) -> Any:
    if here.kind is Kind.ENUM:
        return here.symbols[0]
    if here.logical == "decimal":
        return Decimal(0)
    if here.kind is Kind.FIXED:
        return bytes(here.size)
    return str(UUID(int=0)) if here.logical == "uuid" else _NOTHING[here.kind]


_NOTHING: Mapping[Kind, Any] = {
    Kind.NULL: None,
    Kind.BOOLEAN: False,
    Kind.INT: 0,
    Kind.LONG: 0,
    Kind.FLOAT: 0.0,
    Kind.DOUBLE: 0.0,
    Kind.BYTES: b"",
    Kind.STRING: "",
    Kind.ARRAY: [],
    Kind.MAP: {},
}
_BITS = {Kind.INT: 31, Kind.LONG: 63}


def _leaf(here: AvroType, value: Any, path: _Path) -> Any:
    match here.kind:
        case _ if here.logical == "decimal":
            return _decimal(here, value, path)
        case Kind.INT | Kind.LONG:
            return _whole(here, value, path)
        case Kind.FLOAT | Kind.DOUBLE:
            return _expect(value, (int, float), "a number", path)
        case Kind.STRING | Kind.BYTES | Kind.FIXED:
            return _text(here, value, path)
        case Kind.ENUM:
            return _one_of(here.symbols, value, path)
        case _:
            return _expect(value, *_CONSTANTS[here.kind], path)


_CONSTANTS: Mapping[Kind, tuple[Any, str]] = {
    Kind.BOOLEAN: (bool, "true or false"),
    Kind.NULL: (type(None), "null"),
}


def _one_of(symbols: tuple[str, ...], value: Any, path: _Path) -> Any:
    if value not in symbols:
        listed = f"it is one of {', '.join(symbols)}, not {_shown(value)}"
        raise Misfit(path, listed, suggestion=did_you_mean(str(value), symbols))
    return value


def _text(here: AvroType, value: Any, path: _Path) -> str | bytes:
    text: str = _expect(value, str, "a text", path)
    if here.logical == "uuid":
        try:
            uuid = UUID(text)
        except ValueError as error:
            raise Misfit(path, f"it is a UUID, not {_shown(text)}") from error
        return uuid.bytes if here.kind is Kind.FIXED else text
    if here.kind is Kind.STRING:
        return text
    raw = text.encode()
    if here.kind is Kind.FIXED and len(raw) != here.size:
        raise Misfit(path, f"it has {here.size} bytes, not {len(raw)}")
    return raw


def _whole(here: AvroType, value: Any, path: _Path) -> int:
    if here.logical is not None and isinstance(value, str):
        value = _moment(here.logical, value, path)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(path, f"it is a whole number, not {_shown(value)}")
    limit = 1 << _BITS[here.kind]
    if not -limit <= value < limit:
        raise Misfit(path, f"{_shown(value)} has more than {_BITS[here.kind] + 1} bits")
    return value


def _moment(logical: str, text: str, path: _Path) -> int:
    """A date, time or timestamp in ISO 8601 as Avro counts it."""
    try:
        if logical == "date":
            return (date.fromisoformat(text) - date(1970, 1, 1)).days
        if logical.startswith("time-"):
            at = time.fromisoformat(text)
            since = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
        else:
            moment = datetime.fromisoformat(text)
            since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Misfit(path, f"it is a whole number or in ISO 8601, not {_shown(text)}") from error
    microseconds = since // timedelta(microseconds=1)
    if logical.endswith("millis"):
        return microseconds // 1000
    return microseconds * 1000 if logical.endswith("nanos") else microseconds


def _decimal(here: AvroType, value: Any, path: _Path) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Misfit(path, f"it is a decimal, not {_shown(value)}")
    try:
        number = Decimal(str(value))
        scaled = number.quantize(Decimal(1).scaleb(-here.scale))
    except InvalidOperation as error:
        raise Misfit(path, f"it is a decimal, not {_shown(value)}") from error
    if scaled != number:
        raise Misfit(path, f"it has {here.scale} digits behind the point, not as many as {_shown(value)}")
    return scaled


def _filled_json(schema: JsonSchema, value: object) -> object:
    """The value with what the schema requires; what it states must be of the schema's kinds."""
    if not isinstance(value, dict):
        return value
    filled = _checked_json(schema, value, ())
    for path in schema.paths():
        kind = schema.field(path)
        if kind is not None and not kind.nullable:
            nothing = kind.symbols[0] if kind.symbols else _NOTHING.get(kind.kind)
            _put_if_absent(filled, path.split("."), nothing)
    return filled


def _checked_json(schema: JsonSchema, stated: dict[str, Any], path: _Path) -> dict[str, Any]:
    here = "".join(f"{step}." for step in path)
    known = dict.fromkeys(each.removeprefix(here).split(".")[0] for each in schema.paths() if each.startswith(here))
    checked = {}
    for name, value in stated.items():
        inner = (*path, name)
        kind = schema.field(f"{here}{name}")
        if kind is None:
            if known:
                raise Misfit(inner, f"the schema has no field '{name}' here", suggestion=did_you_mean(name, known))
        elif value is not None or not kind.nullable:
            _check_json(kind.kind, kind.symbols, value, inner)
        checked[name] = _checked_json(schema, value, inner) if isinstance(value, dict) and kind else value
    return checked


_JSON_TYPES: Mapping[Kind, tuple[Any, str]] = {
    Kind.BOOLEAN: (bool, "true or false"),
    Kind.LONG: (int, "a whole number"),
    Kind.DOUBLE: ((int, float), "a number"),
    Kind.STRING: (str, "a text"),
    Kind.ARRAY: (list, "a list"),
    Kind.RECORD: (dict, "a mapping"),
}


def _check_json(kind: Kind, symbols: tuple[str, ...], value: Any, path: _Path) -> None:
    if symbols:
        _one_of(symbols, value, path)
    elif kind in _JSON_TYPES:
        _expect(value, *_JSON_TYPES[kind], path)


def _put_if_absent(value: dict[str, Any], names: list[str], nothing: object) -> None:
    *above, last = names
    for name in above:
        value = value.setdefault(name, {})  # a mapping, or null, which makes all below it nullable
    value.setdefault(last, nothing)


def _expect(value: Any, kind: Any, words: str, path: _Path) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Misfit(path, f"it is {words}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"'{value[:40]}'"
        case _:
            return str(value)[:40]
