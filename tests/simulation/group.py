"""The group coordinator: members, generations, assignments, offsets.

After Kafka's classic protocol with an eager assignor: to join is to give everything back first. The coordinator itself deals
out the partitions, in place of a leader among the members, which spares a round trip and changes nothing for the lanes.

Offsets that are part of a transaction are pending until its marker is written; whoever asks meanwhile gets the old ones, as
from a broker that is not told to wait for stable offsets.

A broker that has just taken the group over loads it, and refuses questions about offsets. Then it answers them by what it knows to
be replicated, which is what was so a while ago, until its followers have caught up or something is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from router.lanes.batch import SourcePartition
from simulation.partition_log import Transaction

__all__ = ["Assignment", "GroupCoordinator", "GroupHost", "UnknownMember"]

ILLEGAL_GENERATION = 22
UNKNOWN_MEMBER = 25
REBALANCE_IN_PROGRESS = 27

_CHECKPOINT = 0.5
"""Seconds between what a broker remembers of its watermark."""
_LOADING = 0.15
_UNTIL_FOLLOWED = 0.5
"""How long after that until its followers' fetches move the watermark, where nothing is written."""

_INITIAL_DELAY = 0.1
"""How long the first member waits for others (group.initial.rebalance.delay.ms, shortened)."""


class UnknownMember(Exception):
    """The group does not know the member (any more)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a member gets in one generation."""

    member: str
    generation: int
    partitions: tuple[SourcePartition, ...]


@dataclass(eq=False, slots=True)
class _Member:
    name: str
    session: float
    waiting: Callable[[Assignment], None] | None = None
    """It has joined the coming generation, and waits for its assignment."""
    expiry: asyncio.TimerHandle | None = None
    owned: tuple[SourcePartition, ...] = field(default_factory=tuple)


class GroupHost:
    """What the coordinator needs of its cluster."""

    def later(self, delay: float, callback: Callable[..., None], *facts: object) -> asyncio.TimerHandle:
        """Run a callback in so many seconds."""
        raise NotImplementedError

    def now(self) -> float:
        """Seconds since the run began."""
        raise NotImplementedError

    def source_partitions(self) -> Sequence[SourcePartition]:
        """What there is to deal out."""
        raise NotImplementedError

    def offset_committed(self, source: SourcePartition, offset: int, by: str) -> None:
        """The group's offset has moved."""
        raise NotImplementedError

    def tell(self, what: str, *facts: object) -> None:
        """Add to the story."""
        raise NotImplementedError


class GroupCoordinator:
    """Of one group."""

    def __init__(self, host: GroupHost, *, rebalance_timeout: float) -> None:
        self._host = host
        self._rebalance_timeout = rebalance_timeout
        self._members: dict[str, _Member] = {}
        self._joined = 0
        self._deadline: asyncio.TimerHandle | None = None
        self.generation = 0
        self.offsets: dict[SourcePartition, int] = {}
        """What is committed; `told` is what is answered."""
        self.loading = False
        self._known: dict[SourcePartition, int] | None = None
        """What the coordinator knows to be replicated; None: all of it."""
        self._checkpoint: dict[SourcePartition, int] = {}
        self._checked = -1.0
        self._loads = 0
        self._pending: dict[Transaction, dict[SourcePartition, int]] = {}

    @property
    def stable(self) -> bool:
        """Nobody is being waited for."""
        return self._deadline is None

    @property
    def members(self) -> tuple[str, ...]:
        """Who belongs to it."""
        return tuple(self._members)

    # --- membership ------------------------------------------------------------------------------------------------------

    def join(self, name: str, session: float, answer: Callable[[Assignment], None]) -> None:
        """A member joins the coming generation; the answer is its assignment, and may take long."""
        member = self._members.get(name)
        if member is None:
            self._joined += 1
            base = name.partition("#")[0]
            name = f"{base}#{self._joined}"
            member = self._members[name] = _Member(name, session)
        if member.expiry is not None:
            member.expiry.cancel()
        member.waiting = answer
        self._rebalance()
        self._complete_if_all_joined()

    def heartbeat(self, name: str, generation: int) -> int:
        """A member lives."""
        member = self._members.get(name)
        if member is None:
            return UNKNOWN_MEMBER
        self._alive(member)
        if self._deadline is not None:
            return REBALANCE_IN_PROGRESS
        return 0 if generation == self.generation else ILLEGAL_GENERATION

    def leave(self, name: str) -> None:
        """A member goes."""
        member = self._members.pop(name, None)
        if member is None:
            return
        if member.expiry is not None:
            member.expiry.cancel()
        self._host.tell("%s leaves the group", name)
        self._rebalance()
        self._complete_if_all_joined()

    def _alive(self, member: _Member) -> None:
        if member.expiry is not None:
            member.expiry.cancel()
        member.expiry = self._host.later(member.session, self._expire, member)

    def _expire(self, member: _Member) -> None:
        if self._members.get(member.name) is member and member.waiting is None:
            self._host.tell("%s was not heard of for %g s: it is no member any more", member.name, member.session)
            del self._members[member.name]
            self._rebalance()
            self._complete_if_all_joined()

    def _rebalance(self) -> None:
        if self._deadline is None:
            first = not self.generation
            delay = _INITIAL_DELAY if first else self._rebalance_timeout
            self._deadline = self._host.later(delay, self._complete)

    def _complete_if_all_joined(self) -> None:
        if self.generation and all(member.waiting for member in self._members.values()):
            self._complete()

    def _complete(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        for member in [member for member in self._members.values() if member.waiting is None]:
            self._host.tell("%s did not join in time: it is no member any more", member.name)
            if member.expiry is not None:
                member.expiry.cancel()
            del self._members[member.name]
        self.generation += 1
        members = sorted(self._members.values(), key=lambda member: member.name)
        partitions = list(self._host.source_partitions())
        for index, member in enumerate(members):
            # Who gets which changes from one generation to the next.
            mine = tuple(partitions[(index + self.generation) % len(members) :: len(members)])
            answer, member.waiting = member.waiting, None
            self._alive(member)
            assert answer is not None
            self._host.tell("generation %d: %s gets %s", self.generation, member.name, _listed(mine))
            answer(Assignment(member.name, self.generation, mine))

    # --- offsets ---------------------------------------------------------------------------------------------------------

    def told(self, source: SourcePartition) -> int:
        """What OffsetFetch is answered with; -1 where it is nothing."""
        return (self.offsets if self._known is None else self._known).get(source, -1)

    def load(self) -> None:
        """Another broker coordinates it from now on, or the same after it was away."""
        self._loads += 1
        self.loading = True
        self._known = dict(self._checkpoint)
        self._host.later(_LOADING, self._loaded, self._loads)

    def _loaded(self, load: int) -> None:
        if load == self._loads:
            self.loading = False
            self._host.later(_UNTIL_FOLLOWED, self._followed, load)

    def _followed(self, load: int) -> None:
        if load == self._loads:
            self._known = None

    def _written(self) -> None:
        """What is acknowledged is replicated, and all that stands before it."""
        self._known = None

    def _remember(self) -> None:
        now = self._host.now()
        if now - self._checked >= _CHECKPOINT:
            self._checkpoint, self._checked = dict(self.offsets), now

    def commit(self, name: str, generation: int, offsets: dict[SourcePartition, int]) -> int:
        """A member commits by itself, at least once."""
        if name not in self._members:
            return UNKNOWN_MEMBER
        if generation != self.generation:
            return ILLEGAL_GENERATION
        self._remember()
        self._written()
        for source, offset in offsets.items():
            self.offsets[source] = offset
            self._host.offset_committed(source, offset, name)
        return 0

    def commit_with(self, transaction: Transaction, offsets: dict[SourcePartition, int]) -> None:
        """Offsets that take effect with a transaction."""
        self._written()
        self._pending.setdefault(transaction, {}).update(offsets)

    def pending(self, transaction: Transaction) -> dict[SourcePartition, int]:
        """What takes effect with a transaction."""
        return self._pending.get(transaction, {})

    def end_transaction(self, transaction: Transaction) -> None:
        """Its marker is written."""
        self._remember()
        self._written()
        for source, offset in self._pending.pop(transaction, {}).items():
            if transaction.committed:
                self.offsets[source] = offset
                self._host.offset_committed(source, offset, str(transaction))


def _listed(partitions: Sequence[SourcePartition]) -> str:
    return ", ".join(map(str, partitions)) or "nothing"
