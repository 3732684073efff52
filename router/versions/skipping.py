"""Source text that goes past Avro values without decoding them: what a conversion does with all that it only carries over. Pure.

The lines read bytes `b` from position `p` and leave `p` behind the value. They look only at lengths and counts, so a text that
is no UTF-8 passes as it is. What leads out of the bytes raises IndexError, or leaves `p` beyond their end: whoever runs the
lines compares at last. A block of items never has more items than the value has bytes, so that no count can stall a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from router.errors import Unreadable
from router.records.field_type import Kind
from router.versions.avro_nodes import AvroNode

__all__ = ["Skips", "malformed", "rest_of_varint"]

_LONGEST_VARINT = 63
_FIXED_SIZES = {Kind.NULL: 0, Kind.BOOLEAN: 1, Kind.FLOAT: 4, Kind.DOUBLE: 8}


def malformed(position: int, problem: str) -> NoReturn:
    """Refuse the value."""
    raise Unreadable(field="", position=position, problem=problem)


def rest_of_varint(b: bytes, p: int, first: int) -> tuple[int, int]:
    """The number that goes on behind its first byte, not yet unfolded from zigzag, and the position behind it."""
    number, shift = first & 127, 7
    while True:
        byte = b[p]
        p += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, p
        shift += 7
        if shift > _LONGEST_VARINT:
            malformed(p, "a number has more than 64 bits")


class Skips:
    """Writes the lines; what cannot stand in a line becomes a function of its own, in `functions`."""

    def __init__(self) -> None:
        self.functions: list[str] = []
        """Source text, in an order in which it can be executed."""
        self._names: dict[int, str] = {}

    @property
    def globals(self) -> dict[str, Any]:
        """What the lines find around them."""
        return {"rest_of_varint": rest_of_varint, "malformed": malformed}

    def lines(self, node: AvroNode) -> list[str]:
        """The lines for one value."""
        match node.kind:
            case Kind.INT | Kind.LONG | Kind.ENUM:
                return ["while b[p] > 127:", "    p += 1", "p += 1"]
            case Kind.STRING | Kind.BYTES:
                return [*_number(), "if n & 1:", "    malformed(p, 'a length is negative')", "p += n >> 1"]
            case Kind.ARRAY | Kind.MAP | Kind.RECORD | Kind.UNION:
                return [f"p = {self._function(node)}(b, p)"]
        size = node.size if node.kind is Kind.FIXED else _FIXED_SIZES[node.kind]
        return [f"p += {size}"] if size else []

    def _function(self, node: AvroNode) -> str:
        name = self._names.get(id(node))
        if name is None:
            name = self._names[id(node)] = f"skip_{len(self._names)}"
            body = ["    " + line for line in self._body(node)]
            self.functions.append("\n".join([f"def {name}(b, p):", *body, "    return p"]))
        return name

    def _body(self, node: AvroNode) -> Iterator[str]:
        match node.kind:
            case Kind.RECORD:
                for field in node.fields:
                    yield from self.lines(field.type)
            case Kind.UNION:
                yield from _number()
                for number, branch in enumerate(node.branches):
                    yield f"{'if' if number == 0 else 'elif'} n == {2 * number}:"
                    yield from ("    " + line for line in self.lines(branch) or ["pass"])
                yield "else:" if node.branches else "if True:"
                yield "    malformed(p, 'a union has no such branch')"
            case _:
                yield "while True:"
                yield from ("    " + line for line in self._block(node))

    def _block(self, node: AvroNode) -> Iterator[str]:
        yield from _number()
        yield from ("if n == 0:", "    break", "if n & 1:")
        yield from ("    " + line for line in (*_number(), "p += n >> 1", "continue"))
        yield from ("if n >> 1 > len(b):", "    malformed(p, 'a block has more items than the value has bytes')")
        key = self.lines(AvroNode(Kind.STRING)) if node.kind is Kind.MAP else []
        inner = [*key, *self.lines(node.items)]
        if inner:
            yield "for _ in range(n >> 1):"
            yield from ("    " + line for line in inner)


def _number() -> tuple[str, ...]:
    return ("n = b[p]", "p += 1", "if n > 127:", "    n, p = rest_of_varint(b, p, n)")
