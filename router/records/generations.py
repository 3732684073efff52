"""Generations of a topic: the same records in more partitions, under the topic's name and a number. Pure.

Kafka gives a topic partitions and takes none back, and what lies in the old ones stays there. So a topic that is to have more
has a successor: `orders.v1` is followed by `orders.v1.g2`, that by `orders.v1.g3`. What its records are is told by the name
before the generation.

**Where a record goes.** The next generation has a multiple of the partitions, `former * times`. Whatever lies in partition q goes to
one of q, q + former, q + 2 * former …: so each new partition holds records of one old one alone, in its order, and a place in the old
partition is a place in each of the new ones. Which of them it is, its key says: where the partitioner that is named chose q, it is the
one that this chooses among all of the new partitions; where another did, a key's records still stay together. A record without a
key has no order with others, and goes round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from zlib import crc32

from router.records.partition import murmur2

__all__ = ["CRC32", "MURMUR2", "PARTITIONERS", "former_partition", "generation_of", "of_generation", "spread"]

_GENERATION = re.compile(r"(?P<name>.+)\.g(?P<generation>[2-9]|[1-9][0-9]+)")
MURMUR2 = "murmur2"
"""What Java's clients choose a partition by, and what a router's copies go by."""
CRC32 = "crc32"
"""What librdkafka's clients do where nobody sets `partitioner`: Python's confluent-kafka, Go's, .NET's."""
PARTITIONERS: Mapping[str, Callable[[bytes], int]] = {MURMUR2: lambda key: murmur2(key) & 0x7FFFFFFF, CRC32: crc32}
"""By name, a key's number; modulo the partitions it is the key's partition."""


def generation_of(topic: str) -> tuple[str, int]:
    """The topic's name without its generation, and the generation: 1 of a name that says none."""
    found = _GENERATION.fullmatch(topic)
    return (topic, 1) if found is None else (found["name"], int(found["generation"]))


def of_generation(name: str, generation: int) -> str:
    """A topic's name in a generation."""
    return name if generation == 1 else f"{name}.g{generation}"


def former_partition(partition: int, *, former: int) -> int:
    """From which of so many former partitions the records of a new one come."""
    return partition % former


def spread(key: bytes | None, *, partition: int, offset: int, former: int, times: int, by: str) -> int:
    """The partition of the next generation, which has `times` as many as the `former`, for a record that stands there.

    `by` names the partitioner.
    """
    turn = offset if key is None else PARTITIONERS[by](key) // former
    return partition + former * (turn % times)
