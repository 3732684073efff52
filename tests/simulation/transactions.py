"""The transaction coordinator: who owns a transactional id, which transaction is open, and how it ends.

After Kafka's TransactionCoordinator, as clients of transaction version 1 meet it. Two things matter most to lanes:

    InitProducerId   shuts out the former producer by a higher epoch, and answers only after what that one left open was
                     aborted everywhere: until then it says "concurrent transactions", and is asked again
    EndTxn           is answered once the outcome is decided; the markers, and with them the group's offset, come later
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from simulation.partition_log import INVALID_PRODUCER_EPOCH, Transaction

__all__ = ["ProducerIdentity", "TransactionCoordinator", "TransactionHost"]

INVALID_TXN_STATE = 48
INVALID_PRODUCER_ID_MAPPING = 49
INVALID_TRANSACTION_TIMEOUT = 50
CONCURRENT_TRANSACTIONS = 51

_LONGEST_TIMEOUT = 900.0
"""transaction.max.timeout.ms of brokers."""


class State(StrEnum):
    """Of a transactional id; where it is ending, its outcome is decided and the markers are under way."""

    EMPTY = "empty"
    ONGOING = "ongoing"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ProducerIdentity:
    """What InitProducerId answers."""

    producer: int
    epoch: int


@dataclass(eq=False, slots=True)
class _Owned:
    """A transactional id."""

    name: str
    producer: int
    timeout: float
    epoch: int = 0
    state: State = State.EMPTY
    transaction: Transaction | None = None
    partitions: list[tuple[str, int]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None
    left: int = 0
    """Markers that are still under way."""


class TransactionHost:
    """What the coordinator needs of its cluster."""

    def write_marker(self, at: tuple[str, int], transaction: Transaction, identity: ProducerIdentity) -> None:
        """A partition's marker, or nothing where the topic is gone."""
        raise NotImplementedError

    def end_offsets(self, group: str, transaction: Transaction, identity: ProducerIdentity) -> None:
        """The marker in the group's offsets: what was pending takes effect, or is dropped."""
        raise NotImplementedError

    def before_commit(self, transaction: Transaction) -> None:
        """The transaction is about to be committed."""
        raise NotImplementedError

    def marker_delay(self) -> float:
        """How long the next marker takes."""
        raise NotImplementedError

    def later(self, delay: float, callback: Callable[..., None], *facts: object) -> asyncio.TimerHandle:
        """Run a callback in so many seconds."""
        raise NotImplementedError

    def tell(self, what: str, *facts: object) -> None:
        """Add to the story."""
        raise NotImplementedError


class TransactionCoordinator:
    """Of all transactional ids. Answers are error codes of Kafka's protocol, 0 for success."""

    def __init__(self, host: TransactionHost) -> None:
        self._host = host
        self._owned: dict[str, _Owned] = {}
        self._by_producer: dict[int, _Owned] = {}
        self._producers = 1000
        self._transactions = 0

    @property
    def names(self) -> tuple[str, ...]:
        """All transactional ids."""
        return tuple(self._owned)

    @property
    def busy(self) -> tuple[str, ...]:
        """The transactional ids with a transaction that has not ended everywhere."""
        return tuple(owned.name for owned in self._owned.values() if owned.state in (State.ONGOING, State.ENDING))

    def init_producer(self, name: str | None, timeout: float) -> ProducerIdentity | int:
        """A producer for this id, the former one shut out; an error code while that takes time."""
        if name is None:
            self._producers += 1
            return ProducerIdentity(self._producers, 0)
        if not 0 < timeout <= _LONGEST_TIMEOUT:
            return INVALID_TRANSACTION_TIMEOUT
        owned = self._owned.get(name)
        if owned is None:
            self._producers += 1
            owned = self._owned[name] = self._by_producer[self._producers] = _Owned(name, self._producers, timeout)
            return ProducerIdentity(owned.producer, owned.epoch)
        if owned.state is State.ENDING:
            return CONCURRENT_TRANSACTIONS
        if owned.state is State.ONGOING:
            self._host.tell("%s has a new producer: what the former one left open is aborted", name)
            self._shut_out(owned)
            return CONCURRENT_TRANSACTIONS
        owned.epoch += 1
        owned.timeout = timeout
        owned.state = State.EMPTY
        return ProducerIdentity(owned.producer, owned.epoch)

    def forget(self, name: str) -> bool:
        """The id expires, as one does that was idle for a week; True where there was one without an open transaction."""
        owned = self._owned.get(name)
        if owned is None or owned.state in (State.ONGOING, State.ENDING):
            return False
        del self._owned[name], self._by_producer[owned.producer]
        return True

    def transaction_of(self, producer: int, epoch: int, at: tuple[str, int]) -> Transaction | int:
        """The open transaction that a batch for a partition belongs to: the partition was added to it."""
        owned = self._by_producer.get(producer)
        if owned is None:
            return INVALID_PRODUCER_ID_MAPPING
        if epoch != owned.epoch:
            return INVALID_PRODUCER_EPOCH
        if owned.state is not State.ONGOING or owned.transaction is None or at not in owned.partitions:
            return INVALID_TXN_STATE
        return owned.transaction

    def transaction_of_group(self, producer: int, epoch: int, group: str) -> Transaction | int:
        """The same for a group's offsets."""
        owned = self._by_producer.get(producer)
        if owned is None:
            return INVALID_PRODUCER_ID_MAPPING
        if epoch != owned.epoch:
            return INVALID_PRODUCER_EPOCH
        if owned.state is not State.ONGOING or owned.transaction is None or group not in owned.groups:
            return INVALID_TXN_STATE
        return owned.transaction

    def add_partitions(self, name: str, identity: ProducerIdentity, partitions: list[tuple[str, int]]) -> int:
        """Partitions join the transaction, which begins with the first."""
        owned = self._owned.get(name)
        error = self._refusal(owned, identity)
        if owned is None or error:
            return error
        self._begin(owned)
        owned.partitions += [at for at in partitions if at not in owned.partitions]
        return 0

    def add_group(self, name: str, identity: ProducerIdentity, group: str) -> int:
        """A group's offsets join the transaction."""
        owned = self._owned.get(name)
        error = self._refusal(owned, identity)
        if owned is None or error:
            return error
        self._begin(owned)
        if group not in owned.groups:
            owned.groups.append(group)
        return 0

    def end(self, name: str, identity: ProducerIdentity, *, commit: bool) -> int:
        """Commit or abort."""
        owned = self._owned.get(name)
        if owned is None or owned.producer != identity.producer:
            return INVALID_PRODUCER_ID_MAPPING
        if owned.epoch != identity.epoch:
            return INVALID_PRODUCER_EPOCH
        transaction = owned.transaction
        if owned.state is State.EMPTY or transaction is None:
            return INVALID_TXN_STATE
        if owned.state is State.ENDING:
            return CONCURRENT_TRANSACTIONS if transaction.committed is commit else INVALID_TXN_STATE
        if owned.state is State.ENDED:
            # Asked again, because the answer was lost.
            return 0 if transaction.committed is commit else INVALID_TXN_STATE
        if commit:
            self._host.before_commit(transaction)
        self._end(owned, commit=commit)
        return 0

    @staticmethod
    def _refusal(owned: _Owned | None, identity: ProducerIdentity) -> int:
        if owned is None or owned.producer != identity.producer:
            return INVALID_PRODUCER_ID_MAPPING
        if owned.epoch != identity.epoch:
            return INVALID_PRODUCER_EPOCH
        return CONCURRENT_TRANSACTIONS if owned.state is State.ENDING else 0

    def _begin(self, owned: _Owned) -> None:
        if owned.state is State.ONGOING:
            return
        self._transactions += 1
        owned.transaction = Transaction(owned.name, self._transactions)
        owned.state = State.ONGOING
        owned.partitions = []
        owned.groups = []
        owned.timer = self._host.later(owned.timeout, self._time_out, owned, owned.transaction)

    def _time_out(self, owned: _Owned, transaction: Transaction) -> None:
        if owned.state is State.ONGOING and owned.transaction is transaction:
            self._host.tell("%s was open for %g s: it is aborted", transaction, owned.timeout)
            self._shut_out(owned)

    def _shut_out(self, owned: _Owned) -> None:
        owned.epoch += 1
        self._end(owned, commit=False)

    def _end(self, owned: _Owned, *, commit: bool) -> None:
        transaction = owned.transaction
        assert transaction is not None
        if owned.timer is not None:
            owned.timer.cancel()
        owned.state = State.ENDING
        transaction.committed = commit
        host = self._host
        identity = ProducerIdentity(owned.producer, owned.epoch)
        host.tell("%s is %s", transaction, "committed" if commit else "aborted")
        owned.left = len(owned.partitions) + len(owned.groups)
        for at in owned.partitions:
            host.later(host.marker_delay(), self._mark, owned, host.write_marker, at, transaction, identity)
        for group in owned.groups:
            host.later(host.marker_delay(), self._mark, owned, host.end_offsets, group, transaction, identity)
        if not owned.left:
            owned.state = State.ENDED

    @staticmethod
    def _mark(owned: _Owned, write: Callable[..., None], *facts: object) -> None:
        write(*facts)
        owned.left -= 1
        if not owned.left:
            owned.state = State.ENDED
