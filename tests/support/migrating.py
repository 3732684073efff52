"""A stage whose subject `event` has versions, and the commands that migrate it, as operators run them."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastavro
from click.testing import CliRunner

from router.commands.migrate import migrate
from router.records.partition import partition_of
from support.stage import EVENT, Stage, encode
from support.waiting import until
from support.worker import Worker

ROUTER = Path(sys.executable).with_name("router")

_RENAMED = {1: "note", 2: "comment", 3: "remark"}
"""The name that the note has in each version."""
SCHEMAS: dict[int, dict[str, Any]] = {
    version: EVENT | {"fields": [*EVENT["fields"][:2], {"name": name, "type": ["null", "string"], "default": None}]}
    for version, name in _RENAMED.items()
}
PARSED = {version: fastavro.parse_schema(schema) for version, schema in SCHEMAS.items()}


def event_of(version: int, number: int, note: str) -> bytes:
    """An event's bytes in a version."""
    return encode(PARSED[version], {"number": number, "colour": "red", _RENAMED[version]: note})


def note_of(version: int, value: Any) -> str:
    """The note of a decoded event."""
    return str(value[_RENAMED[version]])


class MigratingStage(Stage):
    """With three versions of `event`, each of which converts to its neighbours."""

    def versions(self) -> MigratingStage:
        """Write schemas and conversions."""
        folder = self.home / "schemas" / "event"
        for version, schema in SCHEMAS.items():
            self.schema("event", schema, version=version)
            for other in (version - 1, version + 1):
                if other in SCHEMAS:
                    steps = f"fields: {{{_RENAMED[other]}: {_RENAMED[version]}}}\n"
                    (folder / f"v{version}_to_v{other}.yaml").write_text(steps, encoding="utf-8")
        return self

    @property
    def environ(self) -> dict[str, str]:
        """What commands are told."""
        return {
            "ROUTER_BROKER": self.bootstrap,
            "ROUTER_GROUP": self.group,
            "ROUTER_ROUTES": str(self.home / "routes"),
            "ROUTER_SCHEMAS": str(self.home / "schemas"),
            "ROUTER_SESSION_TIMEOUT": "2s",
            "ROUTER_DATA_DIR": str(self.home / "migrating"),
        }

    def mirrors(self, **settings: str) -> Worker:
        """`router migrate run`, started."""
        worker = Worker(home=self.home / f"mirrors-{len(self._workers)}", settings=self.environ | settings)
        worker.command = [str(ROUTER), "migrate", "run"]
        self._workers.append(worker)
        return worker.start()

    @contextmanager
    def hanging(self, mirrors: Worker) -> Iterator[None]:
        """Stop `router migrate run` and its processes (SIGSTOP); let the processes go on behind it, and it last."""
        assert mirrors.process is not None
        pid = mirrors.process.pid
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
        for each in (pid, *children):
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in children:
                os.kill(each, signal.SIGCONT)

    def migrate(self, step: str, *more: str, fails: bool = False) -> str:
        """A command of `router migrate`; returns what it says."""
        return self._asked(step, self.name("@event"), *more, fails=fails)

    def generations(self, step: str, *more: str, topic: str = "@hot.event.v1", fails: bool | None = False) -> str:
        """The same about a topic's generations; None: it may fail."""
        return self._asked(step, self.name(topic), *more, fails=fails)

    def _asked(self, step: str, name: str, *more: str, fails: bool | None) -> str:
        asked = [name, *more]
        if step not in {"plan", "status"}:
            asked += ["--yes", "--author", "a test", "--reason", "to see it"]
        # In this process: a dozen commands that start one each would take longer than all that they do.
        done = CliRunner().invoke(migrate, [step, *asked], env=self.environ, catch_exceptions=False)
        assert fails is None or (done.exit_code != 0) is fails, (
            f"router migrate {step} came to {done.exit_code}:\n{done.output}"
        )
        return done.output

    def status(self) -> dict[str, Any]:
        """What `router migrate status --json` says."""
        told: dict[str, Any] = json.loads(self.migrate("status", "--json").splitlines()[-1])
        return told

    def until_copied(self, *topics: str, within: float = 60.0, versions: str = "v1-v2-1") -> None:
        """Wait until the mirror between two versions, of a generation, has copied these topics to their ends."""
        group = f"{self.group}-migrate-{self.name('@event')}.{versions}"

        def what() -> str:
            return f"mirrors get to the end; behind are {self.topics.behind(group, *topics)}\n{self._tails()}"

        until(lambda: not self.topics.behind(group, *topics), within=within, what=what, every=0.2)

    def until_spread(self, former: str, *more: str, within: float = 60.0) -> None:
        """Wait until the mirror between a topic and its second generation has copied these topics to their ends."""
        group = f"{self.group}-migrate-{former}.g1-g2-1"

        def what() -> str:
            return f"mirrors get to the end; behind are {self.topics.behind(group, former, *more)}\n{self._tails()}"

        until(lambda: not self.topics.behind(group, former, *more), within=within, what=what, every=0.2)

    @staticmethod
    def partition(key: str, partitions: int) -> int:
        """Where a Java producer lays a key."""
        return partition_of(key.encode(), partitions)

    @staticmethod
    def note(version: int, body: bytes) -> str:
        """The note of an event's bytes in a version."""
        return note_of(version, fastavro.schemaless_reader(io.BytesIO(body), PARSED[version], None))

    def notes(self, topic: str, version: int) -> list[list[str]]:
        """The notes in a topic, by partition, in its order."""
        return [[self.note(version, each.value) for each in part] for part in self.read(topic)]

    def _tails(self) -> str:
        return "\n\n".join(f"{worker.home.name}: {worker.tail()}" for worker in self._workers)
