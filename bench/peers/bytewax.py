"""Bytewax: a dataflow of a Kafka source, `flat_map` and a Kafka sink, as its documentation shows.

Bytewax keeps offsets in its own recovery store and commits none to Kafka. So that its progress can be seen as everyone's, the flow
commits each second what it has handed to its sink: a handful of lines that cost it nothing measurable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.contender import Contender, Run, python_peer, run_of_this_process, tracing_headers
from bench.job import Rules, decode
from bench.places import Environment

__all__ = ["CONTENDER"]

_PLACE = Environment("bytewax")
_COMMIT_EVERY = 1.0

CONTENDER = Contender(
    summary="Bytewax, `flat_map` between its Kafka source and sink",
    guarantee="at least once",
    packages=("bytewax", "confluent-kafka", "fastavro"),
    command=python_peer("bench.peers.bytewax", _PLACE),
    place=_PLACE,
)


class Progress:
    """Commits to the group how far each partition has come."""

    def __init__(self, run: Run) -> None:
        from confluent_kafka import Consumer, TopicPartition  # noqa: PLC0415 - in the other environment it is another version

        # It never subscribes; it only commits.
        self._consumer = Consumer({"bootstrap.servers": run.bootstrap, "group.id": run.group, "log_level": 0})
        self._position: Callable[[int, int], Any] = partial(TopicPartition, run.source)
        self.following: dict[int, int] = {}
        """By partition: the offset behind the last record that was handed on."""
        threading.Thread(target=self._commit, daemon=True).start()

    def _commit(self) -> None:
        before: dict[int, int] = {}
        while True:
            time.sleep(_COMMIT_EVERY)
            # What was handed on a second ago; the sink flushes with every batch, which takes less.
            if before:
                done = [self._position(partition, offset) for partition, offset in before.items()]
                self._consumer.commit(offsets=done, asynchronous=False)
            before = dict(self.following)


def main(run: Run) -> None:
    """Until SIGTERM."""
    import bytewax.operators as op  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment
    from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment
    from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment
    from bytewax.testing import cluster_main  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment

    rules, tracing, progress = Rules(run.topics), tracing_headers(run), Progress(run)

    def copies(message: Any) -> list[Any]:
        progress.following[message.partition] = message.offset + 1
        headers = [*message.headers, *tracing(message.topic, message.partition, message.offset)]
        return [
            KafkaSinkMessage(message.key, message.value, headers=headers, topic=topic)
            for topic in rules(decode(message.value))
        ]

    flow = Dataflow("route")
    source = KafkaSource([run.bootstrap], [run.source], batch_size=50 if run.eager else 1000)
    stream = op.flat_map("copies", op.input("source", flow, source), copies)
    sink = KafkaSink([run.bootstrap], None, add_config={"linger.ms": str(int(run.linger * 1000))})
    op.output("sink", stream, sink)
    cluster_main(flow, [], 0)


if __name__ == "__main__":
    main(run_of_this_process())
