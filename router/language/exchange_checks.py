"""Checks of exchanges over all files: what is bound to what, and where alternates lead."""

from __future__ import annotations

from collections.abc import Iterator

from router.language.declarations import BindingLine, Declarations, DeclaredExchange
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.suggestions import did_you_mean

__all__ = ["check_exchanges"]


def check_exchanges(declarations: Declarations) -> Iterator[Finding]:
    """Findings of bindings, alternates, and exchanges that nothing enters or leaves."""
    yield from _bindings(declarations)
    for exchange in declarations.exchanges.values():
        yield from _alternate(exchange, declarations)
    yield from _loops(declarations)
    if declarations.whole:  # a binding that could not be read would make its exchange look unused
        yield from _idle(declarations)


def _bindings(declarations: Declarations) -> Iterator[Finding]:
    unknown: set[tuple[str, object]] = set()
    seen: dict[tuple[str, str, str | None], BindingLine] = {}
    for line in declarations.binding_lines():
        exchange = declarations.exchanges.get(line.exchange)
        if exchange is None:
            if (line.exchange, line.exchange_place) not in unknown:
                unknown.add((line.exchange, line.exchange_place))
                yield from _unknown(line.exchange, line, declarations)
            continue
        yield from _key(line, exchange)
        first = seen.setdefault((line.topic.name, line.exchange, line.key), line)
        if first is not line:
            what = "a binding without a key" if line.key is None else f"binding key '{line.key}'"
            message = f"{what} of '{line.topic.name}' to exchange '{line.exchange}' is already there, in line {first.place.line}"
            yield found(Kind.DUPLICATE_BINDING, line.place, message)


def _unknown(name: str, line: BindingLine, declarations: Declarations) -> Iterator[Finding]:
    if declarations.all_readable and name not in declarations.faulty_exchanges:
        yield found(
            Kind.UNKNOWN_EXCHANGE,
            line.exchange_place,
            f"unknown exchange '{name}'",
            did_you_mean(name, declarations.exchanges),
        )


def _key(line: BindingLine, exchange: DeclaredExchange) -> Iterator[Finding]:
    if line.key is None:
        return
    kind = exchange.shape.type
    words = line.key.split(".")
    if kind == "fanout":
        message = f"exchange '{line.exchange}' is a fanout: it ignores the binding key '{line.key}'"
        yield found(Kind.IGNORED_KEY, line.place, message, "remove it")
    elif kind == "direct" and any(word in {"*", "#"} for word in words):
        message = f"exchange '{line.exchange}' is direct: '*' and '#' in '{line.key}' are plain characters"
        yield found(Kind.LITERAL_WILDCARD, line.place, message, "wildcards need an exchange of type topic")
    elif kind == "topic":
        literal = next((word for word in words if len(word) > 1 and ("*" in word or "#" in word)), None)
        if literal is not None:
            message = f"'{literal}' in '{line.key}' is plain text: a wildcard is a whole word"
            yield found(Kind.LITERAL_WILDCARD, line.place, message)


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


def _idle(declarations: Declarations) -> Iterator[Finding]:
    bound = {line.exchange for line in declarations.binding_lines()}
    alternates = {each.shape.alternate.exchange for each in declarations.exchanges.values() if each.shape.alternate}
    for name, exchange in declarations.exchanges.items():
        if name not in bound:
            where = "its alternate" if exchange.shape.alternate else "the unroutable topic"
            message = f"nothing is bound to exchange '{name}': all its records go to {where}"
            yield found(Kind.UNUSED_EXCHANGE, exchange.place, message)
        if not exchange.shape.sources and name not in alternates:
            message = f"nothing reaches exchange '{name}': it has no sources and is nobody's alternate"
            yield found(Kind.UNREACHABLE_EXCHANGE, exchange.place, message)
