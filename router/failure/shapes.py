"""The headers of records of which thousands look alike, read by position. Pure.

A dead letter has a dozen headers. Looked through one after the other, once for each name that somebody wants, they cost more than
all that is done with the record. But the letters of one consumer carry the same names in the same order. So what is wanted is
worked out once for each sequence of names, its `shape`, and from then on taken at C's speed: by index.

Names come from clients, so there may be many sequences of them: no more than a thousand are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from router.records.headers import decode_origin
from router.records.record import Headers

__all__ = ["MOST_SHAPES", "Header", "Places", "Shapes", "positions", "taking"]

MOST_SHAPES = 1_000
"""Sequences of names that are remembered."""

_MOST_PLACES = 10_000
_LONGEST_OFFSET = 19

Header = tuple[str, bytes | None]
S = TypeVar("S")


class Shapes(Generic[S]):
    """What was worked out, by sequence of names."""

    def __init__(self, read: Callable[[Sequence[str]], S | None]) -> None:
        """`read` works it out: None of records that are to be read in another way."""
        self._read = read
        self._known: dict[tuple[str, ...], S | None] = {}

    def of(self, headers: Headers) -> S | None:
        """What was worked out for headers of these names."""
        names = tuple([name for name, _ in headers])
        try:
            return self._known[names]
        except KeyError:
            pass
        if len(self._known) >= MOST_SHAPES:
            self._known.clear()
        shape = self._known[names] = self._read(names)
        return shape


class Places:
    """Partitions that headers name, as `topic/partition/offset`: few, each by thousands of records."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, int] | None] = {}

    def of(self, value: bytes) -> tuple[str, int] | None:
        """The topic and the partition that a header's value names; None for what `decode_origin` cannot read."""
        prefix, _, offset = value.rpartition(b"/")
        if not offset.isdigit() or len(offset) > _LONGEST_OFFSET:
            return None
        try:
            return self._known[prefix]
        except KeyError:
            pass
        if len(self._known) >= _MOST_PLACES:
            self._known.clear()
        origin = decode_origin(value)
        place = self._known[prefix] = None if origin is None else (origin.topic, origin.partition)
        return place


def positions(names: Sequence[str]) -> dict[str, int]:
    """By name, where its last header stands."""
    return {name: number for number, name in enumerate(names)}


def taking(indices: Sequence[int]) -> Callable[[Headers], tuple[Header, ...]]:
    """What takes the headers that stand there, in this order."""
    if len(indices) > 1:
        return itemgetter(*indices)
    (at,) = indices or (None,)
    return (lambda _: ()) if at is None else (lambda headers: (headers[at],))
