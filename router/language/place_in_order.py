"""What `order:` makes of one record: its key, its place there, and which of its copies wait for what comes before it. Pure.

Whether anything is missing before it only the table of the lane knows. What is told here holds for every record like it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from router.errors import RecordError
from router.exchange.decision import Decision
from router.language.deciders import order_reader
from router.language.routes import Source
from router.language.topics import repartition_of
from router.order.places import key_of, place_reader
from router.order.splitting import on_arrival
from router.records.order_errors import OrderUnknown
from router.records.record import Record
from router.records.text import as_text

__all__ = ["PlaceInOrder", "place_in_order"]


@dataclass(frozen=True, slots=True)
class PlaceInOrder:
    """One record, as the exchange that puts its source in order sees it."""

    exchange: str
    by: str
    """The field that tells keys apart."""
    key: str
    field: str
    """The field that says the place."""
    place: int | str | None
    """A number, an instant (microseconds since the epoch, or the field's own number) or a state. None: it has no value."""
    waits: tuple[str, ...]
    """The topics whose copies go when it is the record's turn."""
    at_once: tuple[str, ...]
    """Those that get theirs when it comes."""
    error: RecordError | None = None
    """Why it has no place: then it is a dead letter instead of the copies that would wait."""
    through: str = ""
    """The internal topic in which it is keyed anew, for the group `<group>`; empty where its own key is what it goes by."""

    def lines(self) -> Iterator[str]:
        """As text, a line each."""
        of = f"'{self.by}'" + (f" {self.key}" if self.key else "")
        if self.error is not None:
            yield f"in order by '{self.exchange}', of {of}: a dead letter: {self.error.reason}: {self.error}"
        elif self.place is None:
            yield f"in order by '{self.exchange}', of {of}: without a value, it goes behind all that came before it"
        else:
            yield f"in order by '{self.exchange}', of {of}: its '{self.field}' is {self.place}"
        if self.error is None and self.through:
            yield f"  keyed anew by it in {self.through}"
        if self.error is None and self.waits:
            yield f"  waits for what comes before it: {', '.join(self.waits)}"
        if self.at_once:
            yield f"  at once: {', '.join(self.at_once)}"

    def to_json(self) -> dict[str, Any]:
        """The same facts as plain data."""
        problem = None if self.error is None else {"reason": self.error.reason, "error": str(self.error)}
        return {
            "exchange": self.exchange,
            "by": self.by,
            "key": self.key,
            "field": self.field,
            "place": self.place,
            "waits": list(self.waits),
            "at_once": list(self.at_once),
            "dead_letter": problem,
            "through": self.through or None,
        }


def place_in_order(source: Source, record: Record, decision: Decision) -> PlaceInOrder | None:
    """Where the record stands in its key's order; None where its source is not put in order.

    `decision` is the record's own, by a decider that verified its key.
    """
    order = source.order
    if order is None:
        return None
    policy = order.policy
    key = "" if record.key is None else record.key.decode("utf-8", "replace")
    place: int | str | None = None
    problem: RecordError | None = None
    try:
        if record.value is None:
            if policy.repartition and policy.by not in _key_fields(source, order.exchange):
                raise OrderUnknown(field=policy.by, value=None, problem="is not in a record without a value")
            key_of(record.key, field=policy.by)
        else:
            reader = order_reader(source)
            said = reader.values_of(record)
            if policy.repartition:
                by = said[reader.paths.index(policy.by)]
                key = as_text(by)
                if by is None:
                    raise OrderUnknown(field=policy.by, value=None, problem="is null, and no key")
            place = place_reader(policy)(said[0])
    except RecordError as error:
        problem = error
    at_once = on_arrival(decision, exchange=order.exchange, at_once=order.at_once).topics
    waits = () if problem is not None else tuple(topic for topic in decision.topics if topic not in at_once)
    through = repartition_of("<group>", order.exchange) if policy.repartition else ""
    return PlaceInOrder(order.exchange, policy.by, key, policy.kind.field, place, waits, at_once, problem, through)


def _key_fields(source: Source, exchange: str) -> list[str | None]:
    return [entry.key_field for entry in source.entries if entry.exchange == exchange]
