"""What the records of a simulation say, and where they must go: the routes, in one function and its independent twin.

A value reads `topics|number`, the topics joined by blanks. `?` in the place of the topics makes the record unreadable, nothing
makes it unroutable. `poison` in it is what one topic refuses; much padding is too large for another.
"""

from __future__ import annotations

from functools import lru_cache

from router.errors import Unreadable
from router.exchange.decision import Decision, Delivery, Walk
from router.records.record import Record

__all__ = ["POISON", "SOURCE", "decide", "value_of"]

SOURCE = "orders.v1"
POISON = b"poison"


def value_of(topics: tuple[str, ...] | None, number: int, *, poison: bool = False, padding: int = 0) -> bytes:
    """The value of a record that goes to these topics; None makes it unreadable."""
    words = "?" if topics is None else " ".join(topics)
    return f"{words}|{number}{'|' + POISON.decode() if poison else ''}{'|' + 'x' * padding if padding else ''}".encode()


def decide(record: Record) -> Decision:
    """Where a record goes. Raises Unreadable."""
    return _decision((record.value or b"").partition(b"|")[0])


@lru_cache(maxsize=256)
def _decision(words: bytes) -> Decision:
    if words == b"?":
        raise Unreadable(field="", position=0, problem="it says so")
    topics = words.decode().split()
    walk = Walk("orders", "", (), tuple(Delivery(topic, ()) for topic in topics))
    return Decision((walk,), unroutable=() if topics else ("orders",))
