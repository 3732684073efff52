"""Forgetting: keys that flow, and ledgers of deaths, leave a lane's table when their topic has forgotten the copies they are about.

A state is of use as long as a copy or a mark of its key can be met again, a ledger as long as its event can die again: until
the retention of the topic has passed since the last that happened. All entries are looked through now and then, some at a
time, so that a lane neither stands still for it nor grows for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from router.failure import parking
from router.failure.parking import Phase
from router.failure.stored import LEDGER_PREFIX, STATE_PREFIX, decode_ledger, decode_state, phase_of, topic_of
from router.lanes.table import LaneTable

__all__ = ["EVERY_MS", "Forgetting"]

EVERY_MS = 3_600_000
"""From the end of one look through all entries to the begin of the next."""
_SOME = 500


class Forgetting:
    """Of one lane's table. Times are milliseconds since the epoch."""

    def __init__(self, table: LaneTable, retention_ms: Mapping[str, int | None]) -> None:
        self._table = table
        self._retention_ms = retention_ms
        self._due = 0
        self._prefix = STATE_PREFIX
        self._start = b""

    def looks_in(self, now: int) -> float | None:
        """Seconds until there is something to look through; None where nothing is ever forgotten."""
        if all(each is None for each in self._retention_ms.values()):
            return None
        return max(0, self._due - now) / 1000

    def look(self, now: int) -> bool:
        """Look through some entries, where it is time for that; whether any was forgotten."""
        seconds = self.looks_in(now)
        if seconds is None or seconds > 0:
            return False
        found = list(islice(self._table.scan(self._prefix, start=self._start), _SOME))
        forgotten = [entry for entry, stored in found if self._forgets(entry, stored, now)]
        for entry in forgotten:
            self._table.put(entry, None)
        if len(found) == _SOME:
            self._start = found[-1][0] + b"\0"
        else:
            self._start = b""
            self._due = now + EVERY_MS if self._prefix == LEDGER_PREFIX else self._due
            self._prefix = LEDGER_PREFIX if self._prefix == STATE_PREFIX else STATE_PREFIX
        return bool(forgotten)

    def _forgets(self, entry: bytes, stored: bytes, now: int) -> bool:
        retention = self._retention_ms.get(topic_of(entry))
        if retention is None:
            return False
        if self._prefix == LEDGER_PREFIX:
            return now - max(each.last for each in decode_ledger(stored).entries) > retention
        if phase_of(stored) is not Phase.FLOWING:
            return False
        return parking.forgets(decode_state(stored), now=now, retention_ms=retention)
