"""What a contender is, and what it is told of the run that it takes part in.

A contender is one file in `bench/peers/` with a `CONTENDER`; the file's name, with `-` for `_`, is the contender's. To add
one, add a file: nothing else lists them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from uuid import UUID

from bench.errors import NotAContender
from bench.job import SUBJECT, Shape
from bench.places import HERE, Place, PythonPlace
from router.language.topics import changelog_of
from router.records.headers import HOP, ORIGIN, Hop, encode_hop

__all__ = ["Contender", "Run", "contenders", "load_contender", "python_peer", "run_of_this_process", "tracing_headers"]

_RUN = "BENCH_RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One contender's turn. Group and destinations are its own and new, so that it starts at the first record."""

    bootstrap: str
    source: str
    """The broad topic, the same for all turns."""
    name: str
    """Of the turn: the consumer group's, and the beginning of its topics' names."""
    directory: str
    """For whatever the contender wants to write; exists, and is empty."""
    shape: Shape = field(default_factory=Shape)
    eager: bool = False
    """Latency is what counts in this turn, at a rate far below the limit: whoever has to choose waits for nothing."""

    @property
    def group(self) -> str:
        """The consumer group that the contender commits to."""
        return self.name

    @property
    def topics(self) -> dict[str, str]:
        """The contender's own topic for each destination of the job."""
        return {name: f"{self.name}.{name}.{SUBJECT}" for name in self.shape.destinations}

    @property
    def changelog(self) -> str:
        """Where the router keeps what it puts in order."""
        return changelog_of(self.group, self.source)

    @property
    def linger(self) -> float:
        """Seconds for which a producer that has to be told how long may collect records."""
        return 0.001 if self.eager else 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """How to start one, and what to say of it. It is ended by SIGTERM once its group has committed every record."""

    summary: str
    """What it is, in a few words for the table."""
    guarantee: str
    """`at least once` or `exactly once`."""
    packages: Sequence[str]
    """The distributions whose versions count."""
    command: Callable[[Run], list[str]]
    """Starts it, in the project's root; may first write into the run's directory. Called once a process."""
    environment: Callable[[Run], Mapping[str, str]] = field(default=lambda _: {})
    """What its environment has beside ours."""
    limit: float | None = None
    """Seconds after which it has shown enough; None for one that is fast enough to finish."""
    place: Place = HERE
    """What it is installed in."""
    shape: Shape = field(default_factory=Shape)
    """The variant of the job that it does."""
    workers: int = 1
    """Processes that share the partitions."""
    library_headers: Sequence[str] = ()
    """Headers that its library adds to every copy, asked or not."""
    steady: float | None = None
    """Records a second that it keeps up with for minutes, where that is less than latency is measured at."""

    def versions(self) -> str:
        """As in `confluent-kafka 2.16.1, fastavro 1.13.1`."""
        return ", ".join(f"{package} {self.place.version(package)}" for package in self.packages)


def contenders() -> tuple[str, ...]:
    """The names of all contenders."""
    folder = Path(__file__).parent / "peers"
    return tuple(sorted(module.name.replace("_", "-") for module in iter_modules([str(folder)])))


def load_contender(name: str) -> Contender:
    """Import one. Raises NotAContender where there is none of that name, or where a package that it needs is missing."""
    if name not in contenders():
        raise NotAContender(name=name, problem="is not one", remedy=f"There are: {', '.join(contenders())}.")
    try:
        found: Contender = import_module(f"bench.peers.{name.replace('-', '_')}").CONTENDER
    except ModuleNotFoundError as error:
        raise NotAContender(
            name=name, problem=f"needs the package '{error.name}'", remedy="Install it, or leave the contender out."
        ) from error
    return found


def python_peer(module: str, place: PythonPlace = HERE) -> Callable[[Run], list[str]]:
    """The command of a peer whose own module is its program; it learns its run by `run_of_this_process`."""
    return lambda _: [str(place.python), "-m", module]


def run_variables(run: Run) -> dict[str, str]:
    """How a peer's process is told of its run."""
    return {_RUN: json.dumps(asdict(run))}


def run_of_this_process() -> Run:
    """The run that this process was started for; from now on SIGTERM ends it as an exit does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    told = json.loads(os.environ[_RUN])
    return Run(**(told | {"shape": Shape(**told["shape"])}))


def hop_of(run: Run) -> bytes:
    """A hop header for peers, as long as the router's own."""
    return encode_hop(
        Hop(
            service=run.group,
            instance="bench",
            processing=UUID(int=7),
            start=1_700_000_000_000,
            duration=10_000,
            route_set="0" * 8,
        )
    )


def tracing_headers(run: Run) -> Callable[[str, int, int], list[tuple[str, bytes]]]:
    """For peers: two headers for the record of a topic, partition and offset, as long as those that the router adds."""
    hop = hop_of(run)
    return lambda topic, partition, offset: [(ORIGIN, b"%b/%d/%d" % (topic.encode(), partition, offset)), (HOP, hop)]
