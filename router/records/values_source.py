"""The source text of `values`: a function that turns the facts of a reader into plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.records.avro import AvroType
from router.records.field_type import Kind

__all__ = ["Leaf", "values_source"]

_ZIGZAG = "({fact} >> 1 ^ -({fact} & 1))"

_EXPRESSIONS = {
    Kind.BOOLEAN: "{fact} == 1",
    Kind.INT: _ZIGZAG,
    Kind.LONG: _ZIGZAG,
    Kind.FLOAT: "float_of({fact})[0]",
    Kind.DOUBLE: "double_of({fact})[0]",
}

_LOGICAL_EXPRESSIONS = {
    "date": f"date_of({_ZIGZAG})",
    "time-millis": f"time_of({_ZIGZAG} * 1000)",
    "time-micros": f"time_of({_ZIGZAG})",
    "timestamp-millis": f"instant_of({_ZIGZAG} * 1000)",
    "timestamp-micros": f"instant_of({_ZIGZAG})",
    "local-timestamp-millis": f"local_of({_ZIGZAG} * 1000)",
    "local-timestamp-micros": f"local_of({_ZIGZAG})",
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One wanted field: the number of its fact, and the type behind `null or it`."""

    number: int
    type: AvroType
    nullable: bool


def values_source(leaves: Sequence[Leaf], order: Sequence[int]) -> Iterator[str]:
    """The lines of `values`, and before them the tables that it looks into. `order` has the number of each fact."""
    expressions = {}
    for leaf in leaves:
        fact = f"f{leaf.number}"
        if leaf.type.kind is Kind.UNION:
            table = f"BRANCHES_{leaf.number}"
            yield f"{table} = {{"
            for number, branch in enumerate(leaf.type.branches):
                if branch.kind is not Kind.NULL:
                    symbols = f"SYMBOLS_{leaf.number}_{number}"
                    yield f"    {2 * number}: lambda fact, {symbols}={branch.symbols!r}: {_expression(branch, 'fact', symbols)},"
            yield "}"
            expression = f"{table}[{fact}[0]]({fact}[1])"
        else:
            if leaf.type.symbols:
                yield f"SYMBOLS_{leaf.number} = {leaf.type.symbols!r}"
            expression = _expression(leaf.type, fact, f"SYMBOLS_{leaf.number}")
        plain = not leaf.nullable or expression == fact
        expressions[leaf.number] = expression if plain else f"None if {fact} is None else {expression}"
    yield "def values(facts):"
    if order:
        yield f"    {''.join(f'f{number}, ' for number in order)}= facts"
    yield f"    return ({''.join(f'{expressions[number]}, ' for number in order)})"


def _expression(of: AvroType, fact: str, symbols: str) -> str:
    if of.kind is Kind.ENUM:
        return f"{symbols}[{fact} >> 1]"
    if of.logical == "decimal":
        return f"decimal_of({fact}, {of.scale})"
    if of.logical == "uuid" and of.kind is Kind.FIXED:
        return f"uuid_of({fact})"
    template = _LOGICAL_EXPRESSIONS.get(of.logical or "") or _EXPRESSIONS.get(of.kind, "{fact}")
    return template.format(fact=fact)
