"""Values in a typed JSON form: `{"t": "int", "v": 1}`. It tells 1 from 1.0 and from true, where JSON by itself could not."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from router.language.cel.types import DYN, CelType, Tag
from router.language.cel.values import (
    Duration,
    Optional,
    Timestamp,
    TypeValue,
    Uint,
    from_key,
    make_map,
    to_int,
    to_uint,
    type_name,
)

__all__ = ["from_typed", "to_typed", "type_of"]

_DOUBLES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_typed(value: Any) -> dict[str, Any]:
    """A value in the typed form."""
    match value:
        case None:
            return {"t": "null", "v": None}
        case float():
            special = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            return {"t": "double", "v": value if math.isfinite(value) else special}
        case bytes():
            return {"t": "bytes", "v": base64.b64encode(value).decode()}
        case Decimal():
            return {"t": "decimal", "v": f"{value:f}"}
        case list():
            return {"t": "list", "v": [to_typed(each) for each in value]}
        case dict():
            return {"t": "map", "v": [[to_typed(from_key(key)), to_typed(each)] for key, each in value.items()]}
        case Timestamp() | Duration():
            seconds, nanos = divmod(abs(value.nanos), 1_000_000_000)
            if isinstance(value, Timestamp):
                seconds, nanos = divmod(value.nanos, 1_000_000_000)
            elif value.nanos < 0:
                seconds, nanos = -seconds, -nanos
            return {"t": "timestamp" if isinstance(value, Timestamp) else "duration", "v": {"s": seconds, "ns": nanos}}
        case TypeValue():
            return {"t": "type", "v": value.name}
        case Optional():
            return {"t": "optional", "v": to_typed(value.value) if value.present else None}
        case bool() | str():
            return {"t": type_name(value), "v": value}
        case int():
            return {"t": type_name(value), "v": int(value)}
    return {"t": type_name(value), "v": str(value)}


def from_typed(typed: Mapping[str, Any]) -> Any:
    """The value of a typed form; ValueError where it is none."""
    kind: Any = typed.get("t")
    value: Any = typed.get("v")
    try:
        match kind:
            case "null":
                return None
            case "bool" | "string":
                return {"bool": bool, "string": str}[kind](value)
            case "int":
                return to_int(int(value))
            case "uint":
                return to_uint(int(value))
            case "double":
                return _DOUBLES[value] if isinstance(value, str) else float(value)
            case "bytes":
                return base64.b64decode(value, validate=True)
            case "decimal":
                return Decimal(value)
            case "list":
                return [from_typed(each) for each in value]
            case "map":
                return make_map([(from_typed(key), from_typed(each)) for key, each in value])
            case "timestamp" | "duration":
                nanos = int(value["s"]) * 1_000_000_000 + int(value["ns"])
                return Timestamp(nanos) if kind == "timestamp" else Duration(nanos)
            case "type":
                return TypeValue(str(value))
    except (TypeError, LookupError, ArithmeticError) as error:
        raise ValueError(f"no {kind}: {value!r}") from error
    raise ValueError(f"no type: {kind!r}")


_TAGS = {
    bool: Tag.BOOL,
    int: Tag.INT,
    Uint: Tag.UINT,
    float: Tag.DOUBLE,
    str: Tag.STRING,
    bytes: Tag.BYTES,
    Timestamp: Tag.TIMESTAMP,
    Duration: Tag.DURATION,
    Decimal: Tag.DECIMAL,
    TypeValue: Tag.TYPE,
    type(None): Tag.NULL,
}


def type_of(value: Any) -> CelType:
    """The type to declare for a value where no other is given; of containers only that they are such."""
    if type(value) is list:
        return CelType(Tag.LIST, (DYN,))
    if type(value) is dict:
        return CelType(Tag.MAP, (DYN, DYN))
    return CelType(_TAGS[type(value)]) if type(value) in _TAGS else DYN
