"""The figures as Markdown, and where they stand in docs/bench.md."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median

from bench.contender import Contender
from bench.measuring import Measurement
from bench.verifying import Delivered

__all__ = ["FLOOR", "Turn", "between_markers", "conditions", "markdown", "table", "versions"]

FLOOR = "floor"
"""The contender that the others are measured against, when it takes part."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender in one round."""

    measured: Measurement
    delivered: Delivered | None
    """None where it was not read back."""


def markdown(columns: Mapping[str, str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the columns by their titles, with the alignment that Markdown's second line says."""
    lines = [tuple(columns), tuple(columns.values()), *rows]
    head, rule, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, rule.replace(" ", ""), *body])


def table(contenders: Mapping[str, Contender], rounds: Sequence[Mapping[str, Turn]]) -> str:
    """A row a contender: medians over the rounds, the spread around them, ratios to the floor of the same round."""
    columns = {
        "contender": "---",
        "guarantee": "---",
        "records/s, wall": "--:",
        "records/s per CPU second": "--:",
        "the same, once warm": "--:",
        "wall, floor = 1": "--:",
        "CPU, floor = 1": "--:",
        "peak memory": "--:",
        "broker, µs a record": "--:",
        "bytes a copy": "--:",
    }
    return markdown(columns, (_row(name, contender, rounds) for name, contender in contenders.items()))


def versions(contenders: Mapping[str, Contender], left_out: Sequence[str]) -> str:
    """What each contender is, and why some are missing."""
    lines = [f"- `{name}`: {each.summary}; {each.versions()}" for name, each in contenders.items()]
    return "\n".join([*lines, *(f"- {sentence}" for sentence in left_out)])


def _row(name: str, contender: Contender, rounds: Sequence[Mapping[str, Turn]]) -> Sequence[str]:
    turns = [each[name].measured for each in rounds]
    delivered = [found for each in rounds if (found := each[name].delivered) is not None]
    beside_floor = [(each[name].measured, each[FLOOR].measured) for each in rounds if FLOOR in each]
    broker = [cost for turn in turns if (cost := turn.rate.broker_microseconds) is not None]
    return [
        f"`{name}`",
        contender.guarantee,
        _spread([turn.rate.per_second for turn in turns]),
        _spread([turn.rate.per_cpu_second for turn in turns]),
        _spread([turn.warm.per_cpu_second for turn in turns]),
        _ratio([(turn.rate.per_second, floor.rate.per_second) for turn, floor in beside_floor]),
        _ratio([(turn.rate.per_cpu_second, floor.rate.per_cpu_second) for turn, floor in beside_floor]),
        f"{median(turn.peak_bytes for turn in turns) / 1e6:.0f} MB",
        f"{median(broker):.1f}" if broker else "",
        f"{sum(each.bytes for each in delivered) / sum(each.copies for each in delivered):.0f}" if delivered else "",
    ]


def _spread(values: Sequence[float]) -> str:
    middle = median(values)
    spread = (max(values) - min(values)) / middle / 2
    shown = f"{round(middle, -2 if middle >= 10_000 else -1):,.0f}"
    return shown if len(values) == 1 else f"{shown} ± {spread:.0%}"


def _ratio(pairs: Sequence[tuple[float, float]]) -> str:
    return f"{median(one / floor for one, floor in pairs):.2f}" if pairs else ""


def conditions(what: str, *, kafka: str, load: float) -> str:
    """Under which conditions figures came about; says so when the machine was busy with something else before.

    `what` says in a clause what was done.
    """
    machine = f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    where = f", {kafka}, broker on the same machine" if kafka else ""
    lines = [
        f"{what}; {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}.",
        f"{machine}, Python {platform.python_version()}{where}.",
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


@cache
def _commit() -> str:
    # Asked once: the first table that is written is a change by itself.
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
