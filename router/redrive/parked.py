"""Which keys wait for their consumers, as the changelogs of the lanes' tables tell it. Pure.

A changelog is read from its beginning; what it tells last of an entry counts. Memory holds the keys that do not flow.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from router.failure.parking import KeyState, Phase
from router.failure.rejections import Lane
from router.failure.stored import (
    HELD_PREFIX,
    STATE_PREFIX,
    decode_state,
    key_of_ident,
    parts_of_state_key,
    phase_of,
    state_of_held,
)
from router.order.stored import decode_record
from router.records.record import Record

__all__ = ["ParkedKey", "ParkedKeys"]


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key that does not flow to one consumer, or one record that is kept alone."""

    topic: str
    key: bytes | None
    """None of a record that is kept alone."""
    lane: Lane
    state: str
    """`parked`: until somebody decides; `retry`: until its next try; `releasing`: until its consumer acknowledges."""
    since: int | None
    """When the first of what came back was rejected, in milliseconds since the epoch; None where nothing came back."""
    until: int | None
    """When it goes on by itself, in milliseconds since the epoch; None: it does not."""
    came_back: int
    """Copies that its consumer rejected."""
    held: int
    """Copies behind them that it has not had."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "topic": self.topic,
            "key": None if self.key is None else self.key.decode(errors="backslashreplace"),
            "lane": f"{self.lane.topic}/{self.lane.partition}",
            "state": self.state,
            "since": self.since,
            "until": self.until,
            "came_back": self.came_back,
            "held": self.held,
        }


class ParkedKeys:
    """Of one lane's changelog."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._states: dict[bytes, KeyState] = {}
        self._back: defaultdict[bytes, dict[bytes, int]] = defaultdict(dict)
        """By where a key's state lies, what came back of it, with when that was."""
        self._held: defaultdict[bytes, set[bytes]] = defaultdict(set)

    def take(self, record: Record) -> None:
        """The next record of the changelog. Raises UnreadableState."""
        entry, value = record.key or b"", record.value
        if entry[:1] == STATE_PREFIX:
            if value is None or phase_of(value) is Phase.FLOWING:
                self._states.pop(entry, None)
            else:
                self._states[entry] = decode_state(value)
        elif entry[:1] == HELD_PREFIX:
            self._take_held(entry, value)

    def _take_held(self, entry: bytes, value: bytes | None) -> None:
        state, number = state_of_held(entry)
        if number is not None:
            if value is None:
                self._held[state].discard(entry)
            else:
                self._held[state].add(entry)
        elif value is None:
            self._back[state].pop(entry, None)
        else:
            self._back[state][entry] = decode_record(value).record.timestamp

    def listed(self) -> list[ParkedKey]:
        """Those that do not flow now, those that have waited longest first."""
        found = [self._parked(entry, state) for entry, state in self._states.items()]
        return sorted(found, key=lambda one: (one.since or 0, one.topic, one.key or b""))

    def _parked(self, entry: bytes, state: KeyState) -> ParkedKey:
        topic, ident = parts_of_state_key(entry)
        by_hand = any(each.parked for each in state.back)
        words = {Phase.RELEASING: "releasing"}
        return ParkedKey(
            topic=topic,
            key=key_of_ident(ident),
            lane=self._lane,
            state=words.get(state.phase, "parked" if by_hand else "retry"),
            since=min(self._back[entry].values(), default=None),
            until=state.due,
            came_back=len(state.back),
            held=len(self._held[entry]),
        )
