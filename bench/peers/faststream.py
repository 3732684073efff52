"""FastStream: a subscriber to the broad topic that publishes each copy, as its documentation shows."""

from __future__ import annotations

import asyncio
import logging
import signal

from bench.contender import Contender, Run, hop_of, python_peer, run_of_this_process
from bench.job import Rules, decode
from bench.places import Environment
from router.records.headers import HOP, ORIGIN

__all__ = ["CONTENDER"]

_PLACE = Environment("faststream")

CONTENDER = Contender(
    summary="FastStream over confluent-kafka, a subscriber that publishes",
    guarantee="at most once",
    packages=("faststream", "confluent-kafka", "fastavro"),
    command=python_peer("bench.peers.faststream", _PLACE),
    limit=20.0,
    place=_PLACE,
    library_headers=("content-type", "correlation_id"),
    steady=500.0,
)


async def main(run: Run) -> None:
    """Until SIGTERM."""
    from faststream import AckPolicy  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment
    from faststream.confluent import KafkaBroker, KafkaMessage  # type: ignore[import-not-found]  # noqa: PLC0415 - of its own environment

    logging.disable(logging.WARNING)
    broker = KafkaBroker(run.bootstrap, linger_ms=int(run.linger * 1000))
    rules, hop, prefix = Rules(run.topics), hop_of(run).decode(), f"{run.source}/"

    # As it does by itself: the client commits what was handed out, each second here. Its other policies wait for every message's
    # own commit, which is slower again.
    @broker.subscriber(  # type: ignore[untyped-decorator]  # not there for the type checker
        run.source,
        group_id=run.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK_FIRST,
        auto_commit_interval_ms=1000,
    )
    async def route(message: KafkaMessage) -> None:
        raw = message.raw_message
        value, key = raw.value(), raw.key()
        # Its headers are a dictionary of texts.
        headers = message.headers | {ORIGIN: f"{prefix}{raw.partition()}/{raw.offset()}", HOP: hop}
        for topic in rules(decode(value)):
            await broker.publish(value, topic, key=key, headers=headers, no_confirm=True)

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await broker.start()
    await ended.wait()
    # With what it has still to send.
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(main(run_of_this_process()))
