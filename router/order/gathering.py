"""The lane of an internal topic, in which records lie by what they are ordered by: how they are read, decided and copied.

To the order of its key a record is what lies here; to the routes and to consumers it is the original. So what stands in a
lane here is `Ordering` as ever, between two changes:

    internal topic ── arrived ──► Ordering, by the new key ── restored ──► decisions and copies, of the original

Each record is read and decided as one of the source that it came from. Topics that had their copies before are left out.
What is none of ours, or of a source that is none of the exchange's any more, is set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from router.exchange.decision import Decision
from router.lanes.batch import Batch
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, CopyWriter, Decided, DestinationView, Refusals
from router.language.routes import Source
from router.order.ordering import Ordering
from router.order.places import places
from router.order.relayed import NotRelayed, Relayed, Restored, arrived, restored
from router.order.splitting import on_release
from router.records.headers import HOP
from router.records.partition import partition_of
from router.records.reader import FieldReader
from router.records.record import Record

__all__ = ["GatheredOrdering", "GatheringCopier"]

_REMEMBERED = 4_096
"""Decisions without what was given before: there are few of them, as there are few of decisions."""


class GatheringCopier(Copier):
    """A copier of the originals, which lie in an internal topic."""

    def __init__(
        self,
        source: Source,
        *,
        decide: Mapping[str, Callable[[Record], Decision]],
        destinations: DestinationView,
        **more: Any,
    ) -> None:
        """`decide` has what decides for each source that is gathered; `more` is what a copier takes besides."""
        assert source.order is not None, "records are gathered to be put in order"
        super().__init__(
            source.topic, decide=self._decided, destinations=destinations, conversions=source.conversions, **more
        )
        self._counts = destinations
        self._deciders = {name: decide[name] for name in source.gathers}
        self._exchange = source.order.exchange
        self._at_once = source.order.at_once
        self.keyed_by: dict[int, bytes] = {}
        """By offset, what the records of this batch are ordered by whose copies may be converted: a conversion forgets it."""
        self._parts: dict[tuple[int, tuple[str, ...]], tuple[Decision, Decision]] = {}

    def decisions(self, records: Sequence[Record]) -> list[Decided]:
        """See Copier."""
        return super().decisions([_leaving(record) for record in records])

    def _decided(self, record: Record) -> Decision:
        leaves = record if isinstance(record, Restored) else restored(record)
        decide = self._deciders.get(leaves.topic)
        if decide is None:
            raise NotRelayed(problem=f"'{leaves.topic}' is no source of exchange '{self._exchange}' (any more)")
        decision = decide(leaves)
        if len(decision.walks) == 1 and not leaves.given and not self._at_once:
            return decision
        # The decision is kept with its part: while it is there, no other has its identity.
        known = self._parts.get((id(decision), leaves.given))
        if known is None:
            if len(self._parts) >= _REMEMBERED:
                self._parts.clear()
            part = on_release(decision, exchange=self._exchange, at_once=self._at_once, given=leaves.given)
            known = self._parts[id(decision), leaves.given] = (decision, part)
        return known[1]

    def writer(
        self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals, tally: Tally
    ) -> CopyWriter:
        """See Copier."""
        self.keyed_by.clear()
        return _Writer(self, batch, into, new_batch, refusals, tally, (HOP, self._hop(batch)))

    def partition(self, topic: str, record: Record) -> int:
        """See Copier: by what records are ordered by, so that a key's copies lie together whatever their own keys are."""
        by = record.keyed_by if isinstance(record, Restored) else self.keyed_by.get(record.offset)
        return super().partition(topic, record) if by is None else partition_of(by, self._counts.partitions(topic))

    def leaving(self, record: Record) -> Record:
        """What consumers get of a record."""
        leaves = _leaving(record)
        if self.conversions and isinstance(leaves, Restored):
            self.keyed_by[leaves.offset] = leaves.keyed_by
        return leaves


class _Writer(CopyWriter):
    """Writes the originals."""

    def __init__(self, copier: GatheringCopier, *more: Any) -> None:
        super().__init__(copier, *more)
        self._leaving = copier.leaving

    def write_all(self, records: Sequence[Record], decisions: Sequence[Decided]) -> None:
        leaving = self._leaving
        super().write_all([leaving(record) for record in records], decisions)

    def write_part(self, record: Record, decision: Decision) -> None:
        super().write_part(self._leaving(record), decision)

    def set_aside(self, record: Record, error: Any) -> None:
        super().set_aside(self._leaving(record), error)


class GatheredOrdering(Ordering):
    """Puts in order what lies in an internal topic."""

    def __init__(self, *args: Any, readers: Mapping[str, FieldReader], **more: Any) -> None:
        """`readers` reads the fields of order, by source that is gathered; the rest is as of any order."""
        super().__init__(*args, reader=next(iter(readers.values())), **more)
        place_of = {name: places(self.order.policy, reader) for name, reader in readers.items()}
        value_of = {name: reader.value_of for name, reader in readers.items()}

        def place(record: Record) -> int | str:
            assert record.value is not None, "a record without a value has no place"
            return place_of[record.topic](value_of[record.topic](record.value, record.headers), record.key)

        self.record_place = place

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """See Ordering."""
        arriving = replace(batch, records=[_arriving(record) for record in batch.records])
        return super().copy(arriving, into=into, new_batch=new_batch, refusals=refusals)


def _arriving(record: Record) -> Record:
    try:
        return arrived(record)
    except NotRelayed:
        # Told when it is decided.
        return record


def _leaving(record: Record) -> Record:
    """What consumers get of a record, held or not; of one that is none of ours, what there is."""
    if isinstance(record, Restored):
        return record
    if isinstance(record, Relayed) and record.restored is not None:
        return record.restored
    try:
        return restored(record)
    except NotRelayed:
        return record
