"""`python -m bench`: the routing job at full speed, by the router and its peers in turn, on one Kafka; and what else there is to measure."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.contender import contenders
from bench.convert import convert
from bench.errors import BenchError
from bench.job import PARTITIONS
from bench.measurements import (
    Bench,
    Publisher,
    measure_compare,
    measure_console,
    measure_delays,
    measure_latency,
    measure_pauses,
    measure_profile,
    measure_rates,
    measure_restore,
    measure_start,
    measure_viewers,
)
from bench.mirror import mirror
from bench.session import ending_on_signals, kafka, progress
from router.develop.errors import DevelopmentError

_DEFAULT = ("router", "router-at-least-once", "floor", "floor-eos", "kstreams-eos", "faust")
_COMPARED = (
    ("router", "router-at-least-once"),
    ("router-2000-bindings", "router"),
    ("router-200-destinations", "router"),
    ("router-two-workers", "router"),
    ("router-ordered", "router"),
    ("router-disordered", "router"),
    ("router-failure", "router"),
    ("router", "floor-eos"),
    ("router", "kstreams-eos"),
)
"""What the targets are about, where the difference may be small."""
_LATENT = ("router", "router-at-least-once", "floor", "floor-eos", "aiokafka", "kstreams", "kstreams-eos", "faust")
_PAUSED = ("router", "router-at-least-once")
_STARTED = ("router", "router-at-least-once")
_RESTORED = (1_000_000, 10_000_000)
_DELAYED = (100_000,)
_LISTED = (1_000_000,)
_BYTES_A_LISTED_KEY = 600
"""The same, with the records that a tenth of them hold, on the disks of two workers."""
_BYTES_A_KEY = 250
"""On the broker's disk and on the table's, of a key's state."""
_BYTES_A_RECORD = 1_100
"""On the broker's disk, of the broad topic and one contender's copies; with something to spare."""


class _Commands(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["rates", *args]
        return super().parse_args(ctx, args)


@contextmanager
def _bench(*, brokers: str | None, write: bool, room: int) -> Iterator[Bench]:
    """A Kafka, bars, and an end to everything in every case; errors end the process with a sentence."""
    console = Console(stderr=True)
    try:
        _check_platform()
        load = os.getloadavg()[0]
        with ending_on_signals(), kafka(brokers, room=room) as where, progress(console) as show:
            bench = Bench(console, where, show, Publisher(console, where, load, write))
            yield bench
    except (BenchError, DevelopmentError) as error:
        console.print(f"[red]bench:[/red] {error}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("bench: interrupted; nothing is left running")
        sys.exit(130)
    if bench.failed:
        console.print(f"[red]bench:[/red] failed, and in no table: {', '.join(bench.failed)}", highlight=False)
        sys.exit(1)


def _check_platform() -> None:
    if not Path("/proc/self/stat").exists():
        raise BenchError("the bench reads CPU times from /proc, which only Linux has")


def _names(text: str) -> list[str]:
    return text.replace(" ", "").split(",")


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _records(default: int) -> Callable[[Any], Any]:
    return click.option("--records", type=click.IntRange(min=1000), default=default, show_default=True)


def _contenders(*default: str) -> Callable[[Any], Any]:
    words = f"Of: {', '.join(contenders())}."
    return click.option("--contenders", "names", default=",".join(default), show_default=True, help=words)


_where = _options(
    click.option(
        "--brokers",
        type=click.Choice(["own", "existing"]),
        default=None,
        help="own: a new development Kafka. existing: the one of ROUTER_BROKER. Default: existing where that is set.",
    ),
    click.option("--write/--no-write", default=True, show_default=True, help="Put the tables into docs/bench.md."),
)


@click.group(cls=_Commands)
def main() -> None:
    """How fast the router is, beside its peers, in one run on one Kafka.

    Without a command: rates. Wants a quiet machine, and 1 GB of disk a million records.
    """


@main.command()
@_records(500_000)
@click.option(
    "--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds; each has every contender."
)
@_contenders(*_DEFAULT)
@click.option(
    "--all", "everything", is_flag=True, help="Every contender, then every other measurement: about two hours."
)
@_where
@click.pass_context
def rates(
    ctx: click.Context, *, records: int, runs: int, names: str, everything: bool, brokers: str | None, write: bool
) -> None:
    """Records a second, in all and for each CPU second: the same records, rules, broker and headers, turn by turn."""
    chosen = contenders() if everything else _names(names)
    if everything and ctx.get_parameter_source("records") == click.core.ParameterSource.DEFAULT:
        records = 1_000_000
    with _bench(brokers=brokers, write=write, room=records * _BYTES_A_RECORD * 2) as bench:
        measure_rates(bench, chosen, records=records, runs=runs)
    if everything:
        with _bench(brokers=brokers, write=write, room=records * _BYTES_A_RECORD * 2) as bench:
            measure_compare(bench, _COMPARED, records=records, pairs=9, warm=True)
            measure_latency(bench, _LATENT, rate=5000, warm=10, seconds=30, runs=3)
            measure_start(bench, _STARTED, starts=5)
            measure_profile(bench, "router", records=records)
            measure_pauses(bench, _PAUSED, rate=5000, minutes=10, share=0.01, seed=7)
        with _bench(brokers=brokers, write=write, room=max(_RESTORED) * _BYTES_A_KEY) as bench:
            measure_restore(bench, _RESTORED, partitions=PARTITIONS)
            measure_delays(bench, _DELAYED)
            measure_console(bench, _LISTED)
            measure_viewers(bench, count=50, pairs=15, seconds=8, rate=5000)


@main.command()
@click.argument("first", required=False)
@click.argument("second", required=False)
@_records(1_000_000)
@click.option("--pairs", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--warm", is_flag=True, help="Count from half of the records on only: a JVM has warmed up by then.")
@_where
def compare(
    *, first: str | None, second: str | None, records: int, pairs: int, warm: bool, brokers: str | None, write: bool
) -> None:
    """CPU time a record of FIRST beside SECOND: turns in pairs, one right after the other, the median of their ratios.

    Without names: every pair that a target is about, and these go to docs/bench.md.
    """
    if first and not second:
        raise click.UsageError("what is it compared with? python -m bench compare FIRST SECOND")
    asked = ((first, second),) if first and second else _COMPARED
    with _bench(brokers=brokers, write=write and not first, room=records * _BYTES_A_RECORD * 2) as bench:
        measure_compare(bench, asked, records=records, pairs=pairs, warm=warm or not first)


@main.command("latency")
@_contenders(*_LATENT)
@click.option("--rate", type=click.IntRange(min=1), default=5000, show_default=True, help="Records a second.")
@click.option("--seconds", type=click.IntRange(min=1), default=30, show_default=True, help="That count, in each turn.")
@click.option("--warm", type=click.IntRange(min=0), default=10, show_default=True, help="Seconds before these.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@_where
def latency_command(
    *, names: str, rate: int, seconds: int, warm: int, runs: int, brokers: str | None, write: bool
) -> None:
    """From when a record was due in the broad topic until a read_committed consumer has its copy, under a steady load."""
    with _bench(brokers=brokers, write=write, room=4 << 30) as bench:
        measure_latency(bench, _names(names), rate=rate, seconds=seconds, warm=warm, runs=runs)


@main.command("pauses")
@_contenders(*_PAUSED)
@click.option("--minutes", type=click.FloatRange(min=0.1), default=10.0, show_default=True)
@click.option("--rate", type=click.IntRange(min=1), default=5000, show_default=True, help="Records a second.")
@click.option(
    "--share", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="Of all batches, that fail."
)
@click.option("--seed", type=int, default=7, show_default=True)
@_where
def pauses_command(
    *, names: str, minutes: float, rate: int, share: float, seed: int, brokers: str | None, write: bool
) -> None:
    """The longest pause under a steady load while some of the batches fail, in a proxy before the broker."""
    with _bench(brokers=brokers, write=write, room=8 << 30) as bench:
        measure_pauses(bench, _names(names), rate=rate, minutes=minutes, share=share, seed=seed)


@main.command("start")
@_contenders(*_STARTED)
@click.option("--starts", type=click.IntRange(min=1), default=5, show_default=True)
@_where
def start_command(*, names: str, starts: int, brokers: str | None, write: bool) -> None:
    """From the start of a worker until a read_committed consumer has the first copy."""
    with _bench(brokers=brokers, write=write, room=1 << 30) as bench:
        measure_start(bench, _names(names), starts=starts)


@main.command("restore")
@click.option("--keys", multiple=True, type=click.IntRange(min=1000), default=_RESTORED, show_default=True)
@click.option("--partitions", type=click.IntRange(min=1), default=PARTITIONS, show_default=True)
@_where
def restore_command(*, keys: tuple[int, ...], partitions: int, brokers: str | None, write: bool) -> None:
    """How fast tables that keep orders in sequence are restored, what memory that takes, and what a look-up costs then.

    Several --keys make several columns.
    """
    with _bench(brokers=brokers, write=write, room=max(keys) * _BYTES_A_KEY) as bench:
        measure_restore(bench, keys, partitions=partitions)


@main.command("delays")
@click.option("--pending", multiple=True, type=click.IntRange(min=100), default=_DELAYED, show_default=True)
@_where
def delays_command(*, pending: tuple[int, ...], brokers: str | None, write: bool) -> None:
    """How soon delays of rejected records fire after their time, while so many wait in one lane.

    Several --pending make several columns.
    """
    with _bench(brokers=brokers, write=write, room=max(pending) * _BYTES_A_RECORD * 2) as bench:
        measure_delays(bench, pending)


@main.command("console")
@click.option("--keys", multiple=True, type=click.IntRange(min=10_000), default=_LISTED, show_default=True)
@_where
def console_command(*, keys: tuple[int, ...], brokers: str | None, write: bool) -> None:
    """How long the console's pages take, while two workers hold a table of so many keys.

    Several --keys make several tables.
    """
    with _bench(brokers=brokers, write=write, room=max(keys) * _BYTES_A_LISTED_KEY) as bench:
        measure_console(bench, keys)


@main.command("viewers")
@click.option("--viewers", "count", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--pairs", type=click.IntRange(min=1), default=15, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1), default=8.0, show_default=True, help="Of each stretch.")
@click.option("--rate", type=click.IntRange(min=1), default=5000, show_default=True, help="Records a second.")
@_where
def viewers_command(*, count: int, pairs: int, seconds: float, rate: int, brokers: str | None, write: bool) -> None:
    """What it costs a worker that so many people have the console's overview open: CPU time a record, in paired stretches."""
    with _bench(brokers=brokers, write=write, room=4 << 30) as bench:
        measure_viewers(bench, count=count, pairs=pairs, seconds=seconds, rate=rate)


@main.command()
@click.argument("name", default="router")
@_records(1_000_000)
@_where
def profile(*, name: str, records: int, brokers: str | None, write: bool) -> None:
    """Where a record's CPU time goes, stage by stage: sampled in a running worker, and in this process beside the limits."""
    with _bench(brokers=brokers, write=write, room=records * _BYTES_A_RECORD * 2) as bench:
        measure_profile(bench, name, records=records)


main.add_command(convert)
main.add_command(mirror)


if __name__ == "__main__":
    main()
