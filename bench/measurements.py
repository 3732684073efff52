"""The measurements, each from its contenders to its section of docs/bench.md."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from bench import comparing, console, delays, latency, restore, sampling, stages, starting, viewers
from bench.contender import Contender, load_contender
from bench.errors import BenchError, ContenderFailed, WrongCopies
from bench.report import Turn, between_markers, conditions, table, versions
from bench.session import Kafka, Session, Shown, available

__all__ = [
    "Bench",
    "Publisher",
    "measure_compare",
    "measure_console",
    "measure_delays",
    "measure_latency",
    "measure_pauses",
    "measure_profile",
    "measure_rates",
    "measure_restore",
    "measure_start",
    "measure_viewers",
]

_ROOT = Path(__file__).parent.parent
_PAGE = _ROOT / "docs" / "bench.md"
_BROKER_WARM = 60
"""Seconds of load that a broker gets before latency is measured. A JVM that has just been started compiles for so long."""
_RETAINED = {"retention.bytes": str(1 << 28), "segment.bytes": str(1 << 26)}
"""Under a steady load nobody reads anything again: the disk need not grow for ten minutes."""


@dataclass(slots=True)
class Publisher:
    """Takes what a command found to where it belongs."""

    console: Console
    kafka: Kafka
    load: float
    write: bool

    def __call__(self, section: str, what: str, *texts: str) -> None:
        text = "\n\n".join([conditions(what, kafka=self.kafka.name, load=self.load), *texts])
        print(text, flush=True)
        if self.write:
            between_markers(_PAGE, section, text)
            self.console.print(f"Written to {_PAGE.relative_to(_ROOT)}, section '{section}'")


@dataclass(frozen=True, slots=True)
class Bench:
    """What every command begins with."""

    console: Console
    kafka: Kafka
    show: Shown
    publish: Publisher
    failed: list[str] = field(default_factory=list)
    """Contenders that failed on the way."""

    def available(self, names: Sequence[str]) -> tuple[dict[str, Contender], list[str]]:
        """Contenders by their names, and sentences about those that cannot take part."""
        chosen = {name: load_contender(name) for name in dict.fromkeys(names)}
        ready, left_out = available(chosen, lambda text: self.console.print(text, highlight=False))
        if not ready:
            raise BenchError("no contender is left")
        return ready, left_out

    @contextmanager
    def going_on(self, name: str, ready: dict[str, Contender], left_out: list[str]) -> Iterator[None]:
        """The others' figures are worth having when one contender fails: it is told, left out from now on, and the end is an error."""
        try:
            yield
        except (ContenderFailed, WrongCopies) as error:
            self.console.print(f"[red]bench:[/red] {error}", highlight=False)
            self.failed.append(name)
            ready.pop(name, None)
            left_out.append(str(error).partition("\n")[0])


def measure_rates(bench: Bench, names: Sequence[str], *, records: int, runs: int) -> None:
    ready, left_out = bench.available(names)
    rounds: list[dict[str, Turn]] = []
    with Session(bench.kafka, records, bench.show) as session:
        for number in range(runs):
            # Another one first in each round.
            order = list(ready)
            order = order[number % len(order) :] + order[: number % len(order)]
            turns: dict[str, Turn] = {}
            rounds.append(turns)
            for name in order:
                with bench.going_on(name, ready, left_out):
                    turns[name] = session.turn(f"{name} {number + 1}", name, ready[name])
        copies = session.expected.copies / records
    if not ready:
        return
    interleaved = "1 round" if runs == 1 else f"{runs} interleaved rounds"
    what = f"{records:,} records, {copies:.2f} copies each, {interleaved}"
    bench.publish("bench", what, table(ready, rounds), versions(ready, left_out))


def measure_compare(bench: Bench, asked: Sequence[tuple[str, str]], *, records: int, pairs: int, warm: bool) -> None:
    ready, left_out = bench.available([name for both in asked for name in both])
    found = []
    with Session(bench.kafka, records, bench.show) as session:
        for first, second in asked:
            if first not in ready or second not in ready:
                continue
            with bench.going_on(first, {}, left_out):
                turns = comparing.compare(session, (first, ready[first]), (second, ready[second]), pairs=pairs)
                found.append((first, second, comparing.comparison(turns, warm=warm)))
    counted = "the second half of each turn" if warm else "each turn"
    texts = [comparing.table(found), versions(ready, left_out)]
    bench.publish("compare", f"{records:,} records, pairs of turns, {counted} counted", *texts)


def _warm_up(bench: Bench, session: Session, ready: Mapping[str, Contender], rate: int) -> None:
    """Let the broker compile its own code under the load, with the first contender that keeps up: for a minute it is slow."""
    for name, contender in ready.items():
        if contender.steady is None:
            title = "warming the broker up"
            with session.live(title, contender, _RETAINED) as run, bench.show(title, _BROKER_WARM) as done:
                latency.observe(name, contender, run, rate=rate, warm=0, seconds=_BROKER_WARM, progress=done)
            return


def measure_latency(bench: Bench, names: Sequence[str], *, rate: int, seconds: int, warm: int, runs: int) -> None:
    ready, left_out = bench.available(names)
    direct: list[latency.Observation] = []
    found: dict[str, list[latency.Observation]] = {name: [] for name in ready}
    with Session(bench.kafka, 0, bench.show) as session:
        _warm_up(bench, session, ready, rate)
        for number in range(runs):
            title = f"direct {number + 1}"
            with session.live(title, None, _RETAINED) as run, bench.show(title, warm + seconds) as done:
                direct.append(latency.observe_directly(run, rate=rate, warm=warm, seconds=seconds, progress=done))
            for name, contender in list(ready.items()):
                title = f"{name} {number + 1}"
                with (
                    bench.going_on(name, ready, left_out),
                    session.live(title, contender, _RETAINED) as run,
                    bench.show(title, warm + seconds) as done,
                ):
                    found[name].append(
                        latency.observe(
                            name,
                            contender,
                            run,
                            rate=min(rate, contender.steady or rate),
                            warm=warm,
                            seconds=seconds,
                            progress=done,
                        )
                    )
    rows = [("*nobody: the broad topic itself*", "", direct)]
    rows += [(f"`{name}`", each.guarantee, found[name]) for name, each in ready.items()]
    turns = "1 turn" if runs == 1 else f"{runs} turns"
    what = f"{rate:,} records a second in an open loop, {turns} of {seconds} s each"
    bench.publish("latency", what, latency.table(rows), versions(ready, left_out))


def measure_pauses(bench: Bench, names: Sequence[str], *, rate: int, minutes: float, share: float, seed: int) -> None:
    ready, left_out = bench.available(names)
    rows, told = [], []
    seconds = minutes * 60
    with Session(bench.kafka, 0, bench.show) as session:
        for name, contender in list(ready.items()):
            title = f"{name} with failures"
            with bench.going_on(name, ready, left_out), ExitStack() as turn:
                run = turn.enter_context(session.live(title, contender, _RETAINED))
                done = turn.enter_context(bench.show(title, int(seconds) + 5))
                with latency.failing(bench.kafka.bootstrap, share, seed) as failures:
                    found = latency.observe(
                        name,
                        contender,
                        run,
                        rate=rate,
                        warm=5,
                        seconds=seconds,
                        progress=done,
                        through=failures.bootstrap,
                    )
                rows.append((f"`{name}`", contender.guarantee, [found]))
                told.append(
                    f"- `{name}`: {failures}. Copies missing: {found.missing:,}; that came twice: {found.repeated:,}."
                )
    what = f"{rate:,} records a second for {minutes:g} minutes while {share:.1%} of all batches fail, seed {seed}"
    bench.publish("pauses", what, latency.table(rows), "\n".join([*told, *left_out]))


def measure_start(bench: Bench, names: Sequence[str], *, starts: int) -> None:
    ready, left_out = bench.available(names)
    found: dict[str, list[float]] = {name: [] for name in ready}
    with Session(bench.kafka, 20_000, bench.show) as session:
        for number in range(starts):
            for name, contender in list(ready.items()):
                with (
                    bench.going_on(name, ready, left_out),
                    session.run(f"{name} start {number + 1}", contender) as run,
                ):
                    found[name].append(starting.first_copy(name, contender, run))
    bench.publish("start", f"{starts} starts", starting.table([(name, found[name]) for name in ready]), *left_out)


def measure_restore(bench: Bench, sizes: Sequence[int], *, partitions: int) -> None:
    found = {
        keys: restore.restored(bench.kafka.bootstrap, keys=keys, partitions=partitions, show=bench.show)
        for keys in dict.fromkeys(sizes)
    }
    bench.publish("restore", f"{partitions} partitions, all at once", restore.table(found))


def measure_delays(bench: Bench, sizes: Sequence[int]) -> None:
    found = {pending: delays.measured(pending=pending, show=bench.show) for pending in dict.fromkeys(sizes)}
    bench.publish("delays", "one lane, a key each", delays.table(found))


def measure_console(bench: Bench, sizes: Sequence[int]) -> None:
    found = {keys: console.looked(bench.kafka.bootstrap, keys=keys, show=bench.show) for keys in dict.fromkeys(sizes)}
    bench.publish("console", "two workers, a console, each page five times", console.table(found))


def measure_viewers(bench: Bench, *, count: int, pairs: int, seconds: float, rate: float) -> None:
    found = viewers.cost(bench.kafka.bootstrap, viewers=count, pairs=pairs, seconds=seconds, rate=rate, show=bench.show)
    what = f"one worker at {rate:,.0f} records a second, {pairs} pairs of {seconds:g} s each"
    bench.publish("viewers", what, viewers.table(found))


def measure_profile(bench: Bench, name: str, *, records: int) -> None:
    ready, _ = bench.available([name])
    contender = replace(ready[name], place=sampling.SAMPLER)
    available({"the profile": contender}, lambda text: bench.console.print(text, highlight=False))
    with tempfile.TemporaryDirectory(prefix="bench-profile-") as directory:
        sampler = sampling.Sampler(Path(directory) / "stacks")
        try:
            with Session(bench.kafka, records, bench.show) as session:
                turn = session.turn(f"{name} sampled", name, ready[name], flowing=sampler.start)
            found = sampling.shares(sampler.stacks())
        finally:
            sampler.end()
    bench.publish("profile", f"`{name}`, {records:,} records", sampling.table(found, turn.measured.rate))
    alone = stages.measured(records=stages.BATCH, rounds=60)
    print(alone, flush=True)
    if bench.publish.write:
        between_markers(_PAGE, "stages", alone)
