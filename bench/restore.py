"""How fast a table is restored from its changelog, what its memory grows by, and what it costs a record once it is there.

A changelog of so many keys in so many partitions, written as lanes write it (in transactions), and a process with nothing
else in it that restores, all partitions at once: on an empty disk, on one that is whole, and then puts the table through a
lane's motions. `python -m bench restore` runs it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from confluent_kafka import Producer

from bench.errors import BenchError
from bench.feeding import create, delete
from bench.report import markdown
from bench.running import peak_bytes
from bench.session import Shown
from router.order.changelog import ChangelogReader
from router.order.disk import DiskMemory, PartitionDisk
from router.order.lane_table import PartitionTable, share_memory
from router.order.sequence import SequenceState
from router.order.stored import encode_state, state_key

__all__ = ["fill", "key_of", "measure", "restored", "table"]

_TRANSACTION = 50_000
_LOOK_UPS = 200_000
_CHANGES = 20_000
_UNITS = {"restored in": " s", "restored again in": " s", "disk, bytes a key": ""}


def key_of(number: int) -> bytes:
    """The table's key of an order, as an ordering exchange has it."""
    return state_key(b"order-%012d" % number)


def _value(number: int) -> bytes:
    return encode_state(SequenceState(number % 7 + 1, 1_700_000_000_000 + number))


def fill(bootstrap: str, topic: str, *, keys: int, partitions: int, done: Callable[[int], None]) -> None:
    """The keys' latest states, partition by partition in turn."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": f"bench-restore-{topic}",
            "linger.ms": 20,
            "batch.num.messages": 10_000,
            "queue.buffering.max.messages": 200_000,
            "log_level": 3,
        }
    )
    producer.init_transactions(60)
    for first in range(0, keys, _TRANSACTION):
        producer.begin_transaction()
        for number in range(first, min(keys, first + _TRANSACTION)):
            producer.produce(topic, key=key_of(number), value=_value(number), partition=number % partitions)
        producer.commit_transaction(60)
        done(min(keys, first + _TRANSACTION))


def _resident() -> float:
    """MB of this process, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _size(directory: Path) -> int:
    return sum(one.stat().st_size for one in directory.rglob("*") if one.is_file())


async def _restored(tables: list[PartitionTable]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(table.restore() for table in tables))
    return time.perf_counter() - began


def _each(times: int, what: Callable[[int], object]) -> float:
    """Microseconds of one."""
    began = time.perf_counter()
    for number in range(times):
        what(number)
    return (time.perf_counter() - began) / times * 1e6


async def measure(bootstrap: str, topic: str, *, keys: int, partitions: int, directory: Path) -> dict[str, float]:
    """In a process of its own: all figures, in seconds, microseconds and MB."""
    memory = DiskMemory()
    found = {"memory before": _resident()}

    def tables(reader: ChangelogReader) -> tuple[list[PartitionDisk], list[PartitionTable]]:
        disks = [PartitionDisk(directory / f"t-{n}.db", memory, name=f"t/{n}") for n in range(partitions)]
        made = [
            PartitionTable(disk, changelog=topic, partition=n, reader=reader, fit=lambda: None)
            for n, disk in enumerate(disks)
        ]
        share_memory(made)
        return disks, made

    reader = ChangelogReader(bootstrap, dict)
    disks, lanes = tables(reader)
    found["restored in"] = await _restored(lanes)
    found["memory after"] = _resident()
    for disk in disks:
        disk.close()
    disks, lanes = tables(reader)
    found["restored again in"] = await _restored(lanes)
    table = lanes[0]
    of_ours = range(0, keys, partitions)
    chosen = [key_of(random.choice(of_ours)) for _ in range(_LOOK_UPS)]
    few = chosen[:4_000]
    found["look-up, disk"] = _each(_LOOK_UPS, lambda n: table.get(chosen[n]))
    for key in few:
        table.get(key)
    found["look-up, memory"] = _each(_LOOK_UPS, lambda n: table.get(few[n % 4_000]))
    found["look-up, no such key"] = _each(50_000, lambda n: table.get(b"s new-%012d" % n))
    changed = [(key, _value(n)) for n, key in enumerate(chosen[:_CHANGES])]
    found["change"] = _each(_CHANGES, lambda n: table.put(*changed[n]))
    taken = table.take_changes()
    found["look-up, changed"] = _each(_CHANGES, lambda n: table.get(changed[n][0]))
    began = time.perf_counter()
    table.committed(source=1, changelog=None)
    found["change onto the disk"] = (time.perf_counter() - began) / len(taken) * 1e6
    began = time.perf_counter()
    scanned = sum(1 for _ in table.scan(b"s"))
    found["scan, an entry"] = (time.perf_counter() - began) / scanned * 1e6
    found["short scan"] = _each(5_000, lambda n: list(table.scan(chosen[n])))
    found["memory at the end"] = _resident()
    found["memory at most"] = peak_bytes(os.getpid()) / 1e6
    found["disk, bytes a key"] = _size(directory) / keys
    await reader.close()
    return found


def restored(bootstrap: str, *, keys: int, partitions: int, show: Shown) -> dict[str, float]:
    """What `measure` finds of a changelog of so many keys, which is gone afterwards."""
    name = f"bench-{time.time_ns()}-changelog"
    create(bootstrap, [name], partitions=partitions, config={"cleanup.policy": "compact"})
    try:
        with show(f"a changelog of {keys:,}", keys) as done:
            fill(bootstrap, name, keys=keys, partitions=partitions, done=done)
        with tempfile.TemporaryDirectory(prefix="router-restore-") as place, show(f"restoring {keys:,}", 1) as done:
            child = [sys.executable, "-m", "bench.restore", bootstrap, name, str(keys), str(partitions), place]
            answer = subprocess.run(child, stdout=subprocess.PIPE, check=False)
            if answer.returncode:
                raise BenchError(f"restoring {keys:,} keys failed: it ended with {answer.returncode}")
            done(1)
    finally:
        delete(bootstrap, [name])
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def table(columns: Mapping[int, Mapping[str, float]]) -> str:
    """As Markdown, a column a number of keys, of what `measure` found."""
    rows = [
        ["keys a second, onto an empty disk", *(f"{keys / each['restored in']:,.0f}" for keys, each in columns.items())]
    ]
    for name in next(iter(columns.values())):
        unit = _UNITS.get(name, " MB" if name.startswith("memory") else " µs")
        rows.append([name, *(f"{each[name]:,.2f}{unit}" for each in columns.values())])
    return markdown({"": "---", **{f"{keys:,} keys": "--:" for keys in columns}}, rows)


def main(bootstrap: str, topic: str, keys: int, partitions: int, directory: str) -> None:
    """Measure, and print what was found as one line of JSON."""
    found = asyncio.run(measure(bootstrap, topic, keys=keys, partitions=partitions, directory=Path(directory)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
