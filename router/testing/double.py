"""The whole router in memory, for a team's tests of its routes: publish to broad topics, read narrow ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from router.failure.kept_lanes import kept_by_source
from router.failure.rejections import FAILED, rejection_headers
from router.failure.topics import rejected_of
from router.language.cases import message_record
from router.language.deciders import deciders, order_reader
from router.language.files import read_routes
from router.language.load import load_valid_routes
from router.language.repartition import with_internal_topics
from router.language.topics import KAFKA_MAX_MESSAGE_BYTES, plan_topics
from router.records.catalogue import Catalogue
from router.records.headers import ORIGIN, decode_origin
from router.records.record import PlainRecord, Record
from router.testing.broker import MemoryBroker
from router.testing.clock import HandClock
from router.testing.worker import MemoryWorker
from router.versions.catalogue import new_catalogue, read_catalogue

__all__ = ["RouterDouble"]

_GROUP = "router"

Value = bytes | Mapping[str, object] | None


class RouterDouble:
    """A worker, its broker with every topic that the routes need, and their clock. Use it in a `with` statement.

    It has an event loop of its own, so that tests need no `async`; inside a running loop use `MemoryWorker`.
    """

    def __init__(
        self,
        routes: Mapping[str, str],
        schemas: Mapping[str, str] | Catalogue,
        *,
        partitions: int = 1,
        clock: HandClock | None = None,
    ) -> None:
        """`routes` are the texts of route files by name, `schemas` those of schemas by `<subject>/v<N>.avsc`.

        `partitions` is for broad topics that declare none. Raises InvalidRoutes with the findings, as a worker would.
        """
        catalogue = schemas if isinstance(schemas, Catalogue) else new_catalogue(schemas)
        route_set, _ = load_valid_routes(routes, catalogue)
        self.route_set = route_set = with_internal_topics(route_set, _GROUP)
        self.broker = MemoryBroker(clock)
        for plan in plan_topics(route_set, default_partitions=partitions, replication=1):
            most = int(plan.config.get("max.message.bytes", KAFKA_MAX_MESSAGE_BYTES))
            self.broker.create_topic(plan.name, partitions=plan.partitions, max_message_bytes=most)
        self.worker = MemoryWorker(
            self.broker,
            {topic: decider.decide for topic, decider in deciders(route_set, in_lanes=True).items()},
            group=_GROUP,
            routes=route_set,
            route_set=route_set.fingerprint,
            orders={
                topic: (source.order, order_reader(source))
                for topic, source in route_set.sources.items()
                if source.order is not None and not source.gathers
            },
            conversions={topic: source.conversions for topic, source in route_set.sources.items()},
            kept=kept_by_source(route_set),
        )
        self._loop = asyncio.Runner()

    @classmethod
    def from_folders(
        cls, routes: str | Path, schemas: str | Path, *, partitions: int = 1, clock: HandClock | None = None
    ) -> RouterDouble:
        """The router of a folder of route files and a folder of schemas."""
        return cls(read_routes(Path(routes)), read_catalogue(Path(schemas)), partitions=partitions, clock=clock)

    @property
    def clock(self) -> HandClock:
        """The time of everything in it."""
        return self.broker.clock

    def publish(
        self,
        topic: str,
        value: Value,
        *,
        key: str | bytes | None = None,
        headers: Mapping[str, str | bytes | None] | Sequence[tuple[str, bytes | None]] = (),
        timestamp: int | None = None,
        partition: int | None = None,
    ) -> PlainRecord:
        """Write one record to a broad topic.

        Fields are encoded by the topic's schema, which fills in what is left out, and the field that the key carries is
        filled in from the key; bytes go as they are, None makes a tombstone. `timestamp` is in milliseconds, and the clock's where none is given. Raises Misfit where the fields
        do not suit the schema, KeyError where no exchange reads the topic.
        """
        source = self.route_set.sources[topic]
        named = headers.items() if isinstance(headers, Mapping) else headers
        raw = key.encode() if isinstance(key, str) else key
        if value is not None and not isinstance(value, bytes):
            text = None if raw is None else raw.decode(errors="surrogateescape")
            written = message_record(source, key=text, value=dict(value), headers={})
            value, named = written.value, [*named, *written.headers]
        return self.broker.publish(
            topic,
            value=value,
            key=raw,
            headers=[(name, text.encode() if isinstance(text, str) else text) for name, text in named],
            timestamp=timestamp,
            partition=partition,
        )

    def reject(
        self, copy: Record, reason: str = FAILED, *, error: str = "", error_class: str = "", place: str = ""
    ) -> PlainRecord:
        """Reject a copy that was read, as its consumer can in any language: with nothing but this (docs/failure.md).

        What `failure:` says of its topic follows, as time passes. Raises ValueError where the topic has none.
        """
        declared = self.route_set.topics.get(copy.topic)
        if declared is None or declared.failure is None:
            raise ValueError(f"'{copy.topic}' has no 'failure': nobody reads what its consumer rejects")
        origin = decode_origin({name: value for name, value in copy.headers if value is not None}[ORIGIN])
        assert origin is not None, "the router writes what it can read"
        headers = rejection_headers(copy, reason, error=error, error_class=error_class, place=place)
        return self.broker.publish(
            rejected_of(copy.topic), key=copy.key, value=copy.value, headers=headers, partition=origin.partition
        )

    def read(self, topic: str, partition: int | None = None) -> tuple[PlainRecord, ...]:
        """All that a topic holds once everything published so far was carried: narrow, unroutable or dead letters."""
        self.carry()
        return self.broker.records(topic, partition)

    def carry(self, *, within: float = 60.0) -> None:
        """Carry all that was published. Raises StandsStill, with what the lanes wait for, after so many seconds."""
        self._loop.run(self.worker.run(within=within))

    def __enter__(self) -> Self:
        self._loop.__enter__()
        self._loop.run(self.worker.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.run(self.worker.stop(finish=False))
        finally:
            self._loop.close()
