"""The consistent-hash exchange: spreads messages over its bindings by a hash, in proportion to their weights.

Karger et al., "Consistent Hashing and Random Trees" (1997): each destination owns points on a ring, as many as its weight
says, and a key belongs to the owner of the next point. A destination's points depend on its name and weight alone, so that
adding, removing or reweighting *any* of them moves only its own share of the keys, whatever the order of the bindings.
(RabbitMQ's jump hash numbers its buckets in the order of binding: there, removing the first moves nearly all keys.)

Several bindings to one destination add up their weights. With 512 points a unit of weight, a share is off by about 4 %.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import blake2b
from struct import unpack

from router.exchange.matcher import Message, RingMiss
from router.exchange.model import Binding, Exchange

__all__ = ["POINTS", "ConsistentHashMatcher"]

POINTS = 512
"""Points that a unit of weight owns: a multiple of 8. Changing it would move most keys."""


class ConsistentHashMatcher:
    """A ring of points; at most one binding takes a message."""

    def __init__(self, exchange: Exchange) -> None:
        self._header = exchange.hash_header
        seen: dict[str, int] = {}
        points: list[tuple[int, Binding]] = []
        for binding in exchange.bindings:
            name = str(binding.destination)
            first = seen.get(name, 0)
            seen[name] = first + binding.weight
            for unit in range(first, seen[name]):
                points += [(point, binding) for point in _points_of(name, unit)]
        points.sort(key=lambda each: each[0])
        self._points = [point for point, _ in points]
        self._owners = [owner for _, owner in points]

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The owner of the message's place; its neighbour where the owner's condition does not hold."""
        owner = self._owner(message)
        return () if owner is None else (owner,)

    def _owner(self, message: Message) -> Binding | None:
        count = len(self._points)
        start = bisect_right(self._points, self.place_of(message))
        refused: set[int] = set()
        for step in range(count):
            owner = self._owners[(start + step) % count]
            if id(owner) in refused:
                continue
            if message.allows(owner):
                return owner
            refused.add(id(owner))
        return None

    def place_of(self, message: Message) -> int:
        """Where on the ring a message lies. Messages without the header that is hashed all lie at one place."""
        hashed = message.routing_key
        if self._header is not None:
            value = message.headers.get(self._header)
            hashed = "" if value is None else str(value)
        digest = blake2b(hashed.encode(errors="surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def miss(self, binding: Binding, message: Message) -> RingMiss | None:
        """The place belongs to another."""
        owner = self._owner(message)
        return None if owner is binding else RingMiss(owner)


def _points_of(name: str, unit: int) -> list[int]:
    """The points of one unit of a destination's weight."""
    points: list[int] = []
    for index in range(POINTS // 8):
        points += unpack(">8Q", blake2b(f"{name}\x00{unit}\x00{index}".encode(), digest_size=64).digest())
    return points
