"""Which share of a topic's retained records a stricter schema would refuse: read from a real Kafka, without joining a group."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click
from aiokafka.structs import TopicPartition
from rich.console import Console
from rich.progress import Progress

from router.errors import InvalidSchema, RecordError
from router.lanes.connections import Connections
from router.lanes.directory import KafkaDirectory
from router.records.catalogue import Catalogue, SubjectVersion
from router.records.schema import AvroSchema
from router.settings import Settings
from router.versions.conversion_text import VersionSchema, resolve_revision
from router.versions.encoding import ConversionFailed
from router.versions.json_values import accepts
from router.versions.subjects import Encoding, Revision, Subject
from router.versions.writer import Writers

__all__ = ["Share", "refused_share"]

_EXAMPLES = 3
_POLL_MS = 1000

Refuses = Callable[[Any], str]
"""Why a record is refused; empty where it is not."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a scan found."""

    topic: str
    read: int
    """Records with a value."""
    refused: int
    reasons: tuple[tuple[str, int], ...]
    """How often each, the most frequent first."""
    examples: tuple[str, ...]
    """Places of the first ones, with their reasons."""

    def __str__(self) -> str:
        percent = 100 * self.refused / self.read if self.read else 0.0
        return f"{self.topic}: {self.refused:,} of {self.read:,} retained records would be refused ({percent:.2f} %)"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "topic": self.topic,
            "read": self.read,
            "refused": self.refused,
            "reasons": dict(self.reasons),
            "examples": list(self.examples),
        }


async def refused_share(
    settings: Settings, topic: str, subjects: Mapping[str, Subject], before: Mapping[str, Subject]
) -> Share:
    """Read a topic from its beginning to what is its end now. Raises BrokerUnavailable, or a ClickException."""
    refuses = _refusal(topic, subjects, before)
    reasons: Counter[str] = Counter()
    examples: list[str] = []
    read = 0
    async with _records(settings, topic) as records:
        async for record in records:
            if record.value is None:
                continue
            read += 1
            reason = refuses(record)
            if reason:
                reasons[reason] += 1
                if len(examples) < _EXAMPLES:
                    examples.append(f"{record.topic}/{record.partition}/{record.offset}: {reason}")
    return Share(topic, read, sum(reasons.values()), tuple(reasons.most_common()), tuple(examples))


def _refusal(topic: str, subjects: Mapping[str, Subject], before: Mapping[str, Subject]) -> Refuses:
    found = _resolve(topic, subjects)
    subject = subjects[found.subject]
    newest = subject.newest(found.version)
    assert newest is not None
    if newest.root is None:
        return _refusal_of_json(subject, newest)
    old = before.get(subject.name, subject)
    # Bare bodies were written by what is committed; others say by which revision.
    writers = Writers(
        old if subject.encoding is Encoding.BARE and found.version in old.versions else subject, found.version
    )
    resolvers: dict[str, Callable[[bytes], bytes] | str] = {}

    def refuses(record: Any) -> str:
        try:
            written = writers.written(record.value, record.headers)
            resolver = resolvers.get(written.revision.name)
            if resolver is None:
                resolver = resolvers[written.revision.name] = _resolver(written.revision, newest)
            if isinstance(resolver, str):
                return resolver
            resolver(written.body)
        except ConversionFailed as failed:
            return f"field '{failed.field}': {failed.problem}"
        except RecordError as error:
            return str(error)
        return ""

    return refuses


def _resolver(written: Revision, newest: Revision) -> Callable[[bytes], bytes] | str:
    schemas = []
    for each in (written, newest):
        assert each.root is not None
        assert isinstance(each.schema, AvroSchema)
        schemas.append(VersionSchema(each.version, each.schema, each.root))
    try:
        return resolve_revision(schemas[0], schemas[1], refusing=True)
    except InvalidSchema as error:
        return error.problem


def _refusal_of_json(subject: Subject, newest: Revision) -> Refuses:
    writers = Writers(subject, newest.version)

    def refuses(record: Any) -> str:
        try:
            return _refused_json(newest, writers.written(record.value, record.headers).body)
        except RecordError as error:
            return str(error)

    return refuses


def _refused_json(newest: Revision, value: bytes) -> str:
    try:
        answer = accepts(newest.document, json.loads(value), newest.document)
    except (ValueError, RecursionError) as error:
        return f"it is not JSON: {error}"
    return "" if answer else "the schema does not take it" if answer is False else "it cannot be judged by all keywords"


def _resolve(topic: str, subjects: Mapping[str, Subject]) -> SubjectVersion:
    versions = {
        (name, version): SubjectVersion(name, version, newest.schema, newest.file)
        for name, subject in subjects.items()
        for version in subject.versions
        if (newest := subject.newest(version)) is not None
    }
    found = Catalogue(versions).resolve(topic)
    if found is None:
        raise click.ClickException(f"the name of topic '{topic}' says no subject and version of the catalogue")
    return found


@asynccontextmanager
async def _records(settings: Settings, topic: str) -> AsyncIterator[AsyncIterator[Any]]:
    security = settings.aiokafka_security()
    directory = KafkaDirectory(settings.broker, security)
    try:
        # Naming a topic to a broker may create it, so it is looked for among all topics first.
        count = (await directory.partition_counts()).get(topic)
    finally:
        await directory.close()
    if count is None:
        raise click.ClickException(f"there is no topic '{topic}', or you may not see it")
    connections = Connections(settings.broker, security, client_id="router-look")
    async with connections.reader(auto_offset_reset="earliest") as consumer:
        yield _scan(consumer, [TopicPartition(topic, each) for each in range(count)])


async def _scan(consumer: Any, partitions: list[TopicPartition]) -> AsyncIterator[Any]:
    consumer.assign(partitions)
    first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    await consumer.seek_to_beginning(*partitions)
    pending = {each for each in partitions if first[each] < ends[each]}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=sum(ends[each] - first[each] for each in pending))
        while pending:
            batches = await consumer.getmany(*pending, timeout_ms=_POLL_MS)
            for records in batches.values():
                for record in records:
                    if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                        yield record
            # By position and not by record: the last offsets may be a transaction's markers.
            positions = {each: await consumer.position(each) for each in pending}
            progress.update(task, completed=sum(min(at, ends[each]) - first[each] for each, at in positions.items()))
            pending -= {each for each, at in positions.items() if at >= ends[each]}
