"""When to ask for the next transaction, while the markers of the last one are still being written. Pure.

The end of a transaction (KIP-98) is answered once its coordinator has decided on it. Then markers go to every partition that it
wrote to, and until all are there a producer that begins its next transaction is told CONCURRENT_TRANSACTIONS, to come again.
That costs both sides as much as a useful request, and more, the more partitions it names. A lane that is busy begins at once when it has
ended, so that it would be told so nearly always, and several times where the broker is busy too: it first waits for as long as markers
took of late. Where that was too early, it asks again after a quarter of the time that they have taken by then, and with what is
smallest: where a broker makes the logs of hundreds of new topics, markers take seconds, and to name them all again every few
milliseconds keeps it from that.
"""

from __future__ import annotations

__all__ = ["TransactionMarkers"]

_AGAIN = 0.002
"""Seconds between two tries, at least; aiokafka waits 20 ms."""
_LONGEST = 0.1
"""Seconds that are waited, at most, before the first try and between two."""
_PART = 4
"""Tries are apart by one such part of what has been waited."""
_SHARE = 0.9
"""What is waited of what they took, where nobody came too early: so it is noticed when they take less."""


class TransactionMarkers:
    """What one producer has seen of them. Times are seconds of one clock that never goes back."""

    def __init__(self) -> None:
        self._take = 0.0
        self._ended: float | None = None
        self._refused: float | None = None
        """Since when the coordinator says that they are not all there."""

    @property
    def refused(self) -> bool:
        """The coordinator has said so of the next transaction."""
        return self._refused is not None

    def begin(self, now: float) -> None:
        """A transaction has ended: its markers are being written from now on."""
        self._ended, self._refused = now, None

    def left(self, now: float) -> float:
        """Seconds until they are written, if they take as long as of late; 0 where none are known to be on their way."""
        return 0.0 if self._ended is None else max(0.0, self._ended + self._take - now)

    def too_early(self, now: float) -> float:
        """The coordinator says that they are not all there: the seconds after which to ask again."""
        if self._refused is None:
            self._refused = now
        since = self._refused if self._ended is None else self._ended
        return min(_LONGEST, max(_AGAIN, (now - since) / _PART))

    def written(self, now: float) -> None:
        """They are, for the next transaction has begun."""
        refused, self._refused = self.refused, None
        if self._ended is None:
            # Those of the partition's former owner tell nothing of this one's.
            return
        took = now - self._ended
        if refused:
            self._take = min(_LONGEST, (self._take + took) / 2)
        else:
            # They may have been there long before.
            self._take = min(self._take, took) * _SHARE
