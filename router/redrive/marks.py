"""Which dead letters somebody has decided about: two bits for each, by pages of 4,096 offsets. Pure.

The topic `router.redriven` has them, compacted. They are written in the transaction that sends the copies, so that they are the
truth about what was sent: whoever begins a command over a partition of dead letters reads them first.

    key     topic of dead letters / partition / number of the page      vip.v1.dead-letters/0/12
    value   the version, 1 byte, and 1,024 bytes: offset n of the page has the bits 2 * (n % 4) of byte n // 4
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from router.errors import UnreadableState
from router.records.record import PlainRecord

__all__ = ["PAGE", "REDRIVEN_TOPIC", "Decided", "Marks"]

REDRIVEN_TOPIC = "router.redriven"
PAGE = 4_096
"""Offsets of one page."""

_VERSION = 1
_WITHIN = PAGE - 1
_KEY = re.compile(rb"([A-Za-z0-9._-]{1,249})/([0-9]{1,10})/([0-9]{1,19})")


class Decided(IntEnum):
    """What was decided about a dead letter."""

    OPEN = 0
    SENT = 1
    SKIPPED = 2


class Marks:
    """Of some partitions of dead letters."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, int, int], bytearray] = {}
        self._changed: set[tuple[str, int, int]] = set()

    def of(self, topic: str, partition: int, offset: int) -> Decided:
        """What was decided about the dead letter that lies there."""
        number, within = divmod(offset, PAGE)
        page = self._pages.get((topic, partition, number))
        return Decided.OPEN if page is None else Decided(page[within >> 2] >> 2 * (within & 3) & 3)

    def put(self, topic: str, partition: int, offset: int, decided: Decided) -> None:
        """Decide about one."""
        number, within = divmod(offset, PAGE)
        at = (topic, partition, number)
        page = self._pages.setdefault(at, bytearray(PAGE // 4))
        shift = 2 * (within & 3)
        page[within >> 2] = page[within >> 2] & ~(3 << shift) | decided << shift
        self._changed.add(at)

    def put_all(self, topic: str, partition: int, offsets: Iterable[int], decided: Decided) -> None:
        """Decide the same about many, of which nothing was decided."""
        pages, number, page = self._pages, -1, bytearray()
        for offset in offsets:
            if offset // PAGE != number:
                number = offset // PAGE
                page = pages.setdefault((topic, partition, number), bytearray(PAGE // 4))
                self._changed.add((topic, partition, number))
            page[(offset & _WITHIN) >> 2] |= decided << 2 * (offset & 3)

    def take_changes(self) -> list[PlainRecord]:
        """Records that tell what was put since this was last asked."""
        changed = sorted(self._changed)
        self._changed.clear()
        return [
            PlainRecord(
                topic=REDRIVEN_TOPIC,
                key=b"%b/%d/%d" % (topic.encode(), partition, number),
                value=bytes([_VERSION]) + self._pages[topic, partition, number],
            )
            for topic, partition, number in changed
        ]

    def read(self, key: bytes | None, value: bytes | None, *, topics: Iterable[str]) -> None:
        """Take in a record of the topic, where it is about one of these topics; the latest counts. Raises UnreadableState."""
        found = _KEY.fullmatch(key or b"")
        if found is None or (topic := found[1].decode()) not in topics:
            return
        at = (topic, int(found[2]), int(found[3]))
        if value is None:
            self._pages.pop(at, None)
            return
        if len(value) != 1 + PAGE // 4 or value[0] != _VERSION:
            what = f"what was decided about dead letters of {topic}"
            raise UnreadableState(what=what, position=0, problem="it is not of this version")
        self._pages[at] = bytearray(value[1:])
