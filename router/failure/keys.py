"""The keys that a lane keeps for consumers: their states and what waits with them, in the lane's table.

A state is read, takes a step and is put back; what it holds lies beside it, and is looked up only when the key is to flow.
In memory there is no more than which keys do not flow, and when to come back to which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from router.errors import UnreadableState
from router.failure.parking import KeyState, Phase, Step
from router.failure.stored import (
    decode_state,
    encode_state,
    held_key,
    held_number,
    held_prefix,
    key_of_ident,
    parts_of_state_key,
)
from router.lanes.table import LaneTable
from router.order.stored import decode_record, encode_record
from router.order.timers import Deadlines
from router.records.record import Headers, PlainRecord, Record

__all__ = ["KeptKeys"]


class KeptKeys:
    """Those of one lane."""

    def __init__(self, table: LaneTable) -> None:
        self.table = table
        self.deadlines = Deadlines()
        """By where the state of a key lies."""
        self.kept: dict[bytes | None, dict[str, bytes]] = {}
        """Of the keys that do not flow, by topic, where their states lie."""
        self._numbers: dict[bytes, int] = {}
        """By where a key's state lies, the number of the next copy that is held of it."""

    def hold(self, topic: str, record: Record, headers: Headers) -> bool:
        """See Keeper: the copy is held where its key does not flow there."""
        entry = self.kept.get(record.key, {}).get(topic)
        if entry is None:
            return False
        number = self._numbers.get(entry)
        if number is None:
            held = self._held(entry)
            number = held[-1] + 1 if held else 0
        self._numbers[entry] = number + 1
        copy = PlainRecord(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            key=record.key,
            value=record.value,
            headers=tuple(headers),
        )
        self.table.put(held_key(entry, number), encode_record(copy))
        return True

    def _held(self, entry: bytes) -> list[int]:
        return [held_number(each) for each, _ in self.table.scan(held_prefix(entry))]

    def step(self, entry: bytes, take: Callable[[KeyState | None], Step]) -> Step:
        """A step of the key whose state lies there, with what it becomes put in its place."""
        topic, ident = parts_of_state_key(entry)
        stored = self.table.get(entry)
        before = None if stored is None else decode_state(stored)
        step = take(before)
        flows = step.state is None or step.state.phase is Phase.FLOWING
        if before is not None and before.phase is not Phase.FLOWING and flows:
            # What is held is not in the state, and is wanted only now: the same step, of the whole of it.
            step = take(replace(before, held=tuple(self._held(entry))))
        after = None if step.state is None else encode_state(step.state)
        if after != stored:
            self.table.put(entry, after)
        self.index(entry, topic, ident, flows=flows)
        due = None if step.state is None else step.state.due
        if due is None:
            self.deadlines.cancel(entry)
        else:
            self.deadlines.arm(entry, due)
        return step

    def index(self, entry: bytes, topic: str, ident: bytes, *, flows: bool) -> None:
        """Know whether the key whose state lies there flows."""
        key = key_of_ident(ident)
        if key is None:
            return
        if not flows:
            self.kept.setdefault(key, {})[topic] = entry
            return
        self._numbers.pop(entry, None)
        kept = self.kept.get(key)
        if kept is not None and kept.pop(topic, None) is not None and not kept:
            del self.kept[key]

    def take(self, entry: bytes) -> PlainRecord:
        """What lies there of a key that is kept; it is kept no longer. Raises UnreadableState."""
        stored = self.table.get(entry)
        if stored is None:
            raise UnreadableState(what="a kept record", position=0, problem=f"nothing lies at {entry!r}")
        self.table.put(entry, None)
        return decode_record(stored).record
