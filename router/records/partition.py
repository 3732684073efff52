"""The partition of a key as Kafka's Java clients choose it, so that copies lie where a Java producer would put them."""

from __future__ import annotations

from struct import unpack_from

__all__ = ["murmur2", "partition_of"]

_SEED = 0x9747B28C


def murmur2(key: bytes) -> int:
    """The 32-bit MurmurHash2 of a key with Kafka's seed, signed as Java has it."""
    length = len(key)
    words = length >> 2
    h = _SEED ^ length
    # The literals are inline because this runs once a copy where partition counts differ: names would cost a third more.
    for word in unpack_from(f"<{words}I", key):
        k = word * 0x5BD1E995 & 0xFFFFFFFF
        h = (h * 0x5BD1E995 ^ (k ^ k >> 24) * 0x5BD1E995) & 0xFFFFFFFF
    if tail := key[words << 2 :]:
        h = (h ^ int.from_bytes(tail, "little")) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    h ^= h >> 15
    return h - (h >> 31 << 32)


def partition_of(key: bytes, count: int) -> int:
    """The partition of `count` that a record with this key belongs to."""
    return (murmur2(key) & 0x7FFFFFFF) % count
