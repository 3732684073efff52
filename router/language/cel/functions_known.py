"""The names that expressions may use: for resolving them, and for suggesting the nearest."""

from __future__ import annotations

from typing import Final

__all__ = ["KNOWN_FUNCTIONS", "NAMESPACED", "OPERATOR_SYMBOLS", "TYPE_NAMES"]

TYPE_NAMES: Final = frozenset(
    {
        *("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type", "optional_type"),
        *("google.protobuf.Timestamp", "google.protobuf.Duration", "net.IP", "net.CIDR"),
    }
)
"""What stands for a type where a value is meant, as in `type(x) == int`."""

OPERATOR_SYMBOLS: Final = {
    **{f"_{symbol}_": symbol for symbol in ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||")},
    "-_": "-",
    "!_": "!",
    "@in": "in",
    "_[_]": "[]",
    "_[?_]": "[?]",
    "_?._": ".?",
    "_?_:_": "? :",
}

NAMESPACED: Final = frozenset(
    {
        *(
            f"math.{name}"
            for name in ("ceil", "floor", "round", "trunc", "abs", "sign", "sqrt", "isNaN", "isInf", "isFinite")
        ),
        *(f"math.bit{name}" for name in ("And", "Or", "Xor", "Not", "ShiftLeft", "ShiftRight")),
        *("math.@max", "math.@min", "strings.quote", "base64.encode", "base64.decode", "ip.isCanonical"),
        *("optional.of", "optional.ofNonZeroValue", "optional.none"),
    }
)

_PLAIN: Final = frozenset(
    {
        *("size", "matches", "startsWith", "endsWith", "contains", "dyn", "type", "decimal"),
        *("int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
        *("charAt", "indexOf", "lastIndexOf", "join", "lowerAscii", "upperAscii", "replace", "split", "substring"),
        *("trim", "reverse", "format", "hasValue", "value", "or", "orValue"),
        *("ip", "cidr", "isIP", "isCIDR", "family", "isUnspecified", "isLoopback", "isGlobalUnicast"),
        *("isLinkLocalMulticast", "isLinkLocalUnicast", "containsIP", "containsCIDR", "masked", "prefixLength"),
    }
)

KNOWN_FUNCTIONS: Final = frozenset({*OPERATOR_SYMBOLS, *NAMESPACED, *_PLAIN})
