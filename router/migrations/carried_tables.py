"""What the table of a source knows, dealt out to the partitions of its next generation. Pure.

A key's state goes where its records go (`records.generations`). What says how far the log has got is every partition's. A record that
waits is known by its offset, and in the new partition its copy has another: there it is kept as that copy, topic, offset, headers and all,
so that it cannot be taken for another record which the new lane reads at the offset that it had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from router.errors import UnreadableState
from router.order.stored import (
    LOG_ENTRY,
    RECORD_PREFIX,
    STATE_PREFIX,
    SWEEP_ENTRY,
    decode_record,
    decode_state,
    encode_record,
    encode_state,
    key_of_record,
    key_of_state,
    record_key,
)
from router.records.generations import spread
from router.records.record import Record

__all__ = ["Dealing", "cannot_be_dealt", "dealt", "waiting"]


class Dealing:
    """From one partition to those of the next generation that its records go to."""

    def __init__(self, partition: int, *, former: int, times: int, by: str) -> None:
        """`former` partitions become `times` as many, by the partitioner `by`."""
        self.partition = partition
        self.targets = tuple(partition + former * turn for turn in range(times))
        self._former, self._times, self._by = former, times, by

    def of(self, key: bytes) -> int:
        """Where a key goes."""
        return spread(key, partition=self.partition, offset=0, former=self._former, times=self._times, by=self._by)


def cannot_be_dealt(entries: Mapping[bytes, bytes]) -> int:
    """How many entries are of what consumers have rejected, and belong to partitions in more ways than by a key."""
    known = (STATE_PREFIX, RECORD_PREFIX)
    return sum(not entry.startswith(known) and entry not in {LOG_ENTRY, SWEEP_ENTRY} for entry in entries)


def waiting(entries: Mapping[bytes, bytes], dealing: Dealing) -> dict[int, set[int]]:
    """By new partition, the offsets that the records which wait for it had in the old one. Raises UnreadableState."""
    found: dict[int, set[int]] = {}
    for entry, value in entries.items():
        if entry.startswith(RECORD_PREFIX):
            found.setdefault(dealing.of(key_of_record(entry)), set()).add(decode_record(value).record.offset)
    return found


def dealt(
    entries: Mapping[bytes, bytes], dealing: Dealing, copies: Mapping[int, Mapping[int, Record]]
) -> dict[int, dict[bytes, bytes]]:
    """By new partition its entries; `copies` are, by new partition, the records that wait by their offsets in the old one.

    Raises UnreadableState, for a record that waits and has no copy as well.
    """
    found: dict[int, dict[bytes, bytes]] = {target: {} for target in dealing.targets}
    for entry, value in entries.items():
        if entry in {LOG_ENTRY, SWEEP_ENTRY}:
            for each in found.values():
                each[entry] = value
        elif entry.startswith(STATE_PREFIX):
            target = dealing.of(key_of_state(entry))
            found[target][entry] = _moved_state(value, copies.get(target, {}))
        else:
            key = key_of_record(entry)
            target = dealing.of(key)
            stored = decode_record(value)
            copy = _copy_of(stored.record.offset, copies.get(target, {}))
            found[target][record_key(key, copy.offset)] = encode_record(copy, stored.given)
    return found


def _moved_state(value: bytes, copies: Mapping[int, Record]) -> bytes:
    state = decode_state(value)
    if not state.held:
        return value
    held = tuple(replace(each, offset=_copy_of(each.offset, copies).offset) for each in state.held)
    return encode_state(replace(state, held=held))  # type: ignore[arg-type]  # the kind of its places stays the same


def _copy_of(offset: int, copies: Mapping[int, Record]) -> Record:
    copy = copies.get(offset)
    if copy is None:
        raise UnreadableState(
            what="a held record",
            position=offset,
            problem="the next generation has no copy of it: it was deleted too early",
        )
    return copy
