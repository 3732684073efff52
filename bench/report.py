"""The figures as Markdown, and where they stand in docs/bench.md."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.contender import Contender
from bench.measuring import Measurement
from bench.verifying import Delivered

__all__ = ["FLOOR", "Turn", "between_markers", "conditions", "table"]

FLOOR = "floor"
"""The contender that the others are measured against, when it takes part."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender in one round."""

    measured: Measurement
    delivered: Delivered


def table(contenders: Mapping[str, Contender], rounds: Sequence[Mapping[str, Turn]]) -> str:
    """A row a contender: medians over the rounds, the spread around them, ratios to the floor of the same round."""
    columns = {
        "contender": "---",
        "guarantee": "---",
        "records/s, wall": "--:",
        "records/s per CPU second": "--:",
        "wall, floor = 1": "--:",
        "CPU, floor = 1": "--:",
        "peak memory": "--:",
        "bytes a copy": "--:",
    }
    head = (f"| {' | '.join(columns)} |", f"|{'|'.join(columns.values())}|")
    rows = [_row(name, contender, rounds) for name, contender in contenders.items()]
    versions = [f"- `{name}`: {each.summary}; {each.versions()}" for name, each in contenders.items()]
    return "\n".join([*head, *rows, "", *versions])


def _row(name: str, contender: Contender, rounds: Sequence[Mapping[str, Turn]]) -> str:
    turns = [each[name].measured for each in rounds]
    delivered = [each[name].delivered for each in rounds]
    cells = [
        f"`{name}`",
        contender.guarantee,
        _spread([turn.per_second for turn in turns]),
        _spread([turn.per_cpu_second for turn in turns]),
        _ratio([(turn[name].measured.per_second, turn[FLOOR].measured.per_second) for turn in rounds if FLOOR in turn]),
        _ratio(
            [
                (turn[name].measured.per_cpu_second, turn[FLOOR].measured.per_cpu_second)
                for turn in rounds
                if FLOOR in turn
            ]
        ),
        f"{median(turn.peak_bytes for turn in turns) / 1e6:.0f} MB",
        f"{sum(each.bytes for each in delivered) / sum(each.copies for each in delivered):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float]) -> str:
    middle = median(values)
    spread = (max(values) - min(values)) / middle / 2
    shown = f"{round(middle, -2 if middle >= 10_000 else -1):,.0f}"
    return shown if len(values) == 1 else f"{shown} ± {spread:.0%}"


def _ratio(pairs: Sequence[tuple[float, float]]) -> str:
    return f"{median(one / floor for one, floor in pairs):.2f}" if pairs else ""


def conditions(*, records: int, copies: int, rounds: int, kafka: str, load: float) -> str:
    """Under which conditions the figures came about; says so when the machine was busy with something else."""
    interleaved = "1 round" if rounds == 1 else f"{rounds} interleaved rounds"
    job = f"{records:,} records, {copies / records:.2f} copies each, {interleaved}"
    machine = f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    lines = [
        f"{job}; {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}.",
        f"{machine}, Python {platform.python_version()}, {kafka}, broker on the same machine.",
    ]
    if load > 0.5:
        lines.append(
            f"The machine was not quiet: its load was {load:.1f} before the bench began. Trust the ratios only."
        )
    return "\n".join(lines)


def between_markers(page: Path, marker: str, text: str) -> None:
    """Replace what stands between `<!-- MARKER -->` and `<!-- /MARKER -->`. Raises ValueError where they are not there."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {marker} -->")
    _, end, after = rest.partition(f"<!-- /{marker} -->")
    if not begin or not end:
        raise ValueError(f"{page} has no place for '{marker}': it needs <!-- {marker} --> and <!-- /{marker} -->")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _commit() -> str:
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
