"""Checks of exchanges over all files: how they lead to each other, and which nothing enters or leaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from router.exchange.model import DestinationKind
from router.language.declarations import Declarations, DeclaredExchange
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.suggestions import did_you_mean

__all__ = ["check_exchanges"]


def check_exchanges(declarations: Declarations) -> Iterator[Finding]:
    """Findings of options and alternates, of cycles, and of exchanges that nothing enters or leaves."""
    for exchange in declarations.exchanges.values():
        yield from _alternate(exchange, declarations)
        yield from _options(exchange)
    yield from _foreign(declarations)
    yield from _loops(declarations)
    yield from _cycles(declarations)
    if declarations.whole:  # a binding that could not be read would make its exchange look unused
        yield from _idle(declarations)


def _alternate(exchange: DeclaredExchange, declarations: Declarations) -> Iterator[Finding]:
    alternate = exchange.shape.alternate
    if alternate is None:
        return
    if (alternate.topic is None) == (alternate.exchange is None) and declarations.whole:
        message = f"the alternate of '{exchange.name}' is either a topic or an exchange"
        yield found(Kind.WRONG_VALUE, exchange.place_of("alternate"), message, "write {topic: …} or {exchange: …}")
    name = alternate.exchange
    if (
        name is not None
        and name not in declarations.exchanges
        and name not in declarations.faulty_exchanges
        and declarations.all_readable
    ):
        yield found(
            Kind.UNKNOWN_EXCHANGE,
            exchange.place_of("alternate", "exchange"),
            f"unknown exchange '{name}'",
            did_you_mean(name, declarations.exchanges),
        )


def _loops(declarations: Declarations) -> Iterator[Finding]:
    told: set[str] = set()
    for start in declarations.exchanges:
        way = declarations.alternates_from(start)
        last = declarations.exchanges[way[-1]]
        back = last.shape.alternate.exchange if last.shape.alternate else None
        if back is None or back not in way or told & set(way):
            continue
        loop = way[way.index(back) :]
        told.update(way)
        path = " → ".join((*loop, back))
        yield found(
            Kind.ALTERNATE_LOOP,
            last.place_of("alternate", "exchange"),
            f"alternates go round: {path}",
            "a record that none of them routes is unroutable",
        )


def _options(exchange: DeclaredExchange) -> Iterator[Finding]:
    if exchange.shape.hash_on is not None and exchange.shape.type != "consistent-hash":
        message = f"exchange '{exchange.name}' is of type {exchange.shape.type}: only a consistent-hash exchange hashes"
        place = exchange.file.key_place(*exchange.path, "hash-on")
        yield found(Kind.IGNORED_KEY, place, message, "remove it")


def _foreign(declarations: Declarations) -> Iterator[Finding]:
    """`limit: first` needs an order, and there is none between files."""
    for line in declarations.binding_lines():
        exchange = declarations.exchanges.get(line.exchange)
        if exchange is not None and exchange.shape.limit is not None and line.first:
            own = exchange.file.file
            if line.fed.file.file != own:
                message = f"exchange '{line.exchange}' takes the first match only: all its bindings stand in {own}"
                hint = f"ask team '{exchange.team}' for an exchange to bind to"
                yield found(Kind.FOREIGN_BINDING, line.exchange_place, message, hint)


def _cycles(declarations: Declarations) -> Iterator[Finding]:
    """One finding for each exchange binding that closes a circle, the way back being the shortest."""
    onward = declarations.onward()
    told: set[frozenset[str]] = set()
    for line in declarations.binding_lines():
        name = line.fed.name
        if line.fed.destination.kind is not DestinationKind.EXCHANGE or line.exchange not in onward or not line.first:
            continue
        way = _way(name, line.exchange, onward)
        if way and frozenset(way) not in told:
            told.add(frozenset(way))
            path = " → ".join((*way, name))
            hint = "a record visits each exchange once, so this binding seldom does anything"
            yield found(Kind.EXCHANGE_CYCLE, line.exchange_place, f"exchanges feed each other: {path}", hint)


def _way(start: str, end: str, onward: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from one exchange to another; empty where there is none."""
    before: dict[str, str | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if here == end:
            way: list[str] = []
            step: str | None = here
            while step is not None:
                way.append(step)
                step = before[step]
            return tuple(reversed(way))
        for each in onward[here]:
            if each not in before:
                before[each] = here
                waiting.append(each)
    return ()


def _idle(declarations: Declarations) -> Iterator[Finding]:
    bound = {line.exchange for line in declarations.binding_lines()}
    entries = declarations.entries_of()
    for name, exchange in declarations.exchanges.items():
        if name not in bound:
            where = "its alternate" if exchange.shape.alternate else "the unroutable topic"
            message = f"nothing is bound to exchange '{name}': all its records go to {where}"
            yield found(Kind.UNUSED_EXCHANGE, exchange.place, message)
        if not entries[name]:
            message = f"nothing reaches exchange '{name}': it has no sources, and no exchange that has any leads to it"
            yield found(Kind.UNREACHABLE_EXCHANGE, exchange.place, message)
