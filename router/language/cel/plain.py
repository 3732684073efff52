"""From plain values, as readers and decoders give them, to the values that expressions reckon with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from router.language.cel.failure import WhereFailed
from router.language.cel.times import duration_of, timestamp_of
from router.language.cel.types import DYN, CelType, Struct, Tag
from router.language.cel.values import type_name

__all__ = ["header_texts", "to_cel"]

_FITTING: Mapping[Tag, tuple[type, ...]] = {
    Tag.BOOL: (bool,),
    Tag.INT: (int,),
    Tag.DOUBLE: (float, int),
    Tag.STRING: (str, UUID),
    Tag.BYTES: (bytes,),
    Tag.DECIMAL: (Decimal,),
    Tag.TIMESTAMP: (datetime, date, int),
    Tag.DURATION: (time, int),
    Tag.LIST: (list,),
    Tag.MAP: (dict,),
    Tag.STRUCT: (dict,),
}


def to_cel(value: Any, of: CelType, structs: Mapping[str, Struct]) -> Any:
    """The value of a plain one that its schema gives this type; WhereFailed where it is of another after all.

    Avro's decoders keep to their schema, but a JSON value need not.
    """
    if value is None:
        return None
    if of.tag not in _FITTING:
        return _dynamic(value)
    if type(value) not in _FITTING[of.tag]:
        raise WhereFailed(f"a value is {type_name(value)} where its schema says {of}")
    match of.tag:
        case Tag.DOUBLE:
            return _double(value)
        case Tag.STRING:
            return str(value)
        case Tag.TIMESTAMP:
            return timestamp_of(value)
        case Tag.DURATION:
            return duration_of(value)
        case Tag.LIST:
            return [to_cel(each, of.element, structs) for each in value]
        case Tag.MAP:
            return {name: to_cel(each, of.element, structs) for name, each in value.items()}
        case Tag.STRUCT:
            return {name: to_cel(value.get(name), each, structs) for name, each in structs[of.name].fields.items()}
    return value


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise WhereFailed("a number is too large for a double") from error


def _dynamic(value: Any) -> Any:
    """The same without a schema's word: every plain value has one natural meaning."""
    match value:
        case datetime() | date():
            return timestamp_of(value)
        case time():
            return duration_of(value)
        case UUID():
            return str(value)
        case list():
            return [_dynamic(each) for each in value]
        case dict():
            return {name: _dynamic(each) for name, each in value.items()}
    return value


def header_texts(headers: Any) -> dict[str, str]:
    """A record's headers as `headers` has them: of a repeated one the last counts; one that is null is the empty text."""
    return {name: "" if value is None else value.decode(errors="surrogateescape") for name, value in headers}


def scalar_plain(value: Any) -> Any:
    """A plain scalar of an unknown type."""
    return to_cel(value, DYN, {})
