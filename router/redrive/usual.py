"""Dead letters as most of them are, and what is written of each, in as few steps as can be. Pure.

`selection`, `ways` and `commands` say what a dead letter is, where it goes and as what; each looks through its headers for itself.
Of a hundred thousand letters nearly all are alike: a lane or a consumer of the router's has set them aside, and they name a
destination that the routes still have, in the version that they are of. Here the same is worked out once for each sequence of
header names, and for each pair of a topic of dead letters and a destination. What is not like that is None, and goes the long
way; the tests hold both ways to the same copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from router.errors import RecordError
from router.failure.commands import COMMAND, REDRIVEN, REDRIVES
from router.failure.dialects import FOREIGN_MARKS
from router.failure.notes import DESTINATION, ERROR, PLACE, REASON
from router.failure.rejections import ERROR_CLASS, REJECTS
from router.failure.shapes import Header, Places, Shapes, positions, taking
from router.records.headers import ORIGIN, origin_prefix
from router.records.record import Headers, Record
from router.redrive.ways import NO_RECORD, UsualWay, Ways, is_kept

__all__ = ["Usual", "UsualCopy"]

_TOLD = (REJECTS, REASON, ERROR, ERROR_CLASS, PLACE)
"""What a lane is told of its death, in this order."""
_UNUSUAL_REASONS = frozenset({b"", b"unroutable", *(reason.encode() for reason in NO_RECORD)})
_MOST_WAYS = 10_000


class UsualCopy(NamedTuple):
    """What is written of one."""

    way: UsualWay
    source: str
    """The topic of its original."""
    partition: int
    """And its partition there."""
    headers: list[Header]


@dataclass(frozen=True, slots=True)
class _Shape:
    named: Callable[[Headers], tuple[Header, ...]]
    """Reason, destination and origin."""
    kept: Callable[[Headers], tuple[Header, ...]]
    told: Callable[[Headers], tuple[Header, ...]]


class Usual:
    """For one command over one partition of dead letters."""

    def __init__(self, ways: Ways, command: str, *, topic: str, partition: int) -> None:
        """`ways` are those of the command, `topic` and `partition` where the dead letters lie."""
        self._find = ways.usual
        self._topic = topic
        self._letter = origin_prefix(topic, partition)
        self._redriven: Header = (REDRIVEN, command.encode())
        self._command: Header = (COMMAND, command.encode())
        self._shapes = Shapes(_read)
        self._places = Places()
        self._ways: dict[bytes, UsualWay | None] = {}

    def of(self, record: Record) -> UsualCopy | None:  # noqa: PLR0911 -- one return a reason to go the long way
        """What is written of a dead letter that lies there; None where that is to be found out the long way."""
        headers = record.headers
        shape = self._shapes.of(headers)
        if shape is None:
            return None
        (_, reason), (_, destination), (_, origin) = shape.named(headers)
        if reason is None or destination is None or origin is None or reason in _UNUSUAL_REASONS:
            return None
        try:
            way = self._ways[destination]
        except KeyError:
            way = self._learn(destination)
        place = self._places.of(origin)
        if way is None or place is None:
            return None
        source, partition = place
        if way.sources and source not in way.sources:
            return None
        if way.fits is not None and record.value is not None:
            try:
                way.fits.values_of(record)
            except RecordError:
                return None
        if not way.sources:
            return UsualCopy(way, source, partition, [*shape.kept(headers), self._redriven])
        letter: Header = (REDRIVES, self._letter + b"%d" % record.offset)
        told = [*shape.kept(headers), self._redriven, *shape.told(headers), self._command, letter]
        return UsualCopy(way, source, partition, told)

    def _learn(self, destination: bytes) -> UsualWay | None:
        if len(self._ways) >= _MOST_WAYS:
            self._ways.clear()
        way = self._ways[destination] = self._find(self._topic, destination.decode(errors="backslashreplace"))
        return way


def _read(names: Sequence[str]) -> _Shape | None:
    at = positions(names)
    if not FOREIGN_MARKS.isdisjoint(names) or not {REASON, DESTINATION, ORIGIN} <= at.keys():
        return None
    # A header without a value counts as one that is not there, so that of two of a name the first may be the one that tells.
    if any(names.count(name) > 1 for name in (*_TOLD, DESTINATION)):
        return None
    return _Shape(
        named=taking([at[REASON], at[DESTINATION], at[ORIGIN]]),
        kept=taking([number for number, name in enumerate(names) if is_kept(name)]),
        told=taking([at[name] for name in _TOLD if name in at]),
    )
