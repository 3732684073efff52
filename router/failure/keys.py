"""The keys that a lane keeps for consumers: their states and what waits with them, in the lane's table.

A state is read, takes a step and is put back; what it holds lies beside it, and is looked up only when the key is to flow.
In memory there is no more than which keys do not flow, how much of each waits, and when to come back to which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from router.errors import UnreadableState
from router.failure.parking import KeyState, Phase, Step
from router.failure.stored import (
    HELD_PREFIX,
    decode_state,
    encode_state,
    held_key,
    held_number,
    held_prefix,
    key_of_ident,
    parts_of_state_key,
    state_of_held,
)
from router.lanes.table import KeptBack, LaneTable
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
        """By where a key's state lies, the number of the next copy that is held of it; of those alone that hold some."""
        self._stopped: dict[bytes, str] = {}
        """By where their states lie, the topics of the keys that do not flow, and of the records that are kept alone."""
        self._records: Counter[str] = Counter()
        """By topic, copies that came back, and those that are held."""

    @property
    def waiting(self) -> Mapping[str, KeptBack]:
        """By topic, what is kept back now."""
        keys = Counter(self._stopped.values())
        return {topic: KeptBack(keys[topic], self._records[topic]) for topic in keys}

    def resume(self) -> None:
        """Count what lies in the table of keys that wait."""
        for entry, _ in self.table.scan(HELD_PREFIX):
            state, number = state_of_held(entry)
            topic, _ = parts_of_state_key(state)
            self._records[topic] += 1
            if number is not None:
                self._numbers[state] = number + 1

    def hold(self, topic: str, record: Record, headers: Headers) -> bool:
        """See Keeper: the copy is held where its key does not flow there."""
        entry = self.kept.get(record.key, {}).get(topic)
        if entry is None:
            return False
        number = self._numbers.get(entry, 0)
        self._numbers[entry] = number + 1
        self._records[topic] += 1
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

    def _held(self, entry: bytes) -> tuple[int, ...]:
        if entry not in self._numbers:
            return ()
        return tuple(held_number(each) for each, _ in self.table.scan(held_prefix(entry)))

    def step(self, entry: bytes, take: Callable[[KeyState | None], Step]) -> Step:
        """A step of the key whose state lies there, with what it becomes put in its place."""
        topic, ident = parts_of_state_key(entry)
        stored = self.table.get(entry)
        before = None if stored is None else decode_state(stored)
        step = take(before)
        flows = step.state is None or step.state.phase is Phase.FLOWING
        if before is not None and before.phase is not Phase.FLOWING and flows:
            # What is held is not in the state, and is wanted only now: the same step, of the whole of it.
            held = self._held(entry)
            if held:
                step = take(replace(before, held=held))
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
        if flows:
            self._numbers.pop(entry, None)
            self._stopped.pop(entry, None)
        else:
            self._stopped[entry] = topic
        key = key_of_ident(ident)
        if key is None:
            return
        if not flows:
            self.kept.setdefault(key, {})[topic] = entry
            return
        kept = self.kept.get(key)
        if kept is not None and kept.pop(topic, None) is not None and not kept:
            del self.kept[key]

    def keep(self, topic: str, entry: bytes, record: Record) -> None:
        """A copy of this topic has come back, and lies there from now on."""
        self._records[topic] += 1
        self.table.put(entry, encode_record(record))

    def take(self, topic: str, entry: bytes) -> PlainRecord:
        """What lies there of a key that is kept; it is kept no longer. Raises UnreadableState."""
        stored = self.table.get(entry)
        if stored is None:
            raise UnreadableState(what="a kept record", position=0, problem=f"nothing lies at {entry!r}")
        self._records[topic] -= 1
        self.table.put(entry, None)
        return decode_record(stored).record
