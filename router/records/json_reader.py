"""Reading fields from JSON values: orjson parses the text whole, so what is left is to pick and to judge.

The paths, kinds and promises are those of the Avro reader; a JSON schema, where there is one, adds what it knows about the
fields that are read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from router.errors import Unreadable
from router.records.field_type import FieldType, Kind
from router.records.json_schema import JsonSchema
from router.records.reader import FieldReader
from router.records.text import Value

__all__ = ["format_json", "json_picker", "json_reader", "parse_json"]

_DOUBLE = struct.Struct("<d")
_FALSE, _TRUE = b"\0", b"\1"

_NAMES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer", float: "a number"}

_EXPECTED: dict[Kind, set[type]] = {
    Kind.BOOLEAN: {bool},
    Kind.LONG: {int},
    Kind.DOUBLE: {int, float},
    Kind.STRING: {str},
    Kind.ENUM: {str},
}
_ANY: set[type] = {bool, int, float, str}


def json_reader(paths: Sequence[str], *, schema: JsonSchema | None = None, whole: bool = False) -> FieldReader:
    """A reader of fields of JSON objects.

    A path leads through objects. An absent field, or one inside null or inside nothing, reads as None; unless the schema
    requires it, or says what type it is and it is of another: then the value is unreadable, as it is where the path meets
    an array, or an object at its end. `whole` checks in the same way every scalar field that the schema names.
    """
    checked = dict.fromkeys((*paths, *(schema.paths() if whole and schema else ())))
    picks = [_pick(path, schema.field(path) if schema else None) for path in checked]
    wanted = [list(checked).index(path) for path in paths]

    def read(value: bytes) -> tuple[Any, ...]:
        record = parse_json(value)
        if type(record) is not dict:
            raise Unreadable(field="", position=-1, problem=f"it is {_NAMES.get(type(record), 'null')}, not an object")
        facts = [pick(record) for pick in picks]
        return tuple(facts[number] for number in wanted)

    return FieldReader(paths=tuple(paths), read=read, values=_values)


def parse_json(value: bytes) -> Any:
    """The plain value of a JSON text. Raises Unreadable."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        position = error.pos if value.isascii() else -1
        raise Unreadable(field="", position=position, problem=f"it is not JSON: {error.msg}") from None


def format_json(value: Any) -> bytes:
    """The JSON text of a plain value, without spaces. TypeError where JSON has no word for it."""
    return orjson.dumps(value)


def json_picker(path: str, field: FieldType | None) -> Callable[[dict[str, Any]], Value]:
    """What finds the plain value of one path in a record that was parsed; judges it as a reader does. Raises Unreadable."""
    pick = _pick(path, field)

    def value_of(record: dict[str, Any]) -> Value:
        fact = pick(record)
        return _value(fact) if type(fact) is bytes else fact

    return value_of


def _pick(path: str, field: FieldType | None) -> Callable[[dict[str, Any]], Any]:
    """What finds the fact of one path in a record."""
    *parents, last = path.split(".")
    expected = _EXPECTED.get(field.kind, _ANY) if field else _ANY
    symbols: frozenset[str] = frozenset(field.symbols if field else ())
    required = field is not None and not field.nullable

    def unreadable(problem: str) -> Unreadable:
        return Unreadable(field=path, position=-1, problem=problem)

    def pick(record: dict[str, Any]) -> Any:
        here: Any = record
        for name in parents:
            here = here.get(name)
            if type(here) is not dict:
                if here is not None:
                    raise unreadable(f"'{name}' is {_NAMES[type(here)]}, not an object")
                here = {}
        fact = here.get(last)
        if fact is None:
            if required:
                raise unreadable("it is required, and not there")
            return None
        kind = type(fact)
        if kind not in expected:
            if kind is float and expected == {int} and fact.is_integer():
                return int(fact)  # JSON knows one kind of number: 2.0 is an integer
            raise unreadable(f"it is {_NAMES[kind]}")
        if symbols and fact not in symbols:
            raise unreadable(f"{fact!r} is not one of its symbols")
        # Facts must differ where values do, though Python takes 1, 1.0 and true for equal: JSON has no bytes, facts may.
        if kind is bool:
            return _TRUE if fact else _FALSE
        return _DOUBLE.pack(fact) if kind is float else fact

    return pick


def _values(facts: tuple[Any, ...]) -> tuple[Value, ...]:
    return tuple(_value(fact) if type(fact) is bytes else fact for fact in facts)


def _value(fact: bytes) -> Value:
    if len(fact) == 1:
        return fact == _TRUE
    number: float = _DOUBLE.unpack(fact)[0]
    return number
