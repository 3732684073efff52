"""One Kafka for all turns of a run of the bench, its broad topics, and the bars that show where it is."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bench.contender import Contender, Run
from bench.errors import BenchError, Unavailable
from bench.feeding import create, delete, feed
from bench.job import SUBJECT, Shape
from bench.measuring import measure
from bench.report import Turn
from bench.verifying import Delivered, Expected, verify
from router.develop.broker import DevelopmentKafka
from router.develop.jars import KAFKA_VERSION
from router.failure.topics import rejected_of

__all__ = ["Kafka", "Session", "Shown", "available", "ending_on_signals", "kafka", "progress"]

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Shown = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""A bar by its title and total; within the block, call what it gives with how many are done."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """Where it answers, and what it is."""

    bootstrap: str
    name: str
    pids: Sequence[int] = ()
    """Of its processes, where they are ours."""


@contextmanager
def kafka(brokers: str | None, *, room: int) -> Iterator[Kafka]:
    """The Kafka of `ROUTER_BROKER` (`existing`), or one of our own that is gone afterwards and needs `room` bytes of disk.

    None takes the existing one where there is one. Raises BenchError, and DevelopmentError where ours does not start.
    """
    existing = os.environ.get("ROUTER_BROKER", "")
    if brokers == "existing" and not existing:
        raise BenchError("--brokers existing needs ROUTER_BROKER=host:port")
    if existing and brokers != "own":
        yield Kafka(existing, f"the Kafka at {existing}")
        return
    directory = Path(tempfile.mkdtemp(prefix="router-bench-"))
    try:
        if (free := shutil.disk_usage(directory).free) < room:
            raise BenchError(
                f"{directory} has {free / 1e9:.1f} GB free where up to {room / 1e9:.1f} GB are needed:"
                " free some, set TMPDIR, or ask for less"
            )
        with DevelopmentKafka.start(directory=directory / "kafka", heap="1g") as own:
            pids = [node.pid for node in own.nodes if node.pid is not None]
            yield Kafka(own.bootstrap, f"Apache Kafka {KAFKA_VERSION}", pids)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def progress(console: Console) -> Iterator[Shown]:
    """Bars on the console, one below the other."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as bars:

        @contextmanager
        def show(title: str, total: int) -> Iterator[Callable[[int], None]]:
            task = bars.add_task(title, total=total)
            yield lambda done: bars.update(task, completed=done)
            bars.stop_task(task)

        yield show


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the block with everything that it started, also where a shell had them ignored."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def available(chosen: Mapping[str, Contender], say: Callable[[str], None]) -> tuple[dict[str, Contender], list[str]]:
    """Those that can take part, installed where they were not, and for each other one a sentence why not."""
    ready, left_out = {}, []
    for name, contender in chosen.items():
        try:
            contender.place.prepare(name, say)
            ready[name] = contender
        except Unavailable as error:
            say(str(error))
            left_out.append(str(error))
    return ready, left_out


def create_beside(run: Run) -> list[str]:
    """What keeps the table of a source that is put in order, or whose consumers may reject, and where these do; nothing for
    another. Gives the topics that it made."""
    shape = run.shape
    changelogs = [run.changelog] if shape.ordered or shape.failing else []
    create(run.bootstrap, changelogs, partitions=shape.partitions, config={"cleanup.policy": "compact"})
    rejections = [rejected_of(topic) for topic in run.topics.values()] if shape.failing else []
    create(run.bootstrap, rejections, partitions=shape.partitions)
    return [*changelogs, *rejections]


@dataclass(slots=True)
class Session:
    """Turns over the same records. The broad topics that they read are gone when the block is left."""

    kafka: Kafka
    records: int
    show: Shown
    expected: Expected = field(default_factory=Expected)
    """What a contender has to deliver, once there is a broad topic."""
    _name: str = field(default_factory=lambda: f"bench-{int(time.time())}")
    _sources: dict[tuple[int, float], str] = field(default_factory=dict)
    _held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def turn(
        self,
        title: str,
        name: str,
        contender: Contender,
        *,
        verified: bool = True,
        flowing: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> Turn:
        """Measure a contender once; `verified`: also read back all that it has delivered. `flowing` as in `measure`."""
        with self.run(title, contender) as run:
            with self.show(title, self.records) as done:
                measured = measure(
                    name,
                    contender,
                    run,
                    total=self.records,
                    broker=self.kafka.pids,
                    progress=done,
                    flowing=flowing,
                )
            if not verified:
                return Turn(measured, None)
            committed = None if sum(measured.committed) >= self.records else measured.committed
            with self.show(f"{title}, verifying", self.expected.copies) as done:
                delivered: Delivered = verify(
                    name,
                    run,
                    expected=self.expected,
                    committed=committed,
                    library_headers=contender.library_headers,
                    progress=done,
                )
        return Turn(measured, delivered)

    @contextmanager
    def run(self, title: str, contender: Contender) -> Iterator[Run]:
        """A turn's own group, topics and folder; gone when the block is left."""
        source = self._source(contender.shape)
        name = f"{self._name}-{title.replace(' ', '-')}"
        with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as directory:
            run = Run(
                bootstrap=self.kafka.bootstrap, source=source, name=name, directory=directory, shape=contender.shape
            )
            create(run.bootstrap, run.topics.values(), partitions=run.shape.partitions)
            beside = create_beside(run)
            try:
                yield run
            finally:
                delete(run.bootstrap, [*run.topics.values(), *beside])

    @contextmanager
    def live(self, title: str, contender: Contender | None, config: Mapping[str, str]) -> Iterator[Run]:
        """A turn with an empty broad topic of its own, for a load while it runs; nobody's, where there is no contender."""
        shape = contender.shape if contender else Shape()
        name = f"{self._name}-{title.replace(' ', '-')}"
        source = f"{name}-live.{SUBJECT}"
        with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as directory:
            run = Run(
                bootstrap=self.kafka.bootstrap, source=source, name=name, directory=directory, shape=shape, eager=True
            )
            topics = [source, f"{source}.unroutable", f"{source}.dead-letters", *run.topics.values()]
            create(run.bootstrap, topics, partitions=shape.partitions, config=config)
            beside = create_beside(run)
            try:
                yield run
            finally:
                delete(run.bootstrap, [*topics, *beside])

    def _source(self, shape: Shape) -> str:
        """The broad topic of a shape's partitions and order, fed when it is first asked for."""
        partitions, disordered = shape.partitions, shape.disordered
        known = self._sources.get((partitions, disordered))
        if known is not None:
            return known
        source = f"{self._name}-{partitions}-{len(self._sources)}.{SUBJECT}"
        # What a router sets aside goes beside its source.
        topics = [source, f"{source}.unroutable", f"{source}.dead-letters"]
        self._held.callback(delete, self.kafka.bootstrap, topics)
        create(self.kafka.bootstrap, topics, partitions=partitions)
        with self.show(f"feeding {partitions} partitions", self.records) as done:
            self.expected = feed(
                self.kafka.bootstrap,
                source,
                partitions=partitions,
                records=self.records,
                progress=done,
                disordered=disordered,
            )
        self._sources[partitions, disordered] = source
        return source
