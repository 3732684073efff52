"""Source text that carries Avro values from one type to another, bytes to bytes, by Avro's schema resolution. Pure.

What both types write alike is a slice of the bytes. Elsewhere a value is taken apart just as far as needed: a number that
widens to a double, an enum whose symbols have other numbers, a branch of a union, the fields of a record in another order.
Each type that needs it gets a function `carry_N(b, p)` that gives the new bytes and the position behind the old ones.

A moment is carried into another unit as the same moment, where Avro would take its number as it is. What resolution lets pass
and what changes a value is not carried over: a decimal of another scale needs a step that says what is meant. What is rounded,
and symbols that become an enum's default, are losses.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from router.errors import ConfigError
from router.records.field_type import Kind
from router.versions.avro_nodes import AvroNode
from router.versions.compatibility import same_name
from router.versions.encoding import UNITS, ConversionFailed, encode_long
from router.versions.plain_values import read_long
from router.versions.skipping import Skips
from router.versions.value_changes import meaning_of

__all__ = ["Carrier", "Loss", "Uncarried", "alike"]

_WIDENING = {(Kind.INT, Kind.FLOAT), (Kind.INT, Kind.DOUBLE), (Kind.LONG, Kind.FLOAT), (Kind.LONG, Kind.DOUBLE)}
_ROUNDING = _WIDENING - {(Kind.INT, Kind.DOUBLE)}
_SOMETIMES = {(Kind.LONG, Kind.INT), (Kind.BYTES, Kind.STRING)}
_OTHER_KIND = 2
_SAME_BYTES = {(Kind.INT, Kind.LONG), (Kind.STRING, Kind.BYTES)}


_CODE = ("n = b[p]", "p += 1", "if n > 127:", "    n, p = rest_of_varint(b, p, n)")
"""Lines that read a number, not yet unfolded from zigzag."""


class Uncarried(ConfigError):
    """A value of one type cannot become one of another by itself."""

    reason = "uncarried"

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        """Dotted path of the target's field, from where the carrying began."""
        self.problem = problem

    def __str__(self) -> str:
        return f"field '{self.path}': {self.problem}" if self.path else self.problem


@dataclass(frozen=True, slots=True)
class Loss:
    """A value of the source that the target does not have, or not exactly."""

    path: str
    """Dotted path of the source's field."""
    problem: str


Leaf = Callable[[AvroNode, AvroNode, str, str], str]
"""Makes the function of a pair of records, given the paths of source and target, and gives its name."""


def alike(source: AvroNode, target: AvroNode, _met: frozenset[tuple[int, int]] = frozenset()) -> bool:
    """Whether every value of the source's type is, byte for byte, the same value of the target's."""
    pair = id(source), id(target)
    if pair in _met:
        return True
    if meaning_of(source) != meaning_of(target) or not _same_frame(source, target):
        return False
    inner = [
        *zip(source.branches, target.branches, strict=False),
        *((one.type, other.type) for one, other in zip(source.fields, target.fields, strict=True)),
    ]
    return all(alike(one, other, _met | {pair}) for one, other in inner)


def _same_frame(source: AvroNode, target: AvroNode) -> bool:
    """Whether two types are written alike, as far as what they hold is."""
    if source.kind is not target.kind:
        return (source.kind, target.kind) in _SAME_BYTES
    names = [each.name for each in source.fields] == [each.name for each in target.fields]
    branches = len(source.branches) <= len(target.branches) and all(
        source.kind is not Kind.UNION or not one.name or same_name(other, one)
        for one, other in zip(source.branches, target.branches, strict=False)
    )
    return names and branches and source.size == target.size and source.symbols == target.symbols[: len(source.symbols)]


class Carrier:
    """Writes the functions. `functions` and `skips.functions` are their texts, `globals` what they find around them."""

    def __init__(self, *, refusing: bool = False) -> None:
        """`refusing` leaves it to the values: what some value of a type could not become is refused when it comes."""
        self._refusing = refusing
        self.skips = Skips()
        self.functions: list[str] = []
        self.globals: dict[str, Any] = {
            "long": encode_long,
            "read_long": read_long,
            "refuse": _refuse,
            **self.skips.globals,
        }
        self.losses: list[Loss] = []
        self.identical: set[str] = set()
        """The functions that give the bytes as they are: what they stand for is a slice."""
        self.inline: dict[str, list[str]] = {}
        """By function, lines that do the same in place: they read `b` at `p`, leave `p` behind the value, and put what is made
        into the variable that takes the place of `{x}`."""

    def constant(self, value: Any) -> str:
        """The name of a value that functions find in their globals."""
        name = f"k{len(self.globals)}"
        self.globals[name] = value
        return name

    def define(self, body: list[str], *, name: str = "") -> str:
        """A function `(b, p)` with this body; gives its name."""
        name = name or self.new_name()
        self.functions.append("\n".join([f"def {name}(b, p):", *(f"    {line}" for line in body)]))
        return name

    def new_name(self) -> str:
        """A name that no other function has."""
        return self.constant(None).replace("k", "carry_")

    def carry(self, source: AvroNode, target: AvroNode, path: str, to: str, leaf: Leaf) -> str:
        """The name of the function for a pair of types; `leaf` makes those of records. Raises Uncarried."""
        match source.kind, target.kind:
            case Kind.UNION, _:
                return self._from_union(source, target, path, to, leaf)
            case _, Kind.UNION:
                number, inner = self._into_union(source, target, path, to, leaf)
                head = self.constant(encode_long(number))
                return self.define([f"x, p = {inner}(b, p)", f"return {head} + x, p"])
            case Kind.RECORD, Kind.RECORD:
                return leaf(source, target, path, to)
            case (Kind.ARRAY, Kind.ARRAY) | (Kind.MAP, Kind.MAP):
                return self._collection(source, self.carry(source.items, target.items, path, to, leaf))
            case Kind.ENUM, Kind.ENUM:
                return self._enum(source, target, path, to)
        return self._scalar(source, target, path, to)

    def _scalar(self, source: AvroNode, target: AvroNode, path: str, to: str) -> str:
        if alike(source, target):
            return self.slice(source)
        if (source.kind, target.kind) in _WIDENING and meaning_of(source) is meaning_of(target) is None:
            if (source.kind, target.kind) in _ROUNDING:
                self.losses.append(Loss(path, f"a {source.kind} is rounded to a {target.kind}"))
            form = self.constant(struct.Struct("<f" if target.kind is Kind.FLOAT else "<d").pack)
            return self.define(["n, p = read_long(b, p)", f"return {form}(n), p"])
        if source.kind is Kind.FLOAT and target.kind is Kind.DOUBLE:
            float_of, pack = self.constant(struct.Struct("<f").unpack_from), self.constant(struct.Struct("<d").pack)
            return self.define([f"return {pack}({float_of}(b, p)[0]), p + 4"])
        units = _units(source, target)
        if units is not None:
            return self._unit(*units, path)
        if self._refusing:
            return self._strictly(source, target, to)
        raise Uncarried(path=to, problem=_difference(source, target))

    def _strictly(self, source: AvroNode, target: AvroNode, to: str) -> str:
        """The function for types of which some values may fit: a long that is no longer than an int, bytes that are text."""
        if (source.kind, target.kind) == (Kind.LONG, Kind.INT) and meaning_of(source) is meaning_of(target) is None:
            check = [f"if not {-(1 << 31)} <= n < {1 << 31}:", f"    refuse('it has more than 32 bits', {to!r})"]
            return self.define(["s = p", "n, p = read_long(b, p)", *check, "return b[s:p], p"])
        if (source.kind, target.kind) == (Kind.BYTES, Kind.STRING) and meaning_of(source) is None:
            check = [
                "try:",
                "    b[p - (n >> 1):p].decode()",
                "except UnicodeDecodeError:",
                f"    refuse('it is not UTF-8', {to!r})",
            ]
            return self.define(["s = p", *self.skips.lines(source), *check, "return b[s:p], p"])
        return self.define([f"refuse({_difference(source, target)!r}, {to!r})"])

    def slice(self, source: AvroNode) -> str:
        """The function for a type that is written alike on both sides."""
        name = self.define(["s = p", *self.skips.lines(source), "return b[s:p], p"])
        self.identical.add(name)
        return name

    def _from_union(self, source: AvroNode, target: AvroNode, path: str, to: str, leaf: Leaf) -> str:
        body = ["n, p = read_long(b, p)"]
        same = target.kind is Kind.UNION
        for number, branch in enumerate(source.branches):
            if target.kind is Kind.UNION:
                chosen, inner = self._into_union(branch, target, path, to, leaf)
                made = f"{self.constant(encode_long(chosen))} + x"
                same = same and chosen == number and inner in self.identical
            else:
                inner, made = self.carry(branch, target, path, to, leaf), "x"
            body += [f"if n == {number}:", f"    x, p = {inner}(b, p)", f"    return {made}, p"]
        return self.slice(source) if same else self.define([*body, "malformed(p, 'a union has no such branch')"])

    def _into_union(self, source: AvroNode, target: AvroNode, path: str, to: str, leaf: Leaf) -> tuple[int, str]:
        """The number of the branch that takes a type, and the function that carries it there."""
        ranked = sorted(range(len(target.branches)), key=lambda number: _distance(source, target.branches[number]))
        problem = f"no type of the union takes {source.name or source.kind}"
        for number in ranked:
            branch = target.branches[number]
            losses, refusing = len(self.losses), self._refusing
            # What is of another kind is taken only where it takes every value, as long as there may be a better one.
            self._refusing = refusing and _distance(source, branch) < _OTHER_KIND
            try:
                return number, self.carry(source, branch, path, to, leaf)
            except Uncarried as uncarried:
                del self.losses[losses:]
                if _distance(source, branch) == 0:
                    problem = uncarried.problem
            finally:
                self._refusing = refusing
        if not self._refusing:
            raise Uncarried(path=to, problem=problem)
        for number in ranked:
            if (source.kind, target.branches[number].kind) in _SOMETIMES:
                return number, self._strictly(source, target.branches[number], to)
        return 0, self.define([f"refuse({problem!r}, {to!r})"])

    def _collection(self, source: AvroNode, inner: str) -> str:
        if inner in self.identical:
            return self.slice(source)
        key = (
            ["s = p", *self.skips.lines(AvroNode(Kind.STRING)), "out.append(b[s:p])"] if source.kind is Kind.MAP else []
        )
        return self.define(
            [
                "out = []",
                "while True:",
                "    count, p = read_long(b, p)",
                "    if count == 0:",
                "        out.append(b'\\0')",
                "        return b''.join(out), p",
                "    if count < 0:",
                "        count = -count",
                "        p = read_long(b, p)[1]",
                "    if count > len(b):",
                "        malformed(p, 'a block has more items than the value has bytes')",
                "    out.append(long(count))",
                "    for _ in range(count):",
                *(f"        {line}" for line in key),
                f"        x, p = {inner}(b, p)",
                "        out.append(x)",
            ]
        )

    def _enum(self, source: AvroNode, target: AvroNode, path: str, to: str) -> str:
        missing = [each for each in source.symbols if each not in target.symbols]
        if missing and self._refusing and target.default_symbol is None:
            numbers = [target.symbols.index(each) if each in target.symbols else -1 for each in source.symbols]
            return self.enum(numbers, to)
        if missing and target.default_symbol is not None:
            self.losses.append(Loss(path, f"{', '.join(missing)} become {target.default_symbol}"))
        elif missing:
            problem = f"enum '{target.name}' does not have {', '.join(missing)}: say `symbols:` or `otherwise:`"
            raise Uncarried(path=to, problem=problem)
        known = {each: number for number, each in enumerate(target.symbols)}
        return self.enum([known.get(each, known.get(target.default_symbol or "", 0)) for each in source.symbols])

    def enum(self, numbers: list[int], to: str = "") -> str:
        """The function for an enum whose symbols get these numbers; -1 has no counterpart, and is refused."""
        table = self.constant(tuple(encode_long(each) if each >= 0 else None for each in numbers))
        refuse = ["if n in " + self.constant(frozenset(n for n, each in enumerate(numbers) if each < 0)) + ":"]
        refuse += [f"    refuse('its symbol is not there', {to!r})"]
        name = self.define(
            [
                "n, p = read_long(b, p)",
                f"if not 0 <= n < {len(numbers)}:",
                "    malformed(p, 'an enum has no such symbol')",
                *(refuse if -1 in numbers else []),
                f"return {table}[n], p",
            ]
        )
        if -1 not in numbers:
            check = [f"if n & 1 or n > {2 * len(numbers) - 2}:", "    malformed(p, 'an enum has no such symbol')"]
            self.inline[name] = [*_CODE, *check, f"{{x}} = {table}[n >> 1]"]
        return name

    def _unit(self, was: int, now: int, path: str) -> str:
        """The function for a moment in another unit; both are nanoseconds."""
        if was < now:
            self.losses.append(Loss(path, "its unit is coarser"))
            return self.define(["n, p = read_long(b, p)", f"return long(n // {now // was}), p"])
        return self.define(
            [
                "n, p = read_long(b, p)",
                f"n *= {was // now}",
                f"if not {-(1 << 63)} <= n < {1 << 63}:",
                "    malformed(p, 'a moment has more than 64 bits')",
                "return long(n), p",
            ]
        )


def _units(source: AvroNode, target: AvroNode) -> tuple[int, int] | None:
    """The units of two moments or times of day that differ in nothing else; an int of milliseconds holds no more."""
    was, now = meaning_of(source), meaning_of(target)
    if was is None or now is None or was[0].rpartition("-")[0] != now[0].rpartition("-")[0] or "-" not in was[0]:
        return None
    return UNITS[was[0].rpartition("-")[2]], UNITS[now[0].rpartition("-")[2]]


def _refuse(problem: str, field: str) -> NoReturn:
    raise ConversionFailed(problem=problem, field=field)


def _distance(source: AvroNode, branch: AvroNode) -> int:
    """How far a branch is from a type: its namesake first, then its kind, then what only resolves."""
    if source.kind is not branch.kind:
        return _OTHER_KIND if branch.kind is not Kind.FLOAT else _OTHER_KIND + 1
    return 0 if not source.name or same_name(branch, source) else 1


def _difference(source: AvroNode, target: AvroNode) -> str:
    was, now = (" ".join(_described(each)) for each in (source, target))
    return f"{was} does not become {now} by itself: say how"


def _described(node: AvroNode) -> Iterator[str]:
    meaning = meaning_of(node)
    if meaning is None:
        yield f"'{node.name}'" if node.name else str(node.kind)
    else:
        yield meaning[0]
        if meaning[0] == "decimal":
            yield f"({meaning[1]}, {meaning[2]})"
