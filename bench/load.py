"""A steady load for measuring latency: orders at a given rate, each with the time at which it was due.

    python -m bench.load BOOTSTRAP TOPIC RATE SECONDS

An open loop: when a record is due depends on its number and the rate alone, never on how the others fared. What falls behind is
sent late and counts from when it was due, so a pause anywhere shows in every record that it held up. The number and the time (of
CLOCK_MONOTONIC, which all processes of a machine share) stand in `ce_id`, so that records are no longer than usual.
"""

from __future__ import annotations

import sys
import time

from confluent_kafka import Producer

from bench.job import SUBJECT, Order, Shape, decode, orders

__all__ = ["WATCHED", "identity", "is_watched", "pool", "stamp"]

WATCHED = "bob-ru"
"""The destination at which arrivals are looked at: about half of the orders go there."""
_POOL = 5000


def stamp(number: int, due: int) -> bytes:
    """The `ce_id` of a record; `due` in nanoseconds."""
    return b"%016x%016x" % (number, due)


def identity(ce_id: bytes) -> tuple[int, int]:
    """Number and time of a record, from its `ce_id`."""
    return int(ce_id[:16], 16), int(ce_id[16:], 16)


def pool() -> list[Order]:
    """The orders that are sent again and again, in turn."""
    return list(orders(_POOL))


def is_watched(order: Order) -> bool:
    """Whether a copy of it goes to the watched destination."""
    return WATCHED in Shape().places(decode(order.value))


def main(bootstrap: str, topic: str, rate: float, seconds: float) -> None:
    """Send; says at the end how many records."""
    every = pool()
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 1, "partitioner": "murmur2_random", "log_level": 3}
    )
    # Known before the first record is due.
    producer.list_topics(topic, timeout=30)
    began = time.monotonic_ns()
    sent = 0
    kind = ("ce_type", SUBJECT.encode())
    while (passed := (time.monotonic_ns() - began) / 1e9) < seconds:
        while sent < passed * rate:
            order = every[sent % _POOL]
            due = began + int(sent / rate * 1e9)
            producer.produce(topic, order.value, order.key, headers=[("ce_id", stamp(sent, due)), kind])
            sent += 1
        producer.poll(0)
        time.sleep(0.001)
    producer.flush()
    print(sent, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
