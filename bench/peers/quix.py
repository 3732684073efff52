"""Quix Streams: a dataframe over the broad topic, whose `to_topic` chooses each copy's topic.

One branch a topic, as its documentation shows first, takes a third more time. Quix commits what it has copied every few seconds by
itself; we ask for every second, as of everyone.
"""

from __future__ import annotations

import logging
from typing import Any

from bench.contender import Contender, Run, python_peer, run_of_this_process, tracing_headers
from bench.job import Rules, decode
from bench.places import Environment

__all__ = ["CONTENDER"]

_PLACE = Environment("quix")

CONTENDER = Contender(
    summary="Quix Streams, `to_topic` with a function",
    guarantee="at least once",
    packages=("quixstreams", "confluent-kafka", "fastavro"),
    command=python_peer("bench.peers.quix", _PLACE),
    place=_PLACE,
)


def main(run: Run) -> None:
    """Until SIGTERM, which Quix handles itself."""
    from quixstreams import Application, message_context  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment
    from quixstreams.models import Serializer  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment

    class Copy(Serializer):  # type: ignore[misc]  # not there for the type checker
        def __call__(self, value: Any, ctx: Any) -> Any:  # noqa: ARG002 - Quix's own signature
            return value[1]

    logging.disable(logging.WARNING)
    app = Application(
        broker_address=run.bootstrap,
        consumer_group=run.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_interval=1.0,
        state_dir=run.directory,
        consumer_extra_config={"fetch.wait.max.ms": 50, "fetch.queue.backoff.ms": 20},
        producer_extra_config={"linger.ms": run.linger * 1000, "queue.buffering.max.messages": 1_000_000},
    )
    source = app.topic(run.source, key_deserializer="bytes", value_deserializer="bytes")
    topics = {name: app.topic(name, key_serializer="bytes", value_serializer=Copy()) for name in run.topics.values()}
    rules, tracing = Rules(run.topics), tracing_headers(run)

    def copies(value: bytes) -> list[tuple[str, bytes]]:
        return [(topic, value) for topic in rules(decode(value))]

    def with_ours(_value: Any, _key: Any, _timestamp: int, headers: Any) -> Any:
        context = message_context()
        return [*headers, *tracing(context.topic, context.partition, context.offset)]

    frame = app.dataframe(source).set_headers(with_ours).apply(copies, expand=True)
    frame.to_topic(lambda pair, _key, _timestamp, _headers: topics[pair[0]])
    app.run()


if __name__ == "__main__":
    main(run_of_this_process())
