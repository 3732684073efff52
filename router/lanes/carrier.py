"""What a lane hands its copies to, and what it asks where its partition stands: the two ports to Kafka.

Both guarantees are the same lane with another carrier. Exactly-once: copies and offset are one transaction of a producer
that belongs to the partition. At-least-once: batches go out through an idempotent producer of the lane's own, and the
offset is committed to the group once all of them are acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol, Self

from router.lanes.batch import SourcePartition
from router.lanes.copies import Copies, CopyBatch, TopicPartition

__all__ = [
    "NOT_ENOUGH_REPLICAS",
    "SLOW",
    "TRANSACTION_ENDING",
    "Carrier",
    "CarrierFactory",
    "Place",
    "Places",
    "Positions",
    "Resuming",
    "Waiting",
    "note_in",
]

SLOW = "broker-slow"
"""The reason of a wait of which nobody knows the cause."""
NOT_ENOUGH_REPLICAS = "not-enough-replicas"
"""The reason of a wait for followers to come back into sync."""
TRANSACTION_ENDING = "transaction-ending"
"""The reason of a wait until the end of the last transaction is known to all brokers that have copies of it."""


class Waiting(str):
    """Why a carrier waits, in words, with the slug of it for programs. It is empty where nothing is waited for."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, words: str, *, reason: str) -> Self:
        """`reason` is that of an error of router.errors, or one of those above."""
        waiting = super().__new__(cls, words)
        waiting.reason = reason
        return waiting


class Place(NamedTuple):
    """What a group has committed of a partition."""

    offset: int
    note: str = ""
    """The text that was committed with it."""


Places = Mapping[SourcePartition, Place]
"""Partitions of which a group has committed nothing are left out."""


def note_in(places: Places, source: SourcePartition) -> str:
    """What was committed with a partition's offset; empty where nothing was."""
    place = places.get(source)
    return "" if place is None else place.note


class Positions(Protocol):
    """The consumer's side of a lane: where its partition stands in the group and in the fetcher."""

    async def places(self, sources: Collection[SourcePartition]) -> Places:
        """What the group's coordinator knows to be committed of each; that may be of a while ago. Raises BrokerUnavailable."""

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        """Seek to the partition's place (the log's start where there is none), and begin a new epoch.

        Returns epoch and position. Raises OffsetOutOfRange where the offset is not in the log, BrokerUnavailable.
        """

    async def commit(self, source: SourcePartition, offset: int) -> None:
        """Commit to the group. Raises CommitFailed where the group does not take it."""

    async def end(self, source: SourcePartition) -> int:
        """Where the log ends now for readers of what is committed: the offset of the next record to come.

        Transaction markers count, as they do in positions. Raises BrokerUnavailable.
        """

    async def owns(self, source: SourcePartition) -> bool:
        """Whether the group, asked now, takes the partition for this worker's. Raises BrokerUnavailable."""


class Resuming:
    """The positions of a lane that has something else to do when it opens: a base. Fulfils `Positions`.

    The lane has its id by then, so that its former owner is shut out: whatever is read first, nobody commits before the rest is.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self.places = positions.places
        self.commit = positions.commit
        self.end = positions.end
        self.owns = positions.owns

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        """See Positions. Raises what `first` does as well."""
        await self.first(source, places)
        return await self._positions.seek_to_committed(source, places)

    async def first(self, source: SourcePartition, places: Places) -> None:
        """Look whether the lane may open, or take up what it keeps beside its offset."""
        raise NotImplementedError


class Carrier(Protocol):
    """One lane's way out. After any error it is discarded, and the lane opens another."""

    async def open(self) -> Places:
        """Connect, and shut out the partition's former owner where the guarantee knows one. Returns where the group stands.

        What the former owner has committed is complete then, and what it had begun is undone; with such a guarantee the places are
        the last word, and are also those of what else the lane commits. Raises BrokerUnavailable, and TransactionsForbidden where
        the brokers do not let this worker.
        """

    def new_batch(self, topic: str) -> CopyBatch:
        """An empty record batch for a topic."""

    async def send(self, copies: Copies) -> None:
        """Hand the copies over, in order; returns before they are delivered."""

    async def commit(self, offset: int) -> Mapping[TopicPartition, int]:
        """Wait for every delivery since the last commit, then make them final together with the source's offset.

        The offset may be the one that was committed last. Returns for each topic and partition that got copies the offset
        behind the last of them; one is left out where the broker did not say it.
        Raises DeliveryRefused for a batch that the broker refuses for its contents, DeliveryFailed, CommitFailed,
        DestinationUnavailable, or Fenced where another carrier of the partition was opened since. While no broker answers
        it waits, and tells `waiting` why.
        """

    async def close(self) -> None:
        """Let go of the connections, whatever state they are in, within about a second."""


CarrierFactory = Callable[[SourcePartition, Callable[[str], None]], Carrier]
"""Makes the carrier of a lane; the function is told why the carrier waits, and "" when it goes on."""
