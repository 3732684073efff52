"""One test's own part of a Kafka: names that nobody else has, routes and schemas on disk, and its workers."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import fastavro

from support.books import Books, Place, balance
from support.topics import Topics
from support.waiting import until
from support.worker import Worker

EVENT = {
    "type": "record",
    "name": "Happened",
    "namespace": "tests",
    "fields": [
        {"name": "number", "type": "long"},
        {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["red", "green", "blue", "grey"]}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}
"""The schema of the subject `event`, which most tests use."""
EVENT_SCHEMA = fastavro.parse_schema(EVENT)

COLOURS = ("red", "green", "blue", "grey")


def event(number: int, colour: str | None = None, note: str | None = None) -> bytes:
    """An event's bytes; colours take turns."""
    return encode(EVENT_SCHEMA, {"number": number, "colour": colour or COLOURS[number % len(COLOURS)], "note": note})


def encode(schema: Any, value: dict[str, Any]) -> bytes:
    """A value as Avro, by the reference implementation."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, value)
    return buffer.getvalue()


COLOURED = """
version: 1
team: painters
exchanges:
  colours: {type: topic, sources: [@event.v1], routing-key: "{colour}"}
topics:
  @red.event.v1: {from: [{exchange: colours, binding-key: red}]}
  @cold.event.v1: {from: [{exchange: colours, binding-key: [green, blue]}]}
  @all.event.v1: {from: [{exchange: colours}]}
"""
"""Routes of most tests: every event has at least one destination."""

WANTED = {"red": {"red"}, "cold": {"green", "blue"}, "all": set(COLOURS)}
"""The colours of each destination of COLOURED."""


class Stage:
    """Names are made from one word: `@event.v1` in routes and in calls is `<word>.event.v1`."""

    def __init__(self, *, bootstrap: str, word: str, home: Path) -> None:
        self.bootstrap = bootstrap
        self.group = word
        self.topics = Topics(bootstrap)
        self._word = word
        self.home = home
        self._workers: list[Worker] = []
        self.schema("event", EVENT)

    def name(self, text: str) -> str:
        """A text with its names completed."""
        return text.replace("@", f"{self._word}.")

    def schema(self, subject: str, schema: dict[str, Any], *, version: int = 1) -> None:
        """Put a schema into the catalogue."""
        folder = self.home / "schemas" / subject
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"v{version}.avsc").write_text(json.dumps(schema), encoding="utf-8")

    def routes(self, **texts: str) -> Stage:
        """Write route files, a file a team."""
        folder = self.home / "routes"
        folder.mkdir(parents=True, exist_ok=True)
        for team, text in texts.items():
            (folder / f"{team}.yaml").write_text(self.name(text), encoding="utf-8")
        return self

    def create(self, *topics: str, partitions: int = 1, replicas: int = -1, **config: str) -> None:
        """Create topics."""
        self.topics.create(*(self.name(topic) for topic in topics), partitions=partitions, replicas=replicas, **config)

    def coloured(self, *, partitions: int = 2, besides: Collection[str] = ()) -> Stage:
        """The usual routes and all of their topics, besides destinations that are to be absent."""
        self.routes(painters=COLOURED)
        self.create(
            "@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters",
            *(f"@{name}.event.v1" for name in WANTED if name not in besides), partitions=partitions,
        )  # fmt: skip
        return self

    def worker(self, *, app: str = "agents.app", environ: Mapping[str, str] | None = None, **settings: str) -> Worker:
        """A worker of the stage's group, started; `fetch_records="10"` is ROUTER_FETCH_RECORDS, `environ` has other names."""
        usual = {
            "broker": self.bootstrap,
            "group": self.group,
            "routes": str(self.home / "routes"),
            "schemas": str(self.home / "schemas"),
            "session_timeout": "2s",
            "destination_retry": "300ms",
        }
        named = {f"ROUTER_{name.upper()}": value for name, value in (usual | settings).items()}
        named |= environ or {}
        number = len(self._workers) + 1
        self._workers.append(Worker(home=self.home / f"worker-{number}", settings=named, app=app))
        return self._workers[-1].start()

    def feed(self, count: int, *, partitions: int = 2, first: int = 0) -> dict[str, list[Place]]:
        """Produce so many events of all colours in turn; returns what each topic of COLOURED should get of them.

        Event n is the one at offset n // partitions of partition n % partitions: a topic is fed by nobody else.
        """
        numbers = range(first, first + count)
        self.topics.produce(
            {
                "topic": self.name("@event.v1"), "partition": number % partitions,
                "key": f"key-{number % 101}", "value": event(number),
            }
            for number in numbers
        )  # fmt: skip
        return self.wanted(numbers, partitions=partitions)

    @staticmethod
    def wanted(numbers: Iterable[int], *, partitions: int = 2) -> dict[str, list[Place]]:
        """What each topic of COLOURED should get of the events with these numbers."""
        numbers = list(numbers)
        return {
            topic: [(n % partitions, n // partitions) for n in numbers if COLOURS[n % len(COLOURS)] in colours]
            for topic, colours in WANTED.items()
        }

    def balance(self, wanted: dict[str, list[Place]]) -> dict[str, Books]:
        """The books of each topic of COLOURED."""
        return {topic: balance(places, self.read(f"@{topic}.event.v1")) for topic, places in wanted.items()}

    def impatient_app(self, seconds: float) -> str:
        """The name of an app like the router's own, whose consumer counts as hung when it has not fetched for so long."""
        text = f"from agents.app import app\n\napp.conf.broker_max_poll_interval = {seconds}\n"
        (self.home / "impatient.py").write_text(text, encoding="utf-8")
        return "impatient"

    def behind(self, *sources: str) -> dict[tuple[str, int], tuple[int, int]]:
        """Where the group stands short of the end."""
        return self.topics.behind(self.group, *(self.name(source) for source in sources or ("@event.v1",)))

    def until_routed(self, *sources: str, within: float = 40.0) -> None:
        """Wait until the group has committed everything of these sources."""

        def what() -> str:
            ends = "\n\n".join(f"{worker.home.name}: {worker.tail()}" for worker in self._workers)
            return f"everything is routed; behind are {self.behind(*sources)}\n{ends}"

        until(lambda: not self.behind(*sources), within=within, what=what)

    def read(self, topic: str) -> Any:
        """The content of a topic, by partition."""
        return self.topics.read(self.name(topic))

    def end(self) -> None:
        """End every worker that is left."""
        for worker in self._workers:
            worker.discard()
        self.topics.close()
