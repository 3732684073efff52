"""As much of Kafka's protocol as it takes to make batches fail: produce requests up to version 8, and answers to them. Pure.

A frame is what follows its length of four bytes. https://kafka.apache.org/protocol has the layouts; from version 9 on they are of
another kind, which aiokafka does not speak.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "PRODUCE",
    "UNKNOWN_SERVER_ERROR",
    "Batch",
    "Produce",
    "api_of",
    "read_produce",
    "redirected",
    "with_refusals",
    "without",
]

PRODUCE = 0
_METADATA, _FIND_COORDINATOR = 3, 10
NAMING_BROKERS = frozenset({_METADATA, _FIND_COORDINATOR})
"""The requests whose answers say where brokers are."""
UNKNOWN_SERVER_ERROR = -1
"""What a broker says when something failed that it has no name for. No client tries such a batch again by itself."""
_LAST_PLAIN_VERSION = 8
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """One partition's records in a produce request."""

    topic: bytes
    partition: int
    records: bytes


@dataclass(frozen=True, slots=True)
class Produce:
    """A produce request that we can take apart."""

    version: int
    correlation: int
    head: bytes
    """All before the batches."""
    batches: Sequence[Batch]


def api_of(frame: bytes) -> int:
    """Which request it is."""
    found: int = struct.unpack_from(">h", frame)[0]
    return found


def read_produce(frame: bytes) -> Produce | None:
    """Take a request apart; None where it is no produce request, or one of a later version."""
    key, version, correlation = struct.unpack_from(">hhi", frame)
    if key != PRODUCE or version > _LAST_PLAIN_VERSION:
        return None
    at = _after_text(frame, 8)  # the client's name
    at = _after_text(frame, at)  # the transactional id
    at += 2 + 4  # acks, timeout
    head = frame[:at]
    batches = []
    topics, at = _number(frame, at)
    for _ in range(topics):
        end = _after_text(frame, at)
        topic = frame[at + 2 : end]
        partitions, at = _number(frame, end)
        for _ in range(partitions):
            partition, size = struct.unpack_from(">ii", frame, at)
            batches.append(Batch(topic, partition, frame[at + 8 : at + 8 + size]))
            at += 8 + size
    return Produce(version, correlation, head, batches)


def without(request: Produce, refused: Sequence[Batch]) -> bytes:
    """The request with these batches left out."""
    left = [batch for batch in request.batches if batch not in refused]
    topics = list(dict.fromkeys(batch.topic for batch in left))
    found = [request.head, struct.pack(">i", len(topics))]
    for topic in topics:
        of_topic = [batch for batch in left if batch.topic == topic]
        found += [_text(topic), struct.pack(">i", len(of_topic))]
        for batch in of_topic:
            found += [struct.pack(">ii", batch.partition, len(batch.records)), batch.records]
    return b"".join(found)


def with_refusals(request: Produce, refused: Sequence[Batch], answer: bytes | None) -> bytes:
    """The broker's answer with an error for each refused batch; None: the broker was not asked at all."""
    if answer is None:
        answer = struct.pack(">iii", request.correlation, 0, 0)
    topics, start = _number(answer, 4)
    entries = [_refusal(request.version, batch) for batch in refused]
    # What follows the topics is the throttle time, four bytes.
    return b"".join([answer[:4], struct.pack(">i", topics + len(entries)), answer[start:-4], *entries, answer[-4:]])


def _refusal(version: int, batch: Batch) -> bytes:
    found = [_text(batch.topic), struct.pack(">iihq", 1, batch.partition, UNKNOWN_SERVER_ERROR, _NOWHERE)]
    if version >= 2:
        found.append(struct.pack(">q", _NOWHERE))  # when it was appended
    if version >= 5:
        found.append(struct.pack(">q", _NOWHERE))  # where the log starts
    if version >= 8:
        found.append(struct.pack(">ih", 0, -1))  # no records to blame, no message
    return b"".join(found)


def redirected(answer: bytes, *, broker: tuple[str, int], proxy: tuple[str, int]) -> bytes:
    """The answer with the broker's address exchanged for one of the same length of name, wherever it stands."""
    (host, port), (other, its_port) = broker, proxy
    assert len(host) == len(other)
    return answer.replace(host.encode() + struct.pack(">i", port), other.encode() + struct.pack(">i", its_port))


def _number(frame: bytes, at: int) -> tuple[int, int]:
    return struct.unpack_from(">i", frame, at)[0], at + 4


def _after_text(frame: bytes, at: int) -> int:
    size: int = struct.unpack_from(">h", frame, at)[0]
    return at + 2 + max(0, size)


def _text(text: bytes) -> bytes:
    return struct.pack(">h", len(text)) + text
