"""How long a worker takes from its start until a consumer has the first copy; the broad topic is full already."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from confluent_kafka import Consumer, TopicPartition

from bench.contender import Contender, Run
from bench.report import markdown
from bench.running import Processes, Stopped

__all__ = ["first_copy", "table"]

_WITHIN = 60.0


def first_copy(name: str, contender: Contender, run: Run) -> float:
    """Seconds from the start of its process. Raises ContenderFailed."""
    consumer = Consumer(
        {
            "bootstrap.servers": run.bootstrap,
            "group.id": "bench-waits",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "log_level": 0,
        }
    )
    try:
        partitions = range(run.shape.partitions)
        consumer.assign([TopicPartition(topic, one, 0) for topic in run.topics.values() for one in partitions])
        # It fetches by now: what it waits for is the contender alone.
        consumer.poll(1.0)
        began = time.monotonic()
        with Processes(name, contender, run) as processes:
            while time.monotonic() - began < _WITHIN:
                message = consumer.poll(0.05)
                if message is not None and message.error() is None:
                    return time.monotonic() - began
                processes.cpu_seconds()
            raise Stopped(f"copied nothing within {_WITHIN:.0f} s")
    finally:
        consumer.close()


def table(found: Sequence[tuple[str, Sequence[float]]]) -> str:
    """As Markdown, a row a contender."""
    return markdown(
        {"start to first copy": "---", "starts": "--:", "median, s": "--:", "longest": "--:"},
        ([f"`{name}`", str(len(times)), f"{median(times):.2f}", f"{max(times):.2f}"] for name, times in found),
    )
