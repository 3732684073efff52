"""Many partitions: on one worker and on several, with memory and connections within bounds. Full size."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from support.stage import event
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.proof import Proof
    from support.stage import Stage
    from support.worker import Worker

pytestmark = [pytest.mark.process, pytest.mark.proof]

NOTE = "n" * 120
MEGABYTE = 1_000_000
MOST_MEMORY = 300 * MEGABYTE
"""Of a worker at full speed with 32 partitions."""
MOST_OF_MANY = 400 * MEGABYTE
"""With 200. Where brokers are slow at the start, all lanes have their shares full, and each a batch beyond its share."""
CONNECTIONS_A_LANE = 2
"""A producer's own, to a cluster of one broker: one for copies and one for transactions."""
CONNECTIONS_BESIDE = 30
"""Of the consumer, the directory, the web server and its readers."""


@dataclass
class Gauge:
    """The most that a worker had of something while it was watched."""

    worker: Worker
    memory: int = 0
    connections: int = 0
    _ends: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        assert self._thread is not None
        self._thread.join(10)

    def _watch(self) -> None:
        assert self.worker.process is not None
        of_process = Path(f"/proc/{self.worker.process.pid}")
        while not self._ends.wait(0.1):
            (resident,) = [
                line for line in (of_process / "status").read_text().splitlines() if line.startswith("VmRSS:")
            ]
            self.memory = max(self.memory, int(resident.split()[1]) * 1024)
            self.connections = max(self.connections, sockets(of_process))


def sockets(of_process: Path) -> int:
    """How many connections a process has."""
    count = 0
    for each in (of_process / "fd").iterdir():
        try:
            count += str(each.readlink()).startswith("socket:")
        except FileNotFoundError:  # closed meanwhile
            continue
    return count


def fill(stage: Stage, count: int, partitions: int) -> None:
    """Events of a usual size, with two headers, evenly over all partitions."""
    source = stage.name("@event.v1")
    stage.topics.produce(
        {
            "topic": source, "partition": number % partitions, "key": f"key-{number % 101}",
            "value": event(number, note=NOTE), "headers": [("ce_id", b"%032d" % number), ("ce_source", b"/shop")],
        }
        for number in range(count)
    )  # fmt: skip


def until_carrying(workers: Sequence[Worker], lanes: int) -> float:
    """Wait until together they carry so many; returns how long that took."""
    began = time.monotonic()
    until(
        lambda: (
            sum(worker.readiness().get("carrying", 0) for worker in workers) == lanes
            and all(worker.readiness().get("status") == 200 for worker in workers)
        ),
        within=120,
        what=lambda: f"{lanes} lanes carry; {workers[0].tail()}",
    )
    return time.monotonic() - began


def assert_exact(stage: Stage, count: int, partitions: int) -> None:
    for topic, books in stage.balance(stage.wanted(range(count), partitions=partitions)).items():
        books.assert_exact(topic)


ROWS: list[str] = []


def keep(proof: Proof, row: str) -> None:
    """Add a row to the page, which has those of this run."""
    ROWS.append(row)
    proof.write(
        "partitions",
        "One broker, exactly-once, 1.75 copies a record of about 190 bytes with two headers. The most that a worker had, "
        "as the kernel counts it; connections with those of health's readers; rates on a machine of two cores with other work.\n\n"
        "| workers | partitions | records | from start until all lanes carry, s | records/s, start included | MB at rest | MB at full speed | "
        "connections | of a lane |\n|---|---|---|---|---|---|---|---|---|\n" + "\n".join(ROWS),
    )


@pytest.mark.parametrize(
    ("partitions", "workers", "count"),
    [(4, 1, 300_000), (32, 1, 600_000), (32, 4, 600_000), (200, 1, 400_000)],
    ids=["4-on-one", "32-on-one", "32-on-four", "200-on-one"],
)
def test_many_partitions_stay_within_bounds(
    stage: Stage, proof: Proof, partitions: int, workers: int, count: int
) -> None:
    """A worker with a long backlog in each of them: nothing lost, nothing doubled, nothing without bounds."""
    stage.coloured(partitions=partitions)
    running = [stage.worker(session_timeout="10s") for _ in range(workers)]
    opened = until_carrying(running, partitions)
    with Gauge(running[0]) as rest:
        until(lambda: rest.memory, within=10, what="it was looked at")
    for worker in running:
        assert worker.terminate() == 0
    fill(stage, count, partitions)
    began = time.monotonic()
    for worker in running:
        worker.start()
    with Gauge(running[0]) as busy:
        stage.until_routed(within=300)
        took = time.monotonic() - began
        until_carrying(running, partitions)
    assert_exact(stage, count, partitions)
    row = (
        f"| {workers} | {partitions} | {count:,} | {opened:.1f} | {count / took:,.0f} | {rest.memory / MEGABYTE:.0f} | "
        f"{busy.memory / MEGABYTE:.0f} | {busy.connections} | {busy.connections / (partitions / workers):.1f} |"
    )
    print(f"\n{row}")
    keep(proof, row)
    assert busy.memory < (MOST_MEMORY if partitions <= 32 else MOST_OF_MANY)
    # A worker may be the first, and for a moment have all lanes.
    assert busy.connections <= CONNECTIONS_A_LANE * partitions + CONNECTIONS_BESIDE
