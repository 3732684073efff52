"""A feed of rejections in memory: hands out what the broker has whenever it is told to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from router.failure.keeping import RejectionSink
from router.lanes.batch import SourcePartition
from router.testing.broker import MemoryBroker

__all__ = ["MemoryRejections"]


@dataclass(slots=True, eq=False)
class _Reader:
    partition: int
    positions: dict[str, int]
    sink: RejectionSink


class MemoryRejections:
    """Fulfils `RejectionFeed`. Who has it calls `look`, as often as there may be something."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._readers: list[_Reader] = []

    def follow(self, partition: int, positions: Mapping[str, int], sink: RejectionSink) -> Callable[[], None]:
        """See RejectionFeed."""
        reader = _Reader(partition, dict(positions), sink)
        self._readers.append(reader)
        self._broker.happened()
        return lambda: self._leave(reader)

    def room(self) -> None:
        """See RejectionFeed."""
        self._broker.happened()

    def look(self, most: int = 500) -> bool:
        """Hand out what there is; whether there was anything. Nothing comes while the broker is away."""
        return not self._broker.away() and sum(self._read(reader, most) for reader in list(self._readers)) > 0

    def _read(self, reader: _Reader, most: int) -> bool:
        found = False
        for topic, position in reader.positions.items():
            if topic not in self._broker.topics or reader.sink.full:
                continue
            start = self._broker.start(SourcePartition(topic, reader.partition))
            log = self._broker.topics[topic].logs[reader.partition]
            records = log[max(position, start) :][:most]
            if records:
                found = True
                reader.positions[topic] = records[-1].offset + 1
                reader.sink.came(topic, records, records[-1].offset + 1)
        return found

    def _leave(self, reader: _Reader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
