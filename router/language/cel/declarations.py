"""What the front end is told beside the specification's own functions: numbers of all types compare with each other,
decimals reckon with them, and addresses (the network extension, which its Python build lacks).
"""

from __future__ import annotations

from collections.abc import Iterator

from router.language.cel.descriptors import DECIMAL

__all__ = ["configuration"]

_EXTENSIONS = ("math", "strings", "optional", "bindings", "encoders", "two-var-comprehensions")

_Signature = tuple[str, ...]
"""Types by their names; the last is the result's."""

_NUMBERS = ("int", "uint", "double", DECIMAL)
_TIMESTAMP, _DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"
_IP, _CIDR = "net.IP", "net.CIDR"
_SIZED = ("bool", "string", "bytes", _TIMESTAMP, _DURATION)

_MIXED = [(one, other) for one in _NUMBERS for other in _NUMBERS if one != other]
_COMPARED = [*((each, each) for each in (*_NUMBERS, *_SIZED)), *_MIXED]
_DECIMALS = [pair for pair in ((DECIMAL, DECIMAL), *_MIXED) if DECIMAL in pair]
_SAME: list[_Signature] = [(each, each, each) for each in ("int", "uint", "double")]
_RECKONED: list[_Signature] = [*_SAME, *((one, other, DECIMAL) for one, other in _DECIMALS)]

_OPERATORS: dict[str, list[_Signature]] = {
    **{f"_{symbol}_": [(*pair, "bool") for pair in _COMPARED] for symbol in ("<", "<=", ">", ">=")},
    **{f"_{symbol}_": [("A", "A", "bool"), *((*pair, "bool") for pair in _MIXED)] for symbol in ("==", "!=")},
    "@in": [
        ("A", "list(A)", "bool"),
        ("A", "map(A,B)", "bool"),
        *((one, f"list({other})", "bool") for one, other in _MIXED),
    ],
    "_+_": [
        *_RECKONED,
        ("string", "string", "string"),
        ("bytes", "bytes", "bytes"),
        ("list(A)", "list(A)", "list(A)"),
        (_TIMESTAMP, _DURATION, _TIMESTAMP),
        (_DURATION, _TIMESTAMP, _TIMESTAMP),
        (_DURATION, _DURATION, _DURATION),
    ],
    "_-_": [
        *_RECKONED,
        (_TIMESTAMP, _TIMESTAMP, _DURATION),
        (_TIMESTAMP, _DURATION, _TIMESTAMP),
        (_DURATION, _DURATION, _DURATION),
    ],
    "_*_": [*_RECKONED],
    **{
        function: [_Signature((each, function)) for each in given]
        for function, given in (
            ("int", ("int", "uint", "double", "string", _TIMESTAMP, DECIMAL)),
            ("double", ("double", "int", "uint", "string", DECIMAL)),
            (
                "string",
                ("string", "bool", "int", "uint", "double", "bytes", _TIMESTAMP, _DURATION, DECIMAL, _IP, _CIDR),
            ),
        )
    },
    "-_": [("int", "int"), ("double", "double"), (DECIMAL, DECIMAL)],
}
"""Declared anew as a whole: a function can be taken out of the standard library, but not added to. The last is the result."""

_CONVERSIONS: dict[str, list[tuple[str, ...]]] = {
    "decimal": [("string", DECIMAL), ("int", DECIMAL), ("uint", DECIMAL), ("double", DECIMAL), (DECIMAL, DECIMAL)],
}

_NETWORK: dict[str, list[tuple[str, ...]]] = {
    "ip": [("string", _IP), (".", _CIDR, _IP)],
    "isIP": [("string", "bool")],
    "ip.isCanonical": [("string", "bool")],
    "cidr": [("string", _CIDR)],
    "isCIDR": [("string", "bool")],
    "family": [(".", _IP, "int")],
    **{
        name: [(".", _IP, "bool")]
        for name in ("isUnspecified", "isLoopback", "isGlobalUnicast", "isLinkLocalMulticast", "isLinkLocalUnicast")
    },
    "containsIP": [(".", _CIDR, _IP, "bool"), (".", _CIDR, "string", "bool")],
    "containsCIDR": [(".", _CIDR, _CIDR, "bool"), (".", _CIDR, "string", "bool")],
    "masked": [(".", _CIDR, _CIDR)],
    "prefixLength": [(".", _CIDR, "int")],
}


def configuration() -> str:
    """The front end's configuration, in its own YAML."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "name: where"
    yield "stdlib:"
    yield "  exclude_functions:"
    for name in _OPERATORS:
        yield f'  - name: "{name}"'
    yield "extensions:"
    for name in _EXTENSIONS:
        yield f"- name: {name}"
    yield "functions:"
    for name, overloads in (_OPERATORS | _CONVERSIONS | _NETWORK).items():
        yield f'- name: "{name}"'
        yield "  overloads:"
        for number, (*given, result) in enumerate(overloads):
            # The number keeps ids apart: several functions may take the same types.
            yield f'  - id: "router_{name}_{number}"'
            if given[0] == ".":
                given.pop(0)
                yield f"    target: {_type(given.pop(0))}"
            yield f"    args: [{', '.join(_type(each) for each in given)}]"
            yield f"    return: {_type(result)}"


def _type(text: str) -> str:
    name, _, inner = text.partition("(")
    if inner:
        return f"{{type_name: {name}, params: [{', '.join(_type(each) for each in inner.rstrip(')').split(','))}]}}"
    return f"{{type_name: {name}, is_type_param: {'true' if len(name) == 1 else 'false'}}}"
