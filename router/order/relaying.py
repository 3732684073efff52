"""The lane of a source whose records are keyed anew: what stands in the copier's place there.

It reads what each record is ordered by, and sends the record to the internal topic, to the partition that a Java client
would choose for that text, in the lane's transaction with everything else. What does not wait for order gets its copies
here: topics with `ordered: false`, and what other exchanges of the source lead to. All the rest is decided behind the
internal topic, by the routes of that moment.

A record that says nothing to be ordered by is set aside here, and so is one whose key is not the field that its exchange
declares. A tombstone has no fields: it is ordered by its key where that is declared to be the field, and else is set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from router.errors import DestinationUnavailable, KeyMismatch, RecordError
from router.exchange.decision import Decision, Delivery, Walk
from router.exchange.model import Tombstones
from router.lanes.batch import Batch
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, CopyWriter, DestinationView, Refusals
from router.language.routes import Source, SourceRelay
from router.order.places import key_of
from router.order.relayed import Relayed, relay
from router.order.splitting import on_arrival
from router.records.order_errors import OrderUnknown
from router.records.partition import partition_of
from router.records.reader import FieldReader
from router.records.record import Record
from router.records.text import as_text

__all__ = ["Relay", "RelayCopier"]


class RelayCopier(Copier):
    """A copier that lays what goes to the internal topic by its new key, however many partitions that has."""

    def __init__(
        self,
        source: Source,
        *,
        decide: Callable[[Record], Decision],
        destinations: DestinationView,
        **more: Any,
    ) -> None:
        """`more` is what a copier takes besides."""
        assert source.relay is not None, f"nothing says by what '{source.topic}' is keyed anew"
        self._relay: SourceRelay = source.relay
        self._whole = decide
        self._counts = destinations
        self._to = Decision((Walk(source.relay.exchange, "", (), (Delivery(source.relay.topic, ()),)),))
        # Where everything waits, nobody needs to know here where it goes.
        self.splits = len(source.entries) > 1 or bool(source.relay.at_once)
        super().__init__(
            source.topic,
            decide=decide if self.splits else lambda _: self._to,
            destinations=destinations,
            conversions=source.conversions,
            **more,
        )

    @property
    def to_internal(self) -> Decision:
        """That of every record that is sent through."""
        return self._to

    def whole(self, record: Record) -> Decision:
        """Where a record goes altogether."""
        return self._whole(record)

    def fixed_partition(self, topic: str, source: int) -> int | None:
        """See Copier."""
        return None if topic == self._relay.topic else super().fixed_partition(topic, source)

    def partition(self, topic: str, record: Record) -> int:
        """See Copier. Raises DestinationUnavailable where the internal topic has grown: its keys would move."""
        if topic != self._relay.topic or record.key is None:
            return super().partition(topic, record)
        count, known = self._counts.partitions(topic), self._counts.partitions(self._relay.changelog)
        if count != known:
            problem = (
                f"has {count} partitions, and its table's changelog '{self._relay.changelog}' {known}: keys would move "
                "away from what the table knows of them. Put its records in order by an exchange of another name"
            )
            raise DestinationUnavailable(topic=topic, problem=problem)
        return partition_of(record.key, count)


class Relay:
    """Fulfils what a lane expects of a copier."""

    def __init__(self, source: Source, *, copier: RelayCopier, reader: FieldReader) -> None:
        """`reader` is the source's `relay_reader`."""
        assert source.relay is not None, f"nothing says by what '{source.topic}' is keyed anew"
        self._relay = source.relay
        self._copier = copier
        self._reader = reader
        entry = next(each for each in source.entries if each.exchange == source.relay.exchange)
        self._by_key = entry.key_field == source.relay.by
        self._tombstones = entry.tombstones
        self._verified = [
            (at, path) for at, path in enumerate(reader.paths) if path in {each.key_field for each in source.entries}
        ]

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Send every record of the batch through, and copy what does not wait.

        Raises DestinationUnavailable: then none of what was added may be sent any more.
        """
        begun = perf_counter()
        tally = Tally()
        if batch.records:
            decisions = self._copier.decisions(batch.records)
            writer = self._copier.writer(batch, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
            at = int(batch.received * 1000)
            through: list[Relayed] = []
            for record, decision in zip(batch.records, decisions, strict=True):
                if isinstance(decision, RecordError):
                    writer.set_aside(record, decision)
                    continue
                try:
                    by = self._keyed_by(record)
                except RecordError as error:
                    self._refuse(record, decision, error, writer)
                    continue
                given = self._write_arrival(record, decision, writer)
                through.append(relay(record, by, given=given, at=at))
            # Each topic gets its own in order; these go to another than all that was written before.
            writer.write_all(through, [self._copier.to_internal] * len(through))
        into.add(batch, tally)
        tally.seconds = perf_counter() - begun
        return tally

    def _keyed_by(self, record: Record) -> bytes:
        """The text of the field that the record is ordered by. Raises Unreadable, KeyMismatch, OrderUnknown."""
        key, value = record.key, record.value
        if value is None:
            if self._by_key:
                return key_of(key, field=self._relay.by)
            raise OrderUnknown(
                field=self._relay.by, value=None, problem="is not in a record without a value, and its key is another"
            )
        values = self._reader.values_of(record)
        for at, path in self._verified:
            declared = values[at]
            text = b"" if key is None else key
            if text != _bytes(as_text(declared)) or (key is None and declared is not None):
                raise KeyMismatch(field=path, key=key, value=declared)
        by = values[0]
        if by is None:
            raise OrderUnknown(field=self._relay.by, value=None, problem="is null, and no key")
        return _bytes(by if type(by) is str else as_text(by))

    def _refuse(self, record: Record, decision: Decision, error: RecordError, writer: CopyWriter) -> None:
        """A record that nobody can order; one whose key is wrong, or that cannot be read, is nobody's."""
        if record.value is None and not self._by_key and self._tombstones is not Tombstones.ALL:
            # Its exchange has it nowhere to go, in order or not.
            writer.write_all((record,), (self._copier.whole(record),))
            return
        if isinstance(error, OrderUnknown):
            self._write_arrival(record, decision, writer)
        writer.set_aside(record, error)

    def _write_arrival(self, record: Record, decision: Decision, writer: CopyWriter) -> Sequence[str]:
        """The copies that do not wait; gives their topics."""
        if not self._copier.splits:
            return ()
        part = on_arrival(decision, exchange=self._relay.exchange, at_once=self._relay.at_once)
        if part.topics or part.unroutable or part.failed:
            writer.write_part(record, part)
        return part.topics


def _bytes(text: str) -> bytes:
    """What a key of this text is: the opposite of how keys are read."""
    return text.encode("utf-8", "surrogateescape")
