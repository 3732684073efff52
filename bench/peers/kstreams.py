"""Kafka Streams on one thread, the program of `bench/java/Route.java`."""

from __future__ import annotations

from pathlib import Path

from bench.contender import Contender, Run, hop_of
from bench.java_place import JavaProgram
from bench.job import SCHEMAS

__all__ = ["CONTENDER", "streams"]

_PROGRAM = JavaProgram("kstreams", "Route")


def streams(summary: str, *, guarantee: str, commit_every_ms: int) -> Contender:
    """Kafka Streams as a contender; the guarantee by Kafka's name for it."""

    def command(run: Run) -> list[str]:
        settings = {
            "application.id": run.group,
            "bootstrap.servers": run.bootstrap,
            "processing.guarantee": guarantee,
            "num.stream.threads": 1,
            "commit.interval.ms": commit_every_ms,
            "state.dir": run.directory,
            "auto.offset.reset": "earliest",
            "producer.linger.ms": int(run.linger * 1000),
            "producer.batch.size": 131_072,
        }
        job = {
            "source": run.source,
            "schema": SCHEMAS / "order.status" / "v1.avsc",
            "hop": hop_of(run).decode(),
            **{f"topic.{name}": topic for name, topic in run.topics.items()},
        }
        files = []
        for name, values in {"streams": settings, "job": job}.items():
            file = Path(run.directory) / f"{name}.properties"
            file.write_text("".join(f"{key}={value}\n" for key, value in values.items()), encoding="utf-8")
            files.append(str(file))
        return [*_PROGRAM.command("-Xmx512m"), *files]

    return Contender(
        summary=summary,
        guarantee="exactly once" if guarantee.startswith("exactly") else "at least once",
        packages=("kafka-streams", "avro"),
        command=command,
        place=_PROGRAM,
    )


# Its default of 30 s between commits would leave only a few readings to measure by.
CONTENDER = streams("Kafka Streams, one thread, `at_least_once`", guarantee="at_least_once", commit_every_ms=1000)
