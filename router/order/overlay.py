"""The changes of a table that are not on its disk yet, over what was read of it lately. Pure.

    put ──► pending ── take: into the transaction that is open ──► taken ── settle: it was committed ──► on the disk
               └────────────────────── clear: after any error ─────────┘

What is known of a key is found in one look-up, whichever of these it is. What is on the disk is remembered in two
generations: where the younger is full it becomes the elder, and what nobody asked for since is forgotten with the one
before it. That costs nothing a look-up, and keeps what is used.
"""

from __future__ import annotations

from bisect import bisect_left, insort

__all__ = ["ABSENT", "Overlay"]

ABSENT = object()
"""Nothing is known of the key: the disk must be asked. None is known: there is no such entry."""

_LARGEST = 2_048
"""Bytes of a value that is remembered once it is on the disk."""
_FEW = 32
"""New keys that are put in their places one by one; more are sorted together."""


class Overlay:
    """Changes, and a memory."""

    __slots__ = ("_elder", "_new", "_ordered", "_pending", "_taken", "known", "remember")

    def __init__(self, *, remember: int) -> None:
        """`remember` is how many entries each of the two generations has; it may be changed at any time."""
        self.remember = remember
        self.known: dict[bytes, bytes | None] = {}
        """All changes, and the younger generation: to be looked into, and not to be kept, by whoever asks often."""
        self._elder: dict[bytes, bytes | None] = {}
        self._pending: dict[bytes, bytes | None] = {}
        self._taken: dict[bytes, bytes | None] = {}
        self._ordered: list[bytes] | None = None
        self._new: list[bytes] = []

    def get(self, key: bytes) -> bytes | object | None:
        """The value, None where there is none, ABSENT where that is not known."""
        value = self.known.get(key, ABSENT)
        if value is ABSENT and self._elder:
            value = self._elder.get(key, ABSENT)
            if value is not ABSENT:
                self.known[key] = value  # type: ignore[assignment]  # it is not ABSENT, which a type cannot say
        return value

    def learn(self, key: bytes, value: bytes | None) -> None:
        """That is what the disk has."""
        if value is None or len(value) <= _LARGEST:
            self.known[key] = value
            if len(self.known) > self.remember + len(self._pending) + len(self._taken):
                self._age()

    def put(self, key: bytes, value: bytes | None) -> None:
        """A change."""
        if self._ordered is not None and key not in self._pending and key not in self._taken:
            self._new.append(key)
        self.known[key] = self._pending[key] = value

    def take(self) -> dict[bytes, bytes | None]:
        """What was put since this was last asked; not to be changed by who gets it."""
        taken, self._pending = self._pending, {}
        self._taken = self._taken | taken if self._taken else taken
        return taken

    @property
    def taken(self) -> dict[bytes, bytes | None]:
        """What was taken since the last commit: what the next one makes final."""
        return self._taken

    def settle(self) -> None:
        """What was taken is on the disk."""
        known, pending = self.known, self._pending
        for key, value in self._taken.items():
            if value is not None and len(value) > _LARGEST and key not in pending:
                del known[key]
                self._elder.pop(key, None)
        self._taken = {}
        self._ordered = None
        self._new.clear()
        if len(known) > self.remember + len(pending):
            self._age()

    def clear(self) -> None:
        """Forget everything."""
        for each in (self.known, self._elder, self._new):
            each.clear()
        self._pending, self._taken = {}, {}
        self._ordered = None

    def changed(self, prefix: bytes, after: bytes, most: int) -> list[tuple[bytes, bytes | None]]:
        """The changes, in the order of their keys: those that begin so, from this key on, at most so many."""
        ordered = self._in_order()
        found: list[tuple[bytes, bytes | None]] = []
        for index in range(bisect_left(ordered, after), len(ordered)):
            key = ordered[index]
            if len(found) == most or not key.startswith(prefix):
                break
            found.append((key, self.known[key]))
        return found

    def _in_order(self) -> list[bytes]:
        ordered = self._ordered
        if ordered is None:
            ordered = self._ordered = sorted(self._taken.keys() | self._pending.keys())
        elif len(self._new) > _FEW:
            ordered += self._new
            ordered.sort()
        else:
            for key in self._new:
                insort(ordered, key)
        self._new.clear()
        return ordered

    def _age(self) -> None:
        """The younger generation becomes the elder; what is not on the disk stays."""
        self._elder, self.known = self.known, self._taken | self._pending
