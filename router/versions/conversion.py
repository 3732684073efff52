"""A conversion: how a record of one version becomes one of another, compiled to a function from bytes to bytes. Pure.

The function goes over the source's bytes once. Runs of fields that both versions write alike are slices of them, so a
conversion costs what it changes. What an expression reads is decoded; what it gives is encoded and must fit its field, else
the record fails with ConversionFailed: it is never written in part.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from router.errors import Unreadable
from router.language.cel.source import FAILURES
from router.versions.avro_nodes import AvroNode
from router.versions.carrying import Carrier
from router.versions.encoding import ConversionFailed

__all__ = ["Conversion", "Converted", "How", "Part", "Slot", "compile_parts", "failed_step", "link"]


class How(StrEnum):
    """How a field is made, for people."""

    CARRIED = "carried over"
    RENAMED = "renamed"
    EXPRESSION = "expression"
    SYMBOLS = "symbols"
    NESTED = "nested"
    CONSTANT = "constant"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Part:
    """One field of the target as the generated function makes it. One of `carrier`, `constant` and `code` is there."""

    name: str
    path: str
    """Dotted path of the target's field."""
    how: How
    told: str
    """What it is made of, as people wrote it."""
    source: int = -1
    """The number of the source's field that `carrier` reads, or that is copied as it is where there is no carrier."""
    carrier: str = ""
    constant: bytes = b""
    code: str = ""
    """Python's text of an expression over slots; its value goes through `encoder`."""
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that expressions read: the source's field that it is in, and the function that gives it."""

    variable: str
    source: int
    reader: str


@dataclass(frozen=True, slots=True)
class Converted:
    """One step on the way of a record: for showing it."""

    path: str
    how: How
    told: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """One direction between two adjacent versions."""

    subject: str
    source: int
    target: int
    file: str
    """Where it is written down; empty where nothing had to be: all fields carry over."""
    steps: tuple[Converted, ...]
    loses: tuple[str, ...]
    """Dotted paths of the source that the target does not have."""
    convert: Callable[[bytes], bytes] = field(compare=False, repr=False)
    """The target's bare bytes of the source's. Raises Unreadable, ConversionFailed."""
    text: str = field(compare=False, repr=False, default="")
    """The source text of the function."""

    def __str__(self) -> str:
        return f"{self.subject} v{self.source} to v{self.target}"


def compile_parts(
    carrier: Carrier,
    source: AvroNode,
    parts: list[Part],
    slots: list[Slot],
    *,
    whole: str,
    name: str,
) -> None:
    """Add the function of one pair of records. `whole` names the reader of the source's plain value, where one is needed."""
    in_place = _in_place(parts)
    starts = {part.source for number, part in enumerate(parts) if part.source >= 0 and number not in in_place.values()}
    starts |= {slot.source for slot in slots}
    ends = {part.source for part in parts if part.source >= 0 and not part.carrier}
    lines = ["s = p"] if whole else []
    for number, each in enumerate(source.fields):
        if number in starts or number - 1 in ends:
            lines.append(f"s{number} = p")
        if number in in_place:
            lines += _carried(parts[in_place[number]], in_place[number], carrier)
        else:
            lines += carrier.skips.lines(each.type)
    lines += ["e = p", "if e > len(b):", "    malformed(e, 'the value ends too early')"]
    lines += [f"{slot.variable} = {slot.reader}(b, s{slot.source})[0]" for slot in slots]
    if whole:
        lines += [f"whole = {whole}(b, s)[0]", "whole = {**whole, '': whole}"]
    pieces: list[str] = []
    run: tuple[int, int] | None = None
    made: list[str] = []
    for number, part in enumerate(parts):
        copied = part.source >= 0 and not part.carrier
        if copied and run is not None and part.source == run[1] + 1:
            run = run[0], part.source
            continue
        if run is not None:
            pieces.append(_slice(run, len(source.fields)))
        run = (part.source, part.source) if copied else None
        if not copied:
            if number not in in_place.values():
                made += _made(part, number, carrier)
            pieces.append(f"x{number}")
    if run is not None:
        pieces.append(_slice(run, len(source.fields)))
    joined = pieces[0] if len(pieces) == 1 else f"b''.join(({''.join(f'{piece}, ' for piece in pieces)}))"
    carrier.define([*lines, *made, f"return {joined}, e"], name=name)
    copies = [part.source for part in parts if part.source >= 0 and not part.carrier]
    if source.fields and copies == list(range(len(source.fields))) and len(copies) == len(parts):
        carrier.identical.add(name)


def _in_place(parts: list[Part]) -> dict[int, int]:
    """By number of a source's field, the part that carries it while the bytes are gone over: it need not be stepped over too."""
    found: dict[int, int] = {}
    for number, part in enumerate(parts):
        if part.carrier and not part.code:
            found.setdefault(part.source, number)
    return found


def _carried(part: Part, number: int, carrier: Carrier) -> list[str]:
    inline = carrier.inline.get(part.carrier)
    if inline is not None:
        return [line.replace("{x}", f"x{number}") for line in inline]
    return [f"x{number}, p = {part.carrier}(b, p)"]


def _slice(run: tuple[int, int], fields: int) -> str:
    end = f"s{run[1] + 1}" if run[1] + 1 < fields else "e"
    return f"b[s{run[0]}:{end}]"


def _made(part: Part, number: int, carrier: Carrier) -> list[str]:
    if part.code:
        return [
            "try:",
            f"    x{number} = {part.encoder}({part.code})",
            "except CAUGHT as error:",
            f"    raise failed(error, {part.path!r}) from error",
        ]
    if part.carrier:
        return [f"x{number} = {part.carrier}(b, s{part.source})[0]"]
    return [f"x{number} = {carrier.constant(part.constant)}"]


def failed_step(error: Exception, path: str) -> ConversionFailed:
    """What stopped the making of a field, with the field's path."""
    if isinstance(error, ConversionFailed):
        return ConversionFailed(problem=error.problem, field=error.field or path)
    return ConversionFailed(problem=str(error) or type(error).__name__, field=path)


def link(carrier: Carrier, name: str, *, file: str) -> tuple[Callable[[bytes], bytes], str]:
    """The function from bytes to bytes that a carrier's functions make, and its source text."""
    space = dict(carrier.globals) | {"CAUGHT": (*FAILURES, ConversionFailed), "failed": failed_step}
    text = "\n".join([*carrier.skips.functions, *carrier.functions])
    exec(compile(text, f"<{file or 'conversion'}>", "exec"), space)  # noqa: S102 # all of it was written here, from parsed schemas
    inner: Callable[[bytes, int], tuple[bytes, int]] = space[name]

    def convert(value: bytes) -> bytes:
        try:
            made, end = inner(value, 0)
        except (IndexError, struct.error):
            raise Unreadable(field="", position=len(value), problem="the value ends too early") from None
        except ConversionFailed as failed:
            raise ConversionFailed(problem=failed.problem, field=failed.field, conversion=file) from failed
        if end != len(value):
            raise Unreadable(field="", position=end, problem=f"{len(value) - end} bytes follow behind the value")
        return made

    return convert, text
