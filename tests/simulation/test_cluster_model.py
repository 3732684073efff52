"""The modelled Kafka does what a real one was seen to do: fencing, last stable offsets, pending offsets, sequences."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest

from router.lanes.batch import SourcePartition
from router.records.record import PlainRecord
from simulation.cluster import Cluster
from simulation.group import Assignment
from simulation.loop import SimulatedLoop
from simulation.network import Network, Weather
from simulation.partition_log import (
    INVALID_PRODUCER_EPOCH,
    OUT_OF_ORDER_SEQUENCE,
    Entry,
    PartitionLog,
    Transaction,
)
from simulation.story import Story
from simulation.transactions import (
    CONCURRENT_TRANSACTIONS,
    INVALID_PRODUCER_ID_MAPPING,
    INVALID_TXN_STATE,
    ProducerIdentity,
)

SOURCE = SourcePartition("broad.v1", 0)
TARGET = ("narrow.v1", 0)
ID = "router-broad.v1-0"


class Nobody:
    """Watches nothing."""

    def copied(self, log: PartitionLog, entries: Sequence[Entry]) -> None: ...

    def before_commit(self, transaction: Transaction, offsets: Mapping[SourcePartition, int]) -> None: ...

    def offset_committed(self, source: SourcePartition, offset: int, by: str) -> None: ...


class Model:
    """A cluster with one broad and one narrow topic, driven from outside."""

    def __init__(self) -> None:
        self.loop = SimulatedLoop(Random(1))
        network = Network(self.loop, Random(1), nodes=1, weather=Weather(0.001, 0.0, 0.0))
        story = Story(self.loop.time)
        self.cluster = Cluster(
            network, story, Nobody(), group="router", sources=["broad.v1"], rebalance=10.0, verifies=True
        )
        self.cluster.create("broad.v1", 2)
        self.cluster.create("narrow.v1", 1)
        self.sequence = 0

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def producer(self) -> ProducerIdentity:
        """The next owner of the id, however often it must ask."""
        for _ in range(10):
            answer = self.cluster.transactions.init_producer(ID, 10.0)
            if isinstance(answer, ProducerIdentity):
                self.sequence = 0
                return answer
            assert answer == CONCURRENT_TRANSACTIONS
            self.wait(1.0)
        pytest.fail("the id stays busy")

    def write(self, identity: ProducerIdentity, count: int = 1) -> int:
        """Copies in the producer's transaction; returns the error."""
        transactions = self.cluster.transactions
        if error := transactions.add_partitions(ID, identity, [TARGET]):
            return error
        transaction = transactions.transaction_of(identity.producer, identity.epoch, TARGET)
        assert isinstance(transaction, Transaction)
        appended = self.log.append(
            [PlainRecord(topic="narrow.v1", value=b"x")] * count,
            producer=identity.producer,
            epoch=identity.epoch,
            sequence=self.sequence,
            transaction=transaction,
        )
        self.sequence += count
        return appended.error

    def offset(self, identity: ProducerIdentity, offset: int) -> int:
        """The offset as part of the transaction; returns the error."""
        transactions = self.cluster.transactions
        if error := transactions.add_group(ID, identity, "router"):
            return error
        transaction = transactions.transaction_of_group(identity.producer, identity.epoch, "router")
        assert isinstance(transaction, Transaction)
        self.cluster.group.commit_with(transaction, {SOURCE: offset})
        return 0

    def end(self, identity: ProducerIdentity, *, commit: bool = True) -> int:
        """The end of the transaction; returns the error."""
        return self.cluster.transactions.end(ID, identity, commit=commit)

    @property
    def log(self) -> PartitionLog:
        return self.cluster.topics["narrow.v1"].logs[0]

    @property
    def visible(self) -> int:
        """How many records read_committed readers see."""
        return len(list(self.log.committed()))


@pytest.fixture
def model() -> Any:
    model = Model()
    yield model
    model.loop.close()


def test_a_transaction_shows_only_when_its_marker_is_written(model: Model) -> None:
    """Until then the last stable offset stands before it; the marker takes an offset of its own."""
    owner = model.producer()
    assert model.write(owner, 3) == 0
    assert (model.log.end, model.log.last_stable, model.visible) == (3, 0, 0)
    assert model.end(owner) == 0
    model.wait(1.0)
    assert (model.log.end, model.log.last_stable, model.visible) == (4, 4, 3)


def test_a_new_producer_shuts_the_former_one_out(model: Model) -> None:
    """What that one left open is aborted before the new one begins, and it can neither write nor commit any more."""
    zombie = model.producer()
    assert (model.write(zombie), model.offset(zombie, 5)) == (0, 0)
    owner = model.producer()
    assert owner.epoch > zombie.epoch
    assert model.log.last_stable == model.log.end
    assert (model.write(zombie), model.end(zombie)) == (INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_EPOCH)
    assert (model.visible, model.cluster.group.offsets) == (0, {})
    stale = model.log.append(
        [PlainRecord(topic="narrow.v1")], producer=zombie.producer, epoch=zombie.epoch, sequence=1, transaction=None
    )
    assert stale.error == INVALID_PRODUCER_EPOCH


def test_whoever_asks_early_gets_the_old_offset(model: Model) -> None:
    """An offset of a transaction that is decided but not yet marked is pending: only a new producer waits for it."""
    owner = model.producer()
    assert (model.write(owner), model.offset(owner, 7), model.end(owner)) == (0, 0, 0)
    assert model.cluster.group.offsets == {}
    model.producer()
    assert model.cluster.group.offsets == {SOURCE: 7}


def test_a_transaction_that_is_open_for_too_long_is_aborted(model: Model) -> None:
    """Its producer is shut out, as if there were a new one: readers need not wait for it longer than that."""
    owner = model.producer()
    assert model.write(owner) == 0
    model.wait(11.0)
    assert (model.log.last_stable, model.visible) == (model.log.end, 0)
    assert model.end(owner) == INVALID_PRODUCER_EPOCH


def test_an_end_that_is_asked_for_again_is_confirmed(model: Model) -> None:
    """The first answer may have been lost; the opposite end is refused."""
    owner = model.producer()
    assert model.write(owner) == 0
    assert model.end(owner) == 0
    assert model.end(owner) == CONCURRENT_TRANSACTIONS
    model.wait(1.0)
    assert (model.end(owner), model.end(owner, commit=False)) == (0, INVALID_TXN_STATE)


def test_an_id_that_was_idle_for_long_is_forgotten(model: Model) -> None:
    """Its producer is told so, and a new one begins anew."""
    owner = model.producer()
    assert model.cluster.transactions.forget(ID)
    assert model.write(owner) == INVALID_PRODUCER_ID_MAPPING
    assert model.producer().producer != owner.producer


def test_batches_are_taken_once_and_in_sequence() -> None:
    """A batch that is sent again is acknowledged, what leaves a gap is refused, an unknown producer begins anywhere."""
    log = PartitionLog("narrow.v1", 0)

    def append(sequence: int, count: int, *, producer: int = 1) -> tuple[int, int, bool]:
        records = [PlainRecord(topic="narrow.v1")] * count
        appended = log.append(records, producer=producer, epoch=0, sequence=sequence, transaction=None)
        return appended.error, appended.offset, appended.repeated

    assert append(0, 2) == (0, 0, False)
    assert append(0, 2) == (0, 0, True)
    assert append(3, 1) == (OUT_OF_ORDER_SEQUENCE, -1, False)
    assert append(2, 1) == (0, 2, False)
    assert append(9, 1, producer=2) == (0, 3, False)


def test_whoever_is_not_heard_of_loses_its_partitions(model: Model) -> None:
    """The others get them, and what it still wants to commit by itself is refused."""
    group, got = model.cluster.group, dict[str, Assignment]()
    for name in ("a", "b"):
        group.join(name, 6.0, partial(got.__setitem__, name))
    model.wait(0.5)
    assert sorted(p for each in got.values() for p in each.partitions) == list(model.cluster.source_partitions())
    a, b = got["a"], got["b"]
    model.wait(3.0)
    assert group.heartbeat(b.member, b.generation) == 0
    model.wait(4.0)
    assert group.members == (b.member,)
    group.join(b.member, 6.0, partial(got.__setitem__, "b"))
    assert len(got["b"].partitions) == 2
    assert group.commit(a.member, a.generation, {SOURCE: 1}) != 0
    assert group.commit(b.member, b.generation, {SOURCE: 1}) != 0
    assert group.commit(b.member, got["b"].generation, {SOURCE: 1}) == 0
