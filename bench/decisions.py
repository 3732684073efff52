"""How fast exchanges decide: 2,000 random bindings of each type against 10,000 distinct messages, on one core, no broker.

    python -m bench.decisions [--bindings 2000] [--write]

`first` asks the exchange for every message for the first time, and once; `again` asks again; `whole` decides records with
no memory at all, from their bytes to their destinations; `remembered` lets the decider remember, as a worker does, whose
records repeat what their decisions depend on. Times are of this thread's CPU, the least of several rounds; records are new
in each, since a text or bytes that were looked up once are cheaper to look up again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from bench.report import between_markers
from router.exchange.deciding import Decider
from router.exchange.decision import Walk
from router.exchange.header_values import HeaderTest, Operator
from router.exchange.matcher import Message, words_of
from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Entry,
    Exchange,
    ExchangeType,
    HeaderCondition,
    HeadersMatch,
    Place,
    Tombstones,
)
from router.exchange.topology import Topology
from router.language.cel.environment import Environment
from router.language.cel.regex import Re2
from router.language.cel.where import compile_where
from router.records.record import PlainRecord
from router.records.schema import parse_avro

T = TypeVar("T")

_PAGE = Path(__file__).parent.parent / "docs" / "bench.md"
_KEYS = 10_000
_PLACE = Place("routes/bench.yaml", 1, 1)
_WORDS = (
    ("bob", "shop", "crm", "wms", "pay", "risk", "bi", "ml"),
    ("ru", "kz", "ua", "by", "am", "ge", "uz", "kg"),
    ("order", "item", "refund", "user", "stock", "price", "ship", "cart", "bill", "promo", "seller", "return"),
    ("created", "paid", "packed", "shipped", "delivered", "canceled", "updated", "deleted"),
    ("v1", "v2", "v3"),
    tuple(f"s{number:02d}" for number in range(40)),
)


def _pattern(chance: random.Random) -> str:
    """Six words, up to three of them a wildcard; now and then `#` for a run of words."""
    words = [chance.choice(each) for each in _WORDS]
    for position in chance.sample(range(6), chance.randrange(4)):
        words[position] = "*"
    if chance.random() < 0.25:
        words[4:] = ["#"]
    elif chance.random() < 0.15:
        words[:2] = ["#"]
    return ".".join(words)


def _exchange(kind: ExchangeType, count: int, chance: random.Random, keys: Sequence[str]) -> Exchange:
    def binding(number: int) -> Binding:
        key, headers = None, None
        if kind is ExchangeType.TOPIC:
            key = _pattern(chance)
        elif kind is ExchangeType.DIRECT:
            key = chance.choice(keys)
        elif kind is ExchangeType.HEADERS:
            names = chance.sample(range(6), 3)
            headers = HeadersMatch(
                conditions=tuple(
                    HeaderCondition(f"h{name}", HeaderTest(Operator.EQUALS, chance.choice(_WORDS[name])))
                    for name in names
                )
            )
        destination = Destination(DestinationKind.TOPIC, f"t{number}")
        return Binding("x", key, destination, _PLACE, "bench", headers=headers)

    # A fanout to 2,000 topics makes 2,000 copies a message, which is another measurement.
    size = 10 if kind is ExchangeType.FANOUT else count
    return Exchange("x", kind, tuple(binding(number) for number in range(size)), None, _PLACE, "bench")


def _seconds(work: Callable[[], object], rounds: int = 1) -> float:
    least = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        work()
        least = min(least, time.thread_time() - begun)
    return least


def _for_each(decide: Callable[[T], object], given: Callable[[], Sequence[T]], rounds: int = 9) -> float:
    """Seconds for all that is given; what comes out is let go of, as a worker does after each batch."""

    def decide_all(each_of: Sequence[T]) -> None:
        for each in each_of:
            decide(each)

    return min(_seconds(partial(decide_all, given())) for _ in range(rounds))


def _row(kind: ExchangeType, count: int) -> str:
    chance = random.Random(5)
    keys = list({".".join(chance.choice(each) for each in _WORDS): None for _ in range(_KEYS * 2)})[:_KEYS]
    exchange = _exchange(kind, count, chance, keys)
    topology = Topology({"x": exchange})
    compiling = _seconds(lambda: Topology({"x": exchange}), 3)

    def messages() -> list[Message]:
        return [
            Message(key, words_of(key), headers={f"h{number}": word for number, word in enumerate(key.split("."))})
            for key in keys
        ]

    def records() -> list[PlainRecord]:
        return [
            PlainRecord(
                topic="s", key=key.encode(), value=b"",
                headers=tuple((f"h{number}", word.encode()) for number, word in enumerate(key.split("."))),
            )
            for key in keys
        ]  # fmt: skip

    def decider(memory: int) -> Decider:
        entry = Entry("x", None, None, Tombstones.ALL)
        return Decider(entries=(entry,), topology=topology, reader=None, memory=memory)

    def asking(topology: Topology) -> Callable[[Message], Walk]:
        return lambda message: topology.walk("x", message)

    first = min(_for_each(asking(Topology({"x": exchange})), messages, 1) for _ in range(9))
    again = _for_each(asking(topology), messages)
    whole = _for_each(decider(0).decide, records)
    remembering = decider(2 * _KEYS)
    matches = sum(len(remembering.decide(each).topics) for each in records()) / _KEYS
    remembered = _for_each(remembering.decide, records)
    rates = (f"{_KEYS / seconds:,.0f}" for seconds in (first, again, whole, remembered))
    return f"| {kind} | {len(exchange.bindings):,} | {matches:.2f} | {compiling:.3f} s | {' | '.join(rates)} |"


def _where_row(text: str) -> str:
    schema = (Path(__file__).parent / "schemas").rglob("v1.avsc")
    environment = Environment.of_schema(parse_avro(next(schema).read_text(encoding="utf-8"), file="v1.avsc"))
    where = compile_where(text, environment, engine=Re2())
    truth = where.compile(where.paths)
    values = {"amount": 1_500_000, "status": "paid", "country": "RU"}
    given = tuple(values[path] for path in where.paths)
    seconds = _seconds(lambda: [truth(given) for _ in range(100_000)], 7) / 100_000
    return f"| `{text}` | {seconds * 1e6:.3f} |"


@click.command()
@click.option("--bindings", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--write", is_flag=True, help="Put the tables into docs/bench.md.")
def main(*, bindings: int, write: bool) -> None:
    """Decisions a second of each exchange type, and what a typical `where` costs."""
    lines = [
        "| exchange | bindings | matches a message | compiled in | first | again | whole | remembered |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        *(_row(kind, bindings) for kind in ExchangeType),
        "",
        "| `where` | µs a record |",
        "|---|--:|",
        *map(_where_row, ("amount > 1000000", "amount > 1000000 && status in ['paid', 'shipped'] && country == 'RU'")),
    ]
    table = "\n".join(lines)
    click.echo(table)
    if write:
        between_markers(_PAGE, "decisions", table)


if __name__ == "__main__":
    main()
