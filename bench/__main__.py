"""`python -m bench`: the routing job at full speed, by the router and its peers in turn, on one Kafka."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bench.contender import Contender, Run, contenders, load_contender
from bench.errors import BenchError
from bench.feeding import create, delete, feed
from bench.job import SUBJECT
from bench.measuring import measure
from bench.report import Turn, between_markers, conditions, table
from bench.verifying import Expected, verify
from router.develop.broker import DevelopmentKafka
from router.develop.errors import DevelopmentError
from router.develop.jars import KAFKA_VERSION

_DEFAULT = ("router", "floor", "floor-eos", "faust")
_PAGE = Path(__file__).parent.parent / "docs" / "bench.md"
Shown = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""A bar by its title and total; within the block, call what it gives with how many are done."""
_BYTES_A_RECORD = 1_100
"""On the broker's disk, of the broad topic and one contender's copies; with something to spare."""


@click.command()
@click.option("--records", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@click.option(
    "--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds; each has every contender."
)
@click.option(
    "--contenders", "names", default=",".join(_DEFAULT), show_default=True, help=f"Of: {', '.join(contenders())}."
)
@click.option(
    "--brokers",
    type=click.Choice(["own", "existing"]),
    default=None,
    help="own: a new development Kafka. existing: the one of ROUTER_BROKER. Default: existing where that is set.",
)
@click.option("--write/--no-write", default=True, show_default=True, help="Put the table into docs/bench.md.")
def main(*, records: int, runs: int, names: str, brokers: str | None, write: bool) -> None:
    """Measure the router beside its peers: the same records, rules, broker and headers, turn by turn in one run.

    Wants a quiet machine, about seven minutes, and 1 GB of disk a million records.
    """
    console = Console(stderr=True)
    try:
        _check_platform()
        chosen = {name: load_contender(name) for name in dict.fromkeys(names.replace(" ", "").split(","))}
        load = os.getloadavg()[0]
        with _kafka(brokers, records=records) as (bootstrap, kafka), _progress(console) as progress:
            bench = _Bench(bootstrap, chosen, records, progress)
            rounds = bench.rounds(runs)
        text = "\n\n".join([
            conditions(records=records, copies=bench.expected.copies, rounds=runs, kafka=kafka, load=load),
            table(chosen, rounds),
        ])  # fmt: skip
        print(text)
        if write:
            between_markers(_PAGE, "bench", text)
            console.print(f"Written to {_PAGE}")
    except (BenchError, DevelopmentError) as error:
        console.print(f"[red]bench:[/red] {error}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("bench: interrupted")
        sys.exit(130)


def _check_platform() -> None:
    if not Path("/proc/self/stat").exists():
        raise BenchError("the bench reads CPU times from /proc, which only Linux has")


@contextmanager
def _kafka(brokers: str | None, *, records: int) -> Iterator[tuple[str, str]]:
    """Where Kafka answers, and what it is."""
    existing = os.environ.get("ROUTER_BROKER", "")
    if brokers == "existing" and not existing:
        raise BenchError("--brokers existing needs ROUTER_BROKER=host:port")
    if existing and brokers != "own":
        yield existing, f"the Kafka at {existing}"
        return
    directory = Path(tempfile.mkdtemp(prefix="router-bench-"))
    try:
        if shutil.disk_usage(directory).free < records * _BYTES_A_RECORD * 2:
            raise BenchError(
                f"{directory} has too little room for {records:,} records: free some, set TMPDIR, or take fewer --records"
            )
        with DevelopmentKafka.start(directory=directory / "kafka", heap="1g") as kafka:
            yield kafka.bootstrap, f"Apache Kafka {KAFKA_VERSION}"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _progress(console: Console) -> Iterator[Shown]:
    columns = (
        TextColumn("{task.description:<24}"),
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


@dataclass(slots=True)
class _Bench:
    """All turns on one Kafka."""

    bootstrap: str
    contenders: Mapping[str, Contender]
    records: int
    show: Shown
    expected: Expected = None  # type: ignore[assignment]  # known once the feed is made

    def rounds(self, count: int) -> list[dict[str, Turn]]:
        """Every contender once a round, another one first in each."""
        session = f"bench-{int(time.time())}"
        source = f"{session}.{SUBJECT}"
        beside = [f"{source}.unroutable", f"{source}.dead-letters"]
        names = list(self.contenders)
        try:
            create(self.bootstrap, [source, *beside])
            with self.show("feeding", self.records) as progress:
                self.expected = feed(self.bootstrap, source, records=self.records, progress=progress)
            return [
                {
                    name: self._turn(name, source, f"{session}-{name}-{number + 1}")
                    for name in names[number % len(names) :] + names[: number % len(names)]
                }
                for number in range(count)
            ]
        finally:
            delete(self.bootstrap, [source, *beside])

    def _turn(self, name: str, source: str, turn: str) -> Turn:
        contender = self.contenders[name]
        with tempfile.TemporaryDirectory(prefix=f"{turn}-") as directory:
            run = Run(bootstrap=self.bootstrap, source=source, name=turn, directory=directory)
            create(self.bootstrap, run.topics.values())
            try:
                title = turn.split("-", 2)[2]
                with self.show(title, self.records) as progress:
                    measured = measure(name, contender, run, total=self.records, progress=progress)
                committed = None if sum(measured.committed) >= self.records else measured.committed
                with self.show(f"{title}, verifying", self.expected.copies) as progress:
                    delivered = verify(name, run, expected=self.expected, committed=committed, progress=progress)
            finally:
                delete(self.bootstrap, run.topics.values())
        return Turn(measured, delivered)


if __name__ == "__main__":
    main()
