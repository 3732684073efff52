"""Stock Faust: one agent over one topic, `topic.send` for each copy, as its documentation shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faust

from bench.contender import Contender, Run, python_peer, run_of_this_process, tracing_headers
from bench.job import Rules, decode

__all__ = ["CONTENDER"]

CONTENDER = Contender(
    summary="stock Faust, one agent and `topic.send`",
    guarantee="at least once",
    packages=("faust-streaming", "aiokafka", "fastavro"),
    command=python_peer("bench.peers.faust"),
    limit=20.0,
    steady=500.0,
)


def main(run: Run) -> None:
    """Until SIGTERM, which Faust's worker handles itself."""
    app = faust.App(
        run.group,
        broker=f"kafka://{run.bootstrap}",
        consumer_auto_offset_reset="earliest",
        # Its default of 2.8 s would leave only a few readings to measure by.
        broker_commit_interval=1.0,
        key_serializer="raw",
        value_serializer="raw",
        producer_linger=run.linger,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        store="memory://",
        datadir=Path(run.directory),
    )
    source = app.topic(run.source, key_type=bytes, value_type=bytes)
    topics = {name: app.topic(name, key_type=bytes, value_type=bytes) for name in run.topics.values()}
    rules, tracing = Rules(run.topics), tracing_headers(run)

    @app.agent(source)  # type: ignore[untyped-decorator]  # Faust publishes no type information
    async def route(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            headers = [*event.headers.items(), *tracing(message.topic, message.partition, message.offset)]
            for name in rules(decode(event.value)):
                await topics[name].send(key=event.key, value=event.value, headers=headers)

    faust.Worker(app, loglevel="error").execute_from_commandline()


if __name__ == "__main__":
    main(run_of_this_process())
