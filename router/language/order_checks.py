"""Checks of `order:` and `ordered:`: that what they say can be done with the records that come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.language.declarations import Declarations, DeclaredExchange
from router.language.durations import FOREVER, parse_retention, parse_wait
from router.language.findings import Finding, Kind
from router.language.kafka_names import refusal
from router.language.kinds import found
from router.language.shapes import OrderShape
from router.language.suggestions import did_you_mean
from router.order.policy import FIRST_SEEN
from router.records.catalogue import Catalogue
from router.records.field_type import FieldType
from router.records.field_type import Kind as FieldKind

__all__ = ["check_order", "first_states"]

_WHOLE = frozenset({FieldKind.INT, FieldKind.LONG})
_TIMES = _WHOLE | {FieldKind.STRING}
_LONGEST_EXCHANGE = 80
"""Characters of the name of an exchange that has an internal topic: the group's name stands in front of it, of its table twice."""
_KINDS = ("sequence", "time", "states")
_OF_PARKING = ("park_for", "on_expiry")
_MEANINGLESS = {
    "sequence": ("state",),
    "time": ("state", "start", "on_gap", "park_for", "on_expiry", "on_duplicate"),
    "states": (),
}
"""By kind of order, the keys that mean nothing with it."""


def check_order(declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    """Findings of every `order:` and `ordered:`."""
    ordering = {name: each for name, each in declarations.exchanges.items() if each.shape.order is not None}
    for exchange in ordering.values():
        assert exchange.shape.order is not None
        # A key that could not be read is a finding of its own, and no reason to miss it.
        if declarations.whole:
            yield from _kind(exchange, exchange.shape.order)
        yield from _start(exchange, exchange.shape.order)
        yield from _states(exchange, exchange.shape.order)
        yield from _policy(exchange, exchange.shape.order)
        yield from _keys(exchange, exchange.shape.order, declarations.by_subject)
        if exchange.shape.order.repartition:
            yield from _repartition(exchange, catalogue)
        yield from _fields(exchange, exchange.shape.order, catalogue)
    yield from _entries(declarations, ordering)
    yield from _topics(declarations, ordering)


def first_states(order: OrderShape) -> tuple[str, ...]:
    """The states that a key begins with where `start:` does not say: those that no other leads to."""
    states = order.states or {}
    followers = {state for name, leads_to in states.items() for state in leads_to if state != name}
    return tuple(name for name in states if name not in followers)


def _said(order: OrderShape) -> list[str]:
    """The kinds of order that it asks for."""
    return [kind for kind in _KINDS if getattr(order, kind) is not None]


def _kind(exchange: DeclaredExchange, order: OrderShape) -> Iterator[Finding]:
    said = _said(order)
    place = exchange.file.key_place(*exchange.path, "order")
    if len(said) != 1:
        message = f"the order of '{exchange.name}' is by one of sequence, time and states"
        yield found(Kind.WRONG_VALUE, place, message, f"not by {' and '.join(said)}" if said else "say which")
        return
    if order.states is not None and order.state is None:
        message = f"the order of '{exchange.name}' has no 'state'"
        yield found(Kind.MISSING_KEY, place, message, "name the field that says which state a record's key has got to")
    for name in _MEANINGLESS[said[0]]:
        if name in order.model_fields_set:
            key = name.replace("_", "-")
            place = exchange.file.key_place(*exchange.path, "order", key)
            yield found(Kind.IGNORED_KEY, place, f"'{key}' means nothing with '{said[0]}'", "remove it")


def _start(exchange: DeclaredExchange, order: OrderShape) -> Iterator[Finding]:
    place = exchange.place_of("order", "start")
    start = order.start
    if order.states is None:
        if order.sequence is not None and isinstance(start, list) and start != [FIRST_SEEN]:
            message = f"'start' of a sequence is a number or {FIRST_SEEN}"
            yield found(Kind.WRONG_VALUE, place, message, did_you_mean(start[0], [FIRST_SEEN]))
        return
    known = _known(order)
    if start is None:
        if not first_states(order):
            message = "every state follows from another, so nobody knows where a key begins"
            yield found(Kind.WRONG_VALUE, exchange.place_of("order", "states"), message, "add 'start' with a state")
    elif not isinstance(start, list):
        yield found(Kind.WRONG_VALUE, place, f"'start' of states is a state, a list of states, or {FIRST_SEEN}")
    elif start != [FIRST_SEEN]:
        for name in start:
            if name not in known:
                message = f"'start' names a state '{name}' that is not among the states"
                yield found(Kind.WRONG_VALUE, place, message, did_you_mean(name, [*known, FIRST_SEEN]))


def _states(exchange: DeclaredExchange, order: OrderShape) -> Iterator[Finding]:
    """States that no way leads to; where a key may begin anywhere, all can be."""
    if order.states is None or order.start == [FIRST_SEEN]:
        return
    reached = list(order.start if isinstance(order.start, list) else first_states(order))
    for state in reached:  # which grows on the way
        reached += [each for each in order.states.get(state, ()) if each not in reached]
    for name in order.states if reached else ():
        if name not in reached:
            place = exchange.file.key_place(*exchange.path, "order", "states", name)
            message = f"no key can get to state '{name}': no state that a key begins with leads there"
            yield found(Kind.DEAD_STATE, place, message)


def _policy(exchange: DeclaredExchange, order: OrderShape) -> Iterator[Finding]:
    for name in () if order.on_gap == "park" or order.time is not None else _OF_PARKING:
        if name in order.model_fields_set:
            key = name.replace("_", "-")
            place = exchange.file.key_place(*exchange.path, "order", key)
            message = f"'{key}' means nothing without 'on-gap: park'"
            yield found(Kind.IGNORED_KEY, place, message, "remove it, or add 'on-gap: park'")
    forget_after = parse_retention(order.forget_after)
    if forget_after != FOREVER and forget_after <= parse_wait(order.wait):
        name = "forget-after" if "forget_after" in order.model_fields_set else "wait"
        message = f"a key that is forgotten after {order.forget_after} cannot know what came {order.wait} ago"
        yield found(Kind.WRONG_VALUE, exchange.place_of("order", name), message, "forget later, or wait less")


def _keys(exchange: DeclaredExchange, order: OrderShape, by_subject: Mapping[str, str]) -> Iterator[Finding]:
    if order.repartition:
        return
    place = exchange.place_of("order", "by")
    if exchange.shape.key is None:
        message = f"nothing says that the records' keys are '{order.by}', by which they are to be ordered"
        hint = f"declare 'key: {order.by}' on '{exchange.name}' if they are; else say 'repartition: true'"
        yield found(Kind.NEEDS_REPARTITION, place, message, hint)
    elif exchange.shape.key != order.by:
        message = f"the records' keys are '{exchange.shape.key}', and they are to be ordered by '{order.by}'"
        hint = f"order by '{exchange.shape.key}', or say 'repartition: true'"
        yield found(Kind.NEEDS_REPARTITION, place, message, hint)
    # A subject's versions are one source here: what is wrong with these, `mixed-source` says.
    sources = {by_subject.get(each, each) for each in exchange.shape.sources}
    if len(sources) > 1:
        message = f"'{exchange.name}' has {len(sources)} sources, and only records of one partition can be put in order"
        place = exchange.file.key_place(*exchange.path, "order")
        hint = "say 'repartition: true', or order each source by an exchange of its own"
        yield found(Kind.NEEDS_REPARTITION, place, message, hint)


def _repartition(exchange: DeclaredExchange, catalogue: Catalogue) -> Iterator[Finding]:
    """What an internal topic cannot do: have any name, and take several versions of a subject."""
    place = exchange.file.key_place(*exchange.path, "order", "repartition")
    problem = refusal(exchange.name)
    if not problem and len(exchange.name) > _LONGEST_EXCHANGE:
        problem = f"the name has {len(exchange.name)} characters: such an exchange may have {_LONGEST_EXCHANGE}"
    if problem:
        message = f"the internal topic of '{exchange.name}' has its name in it: {problem}"
        yield found(Kind.INVALID_TOPIC_NAME, place, message, "name the exchange as Kafka takes it")
    versions: dict[str, str] = {}
    for source in dict.fromkeys(exchange.shape.sources):
        subject = catalogue.resolve(source)
        if subject is not None and source != versions.setdefault(subject.subject, source):
            message = (
                f"'{versions[subject.subject]}' and '{source}' are of one subject: to put its versions in one order is not "
                "yet supported"
            )
            yield found(Kind.NOT_YET_SUPPORTED, place, message)


def _fields(exchange: DeclaredExchange, order: OrderShape, catalogue: Catalogue) -> Iterator[Finding]:
    for source in dict.fromkeys(exchange.shape.sources):
        subject = catalogue.resolve(source)
        if subject is None:
            continue
        for key, path, kinds, wanted in (
            ("sequence", order.sequence, _WHOLE, "a sequence counts in whole numbers"),
            ("time", order.time, _TIMES, "a time is a timestamp, a date, a text or a whole number"),
        ):
            field = None if path is None else subject.schema.field(path)
            # What is not there, or has parts, is told with the fields of routing keys.
            if field is not None and field.scalar and not _is_of(field, kinds, timed=key == "time"):
                message = f"field '{path}' of source '{source}' is {_described(field)}: {wanted}"
                yield found(Kind.ORDER_FIELD, exchange.place_of("order", key), message)
        if order.state is not None and order.states is not None:
            field = subject.schema.field(order.state)
            if field is not None and field.symbols:
                yield from _symbols(exchange, order, field, source)


def _is_of(field: FieldType, kinds: frozenset[FieldKind], *, timed: bool) -> bool:
    if field.logical is None:
        return field.kind in kinds
    return timed and (field.logical == "date" or "timestamp" in field.logical)


def _described(field: FieldType) -> str:
    name = field.logical or str(field.kind)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _symbols(exchange: DeclaredExchange, order: OrderShape, field: FieldType, source: str) -> Iterator[Finding]:
    known = _known(order)
    for name, place in known.items():
        if name not in field.symbols:
            message = f"field '{order.state}' of source '{source}' has no symbol '{name}'"
            at = exchange.file.key_place(*exchange.path, "order", "states", name)
            if place is not None:
                at = exchange.place_of("order", "states", *place)
            hint = did_you_mean(name, field.symbols, otherwise=f"there are {', '.join(field.symbols[:12])}")
            yield found(Kind.UNKNOWN_SYMBOL, at, message, hint)
    missing = [symbol for symbol in field.symbols if symbol not in known]
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        message = f"records of source '{source}' whose '{order.state}' is {names} will all be illegal transitions"
        yield found(Kind.DEAD_STATE, exchange.place_of("order", "states"), message, "add what leads there")


def _known(order: OrderShape) -> dict[str, tuple[str, int] | None]:
    """Every state, and where it first stands: as a key, or as the n-th that a key leads to."""
    states = order.states or {}
    known: dict[str, tuple[str, int] | None] = dict.fromkeys(states)
    for name, leads_to in states.items():
        for number, state in enumerate(leads_to):
            known.setdefault(state, (name, number))
    return known


def _entries(declarations: Declarations, ordering: dict[str, DeclaredExchange]) -> Iterator[Finding]:
    """Order is made where records enter, and once."""
    orderers: dict[str, str] = {}
    for name, exchange in ordering.items():
        place = exchange.file.key_place(*exchange.path, "order")
        if exchange.shape.from_ is not None or not exchange.shape.sources:
            message = f"records are put in order where they enter, and '{name}' gets its from other exchanges"
            hint = "declare the order on the exchange that has the sources, and no other way in"
            yield found(Kind.MISPLACED_ORDER, place, message, hint)
        for source in dict.fromkeys(exchange.shape.sources):
            first = orderers.setdefault(source, name)
            if first != name:
                message = (
                    f"source '{source}' is put in order by '{first}' already, at {declarations.exchanges[first].place}"
                )
                hint = f"feed '{name}' from there: from: [{{exchange: {first}}}]"
                yield found(Kind.MISPLACED_ORDER, place, message, hint)


def _topics(declarations: Declarations, ordering: dict[str, DeclaredExchange]) -> Iterator[Finding]:
    entries_of = declarations.entries_of()
    for topic in declarations.topics.values():
        if topic.shape.ordered or not declarations.whole:
            continue
        feeding = (entry for _, binding in topic.bindings() for entry in entries_of.get(binding.exchange, ()))
        if not any(entry in ordering for entry in feeding):
            place = topic.file.key_place(*topic.path, "ordered")
            message = f"no exchange that leads to '{topic.name}' puts records in order"
            yield found(Kind.IGNORED_KEY, place, message, "remove it")
