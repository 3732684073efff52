"""The protocol of a lane, without I/O: what a lane may do next, given all that happened to it.

A lane carries one source partition. It promises that an offset is committed only when every copy of every record before
it was acknowledged. The promise rests on three rules, all of which are here:

    continuity   a batch is carried only if it follows the lane's position; else something was skipped, and the lane fails
    epoch        a batch that was fetched before the lane last (re)opened is stale: it is dropped without harm
    order        what may be committed is what was sent, and it is committed only after its deliveries were awaited

A batch that is lost between the consumer and its lane shows as a gap once the next one comes. Where none comes, it shows by
having been offered long ago.

            open            opened            failed              retry
    CLOSED ──────► OPENING ────────► CARRYING ──────► BACKING_OFF ──────► OPENING
       ▲              │ failed ──────────┼───────────────▲  │                ▲
       │              │ fenced           │ fenced           │                │ the group says: ours
       │              └──────────────────┴─────────► FENCED ├────────────────┘
       └───────────────── close, in any state ──────────────┘

A lane that fails mends itself in place, and no other partition notices. Only one that was fenced may have lost its
partition: before it opens again, it asks the group, and where another worker has it, it stays as it is until the group takes
it away.

When to commit is a matter of latency alone. Under load a commit holds what came within an interval. A lane that has caught
up with its log, and has nothing on its way any more, has nothing to wait for: where copies become visible only with the
commit, it commits at once, though no sooner than its share of the worker's commits allows (`CommitBudget`). Where a commit costs
little, a lane that has failed does so, too, for a while: where one batch in a hundred fails, whoever sends fifty between two commits
loses every other time all that it has done, and the larger its backlog has become by that, the more it sends.

When to send follows from that. A lane that has caught up and waits for its share of the commits would by sending early make nothing visible
sooner: it keeps its copies together until it may commit, so that they are one sending and not one for each fetch. With a backlog, or
where copies are visible as they come, it sends at once.

The machine holds no clock: times are arguments, in seconds of any monotonic clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from router.errors import (
    DestinationUnavailable,
    Fenced,
    Gap,
    InvariantError,
    OffsetOutOfRange,
    RouterError,
    TransactionsForbidden,
)
from router.lanes.batch import Batch, SourcePartition

__all__ = ["Admission", "CommitBudget", "LaneProtocol", "LaneState", "Pace"]


class LaneState(StrEnum):
    """Where a lane is; only a carrying lane is given batches."""

    CLOSED = "closed"
    OPENING = "opening"
    CARRYING = "carrying"
    BACKING_OFF = "backing-off"
    FENCED = "fenced"


class Admission(StrEnum):
    """What becomes of a batch that reached its lane."""

    CARRY = "carry"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a lane commits, how much it holds, and how it backs off; times in seconds."""

    commit_interval: float = 0.1
    commit_when_caught_up: bool = True
    """Commit as soon as nothing is left to add; of use where only a commit makes copies visible."""
    capacity: int = 16
    """Batches that may be on their way between the consumer and the commit."""
    first_backoff: float = 0.02
    """Each failure in a row doubles it. Opening again takes about as long by itself."""
    most_backoff: float = 5.0
    destination_retry: float = 1.0
    """How often a missing destination, or an offset out of range, is looked at again."""
    arrival: float = 10.0
    """How long a batch may take from the consumer to its lane before it counts as lost."""
    wary: int = 0
    """So many commits after a failure are made as soon as something was sent. For transactions they cost more than they save."""


class CommitBudget:
    """The commits that all lanes of a worker share, so many a second: each costs a worker and its brokers the same work,
    however little it holds.

    A lane reserves the time of its next commit when it has made one (a leaky bucket without room for bursts). So lanes take
    turns, and one that has been idle for long need not wait.
    """

    def __init__(self, per_second: float) -> None:
        self._spacing = 1.0 / per_second
        self._next = 0.0

    def reserve(self, now: float) -> float:
        """The earliest time of the next commit of the lane that asks."""
        slot = max(self._next, now)
        self._next = slot + self._spacing
        return slot


class LaneProtocol:
    """The state machine of one lane."""

    def __init__(self, source: SourcePartition, pace: Pace) -> None:
        self.source = source
        self.state = LaneState.CLOSED
        self.epoch = -1
        self.position = -1
        """The next offset to carry."""
        self.committed = -1
        self.error: RouterError | None = None
        """Why it backs off; None as soon as it has committed again."""
        self.since = 0.0
        """When the state was entered."""
        self._pace = pace
        self._sent = -1
        self._first_unsettled: float | None = None
        self._not_before = 0.0
        self._caught_up = False
        """As of what was sent."""
        self._left_nothing = False
        """As of what has arrived, the batch that came last left nothing behind."""
        self._in_hand = 0
        self._offered: deque[tuple[float, int]] = deque()
        self._failures = 0
        self._wary = 0
        self._fenced = False

    def open(self, now: float) -> None:
        """Begin (again): a producer is made, the former owner is shut out, the position is read.

        One that was fenced opens again only where the group, asked then, takes the partition for its worker's.
        """
        if self.state not in (LaneState.CLOSED, LaneState.BACKING_OFF, LaneState.FENCED):
            raise InvariantError(f"lane {self.source} cannot open while {self.state}")
        self._fenced = False
        self._enter(LaneState.OPENING, now)

    def opened(self, *, epoch: int, position: int, now: float) -> None:
        """The partition was sought to its committed position; batches of this epoch may come."""
        if self.state is not LaneState.OPENING:
            raise InvariantError(f"lane {self.source} opened while {self.state}")
        self.epoch = epoch
        self.position = self.committed = self._sent = position
        self._first_unsettled = None
        self._in_hand = 0
        self._offered.clear()
        self._enter(LaneState.CARRYING, now)

    @property
    def accepts(self) -> bool:
        """There is room for one more batch."""
        return self.state is LaneState.CARRYING and self._in_hand < self._pace.capacity

    @property
    def unsettled(self) -> bool:
        """Something was taken, or is on its way, that is not committed."""
        return self._in_hand > 0 or self.position != self.committed

    def offered(self, batch: Batch, now: float) -> None:
        """A batch is on its way from the consumer. One of another epoch takes no room: it will not be carried."""
        if batch.epoch == self.epoch:
            self._in_hand += 1
            self._offered.append((now, batch.next))

    def lost_at(self) -> float | None:
        """When the oldest batch that was offered and has not arrived counts as lost; None where none is on its way."""
        if self.state is not LaneState.CARRYING or not self._offered:
            return None
        return self._offered[0][0] + self._pace.arrival

    def lost(self) -> Gap:
        """The error of a lane whose offered batch never arrived; ask only where `lost_at` has passed."""
        source = self.source
        return Gap(topic=source.topic, partition=source.partition, follows=self._offered[0][1], position=self.position)

    def admit(self, batch: Batch) -> Admission:
        """A batch arrived. Raises Gap where it does not follow the position: the lane must then fail."""
        if self.state is not LaneState.CARRYING or batch.epoch != self.epoch:
            return Admission.STALE
        if batch.follows != self.position:
            source = self.source
            raise Gap(topic=source.topic, partition=source.partition, follows=batch.follows, position=self.position)
        self.position = batch.next
        self._left_nothing = batch.caught_up
        if self._offered:
            self._offered.popleft()
        return Admission.CARRY

    def send_at(self) -> float | None:
        """When to send what has arrived; None where that is at once."""
        waits = (
            self._pace.commit_when_caught_up and self._left_nothing and self._first_unsettled is None and self.accepts
        )
        return self._not_before if waits else None

    def sent(self, batch: Batch, now: float) -> None:
        """Every copy of the batch was handed to the producer."""
        if batch.epoch != self.epoch or batch.follows != self._sent:
            raise InvariantError(f"lane {self.source} sent {batch.follows} after {self._sent}")
        self._sent = batch.next
        self._caught_up = batch.caught_up
        self._in_hand -= 1
        if self._first_unsettled is None:
            self._first_unsettled = now

    def sent_besides(self, now: float) -> None:
        """Copies that no batch led to were handed to the producer: what was held, and whose time has come.

        Their commit moves no offset, unless batches follow that it takes along.
        """
        if self.state is not LaneState.CARRYING:
            raise InvariantError(f"lane {self.source} sent copies while {self.state}")
        if self._first_unsettled is None:
            self._first_unsettled = now

    def commit_at(self) -> float | None:
        """When the next commit is due; None while there is nothing to commit."""
        if self.state is not LaneState.CARRYING or self._first_unsettled is None:
            return None
        has_all = self._pace.commit_when_caught_up and self._caught_up and self._in_hand == 0
        if has_all or self._wary > 0:
            return self._not_before
        return max(self._not_before, self._first_unsettled + self._pace.commit_interval)

    @property
    def committable(self) -> int | None:
        """The offset that may be committed once all that was sent is delivered; None where nothing was sent since."""
        if self.state is not LaneState.CARRYING or self._first_unsettled is None:
            return None
        return self._sent

    def settled(self, offset: int, *, not_before: float) -> None:
        """Deliveries were awaited and the offset committed: the lane is well. The next commit is due then or later."""
        if offset != self._sent:
            raise InvariantError(f"lane {self.source} committed {offset} having sent {self._sent}")
        self.committed = offset
        self._first_unsettled = None
        self._not_before = not_before
        self._failures = 0
        self._wary = max(0, self._wary - 1)
        self.error = None

    def failed(self, error: RouterError, now: float) -> float:
        """Something went wrong; nothing of this epoch is committed any more. Returns when to open again."""
        self._failures += 1
        self._wary = self._pace.wary
        self.error = error
        self._first_unsettled = None
        # Until it has been opened again: that the group could not be asked, say, makes the lane no owner.
        self._fenced = self._fenced or isinstance(error, Fenced)
        self._enter(LaneState.FENCED if self._fenced else LaneState.BACKING_OFF, now)
        if isinstance(error, DestinationUnavailable | OffsetOutOfRange | TransactionsForbidden):
            return now + self._pace.destination_retry
        backoff: float = self._pace.first_backoff * 2.0 ** min(self._failures - 1, 16)
        return now + min(backoff, self._pace.most_backoff)

    def close(self, now: float) -> None:
        """The partition is given back; what was not committed belongs to the next owner."""
        self._first_unsettled = None
        self._enter(LaneState.CLOSED, now)

    def _enter(self, state: LaneState, now: float) -> None:
        self.state = state
        self.since = now
