"""Two contenders turn by turn, for differences that are smaller than what two runs of the same contender differ by.

Each pair is measured one right after the other, and which of both comes first alternates: what the machine does in these seconds
favours nobody. What a record costs one of them is the slope of a line through all readings of its turn (CPU seconds over records committed): its ends
alone are off by what lanes have worked on and not committed, which of a turn of some seconds is several in a hundred. What counts
is the ratio within a pair; of these we take the median, and the interval in which the true median lies
with a probability of about 96 % or more, whatever the ratios' distribution is: between the k-th smallest and the k-th largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

from bench.contender import Contender
from bench.measuring import Measurement
from bench.report import markdown
from bench.session import Session

__all__ = ["Comparison", "compare", "comparison", "interval", "table"]

_CERTAIN = 0.95


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much CPU time a record costs the first, the second's being 1."""

    ratios: Sequence[float]
    """Of every pair, in the order of the turns."""
    rates: Sequence[float]
    """Records a second of the first, the second's being 1, as the clock on the wall has it; of every pair."""

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.ratios)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true median lies, with 95 % or more; all ratios, where they are too few to say so."""
        return interval(self.ratios)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The narrowest pair of order statistics, equally far from both ends, that holds the median with 95 % or more."""
    ordered = sorted(values)
    count = len(ordered)
    outside, cut = 0.0, 0
    while cut < (count - 1) // 2:
        outside += 2 * comb(count, cut) / 2**count
        if 1 - (outside + 2 * comb(count, cut + 1) / 2**count) < _CERTAIN:
            break
        cut += 1
    return ordered[cut], ordered[count - 1 - cut]


def comparison(pairs: Sequence[tuple[Measurement, Measurement]], *, warm: bool) -> Comparison:
    """Of the turns' measurements; `warm`: only from half of the records on."""
    counted = [(one.warm, other.warm) if warm else (one.rate, other.rate) for one, other in pairs]
    return Comparison(
        [one.cpu_a_record / other.cpu_a_record for one, other in counted],
        [one.per_second / other.per_second for one, other in counted],
    )


def compare(
    session: Session, first: tuple[str, Contender], second: tuple[str, Contender], *, pairs: int
) -> list[tuple[Measurement, Measurement]]:
    """Measure both so many times; what they delivered is read back the first time."""
    found = []
    for number in range(pairs):
        turns: dict[str, Measurement] = {}
        for name, contender in (first, second) if number % 2 == 0 else (second, first):
            title = f"{first[0]} to {second[0]}, {name} {number + 1}".replace(",", "")
            turns[name] = session.turn(title, name, contender, verified=number == 0).measured
        found.append((turns[first[0]], turns[second[0]]))
    return found


def table(found: Sequence[tuple[str, str, Comparison]]) -> str:
    """As Markdown, a row a comparison."""
    columns = {
        "CPU time a record of": "---",
        "beside": "---",
        "pairs": "--:",
        "median": "--:",
        "95 %": "--:",
        "all": "---",
        "records/s": "--:",
    }
    return markdown(
        columns,
        (
            [
                f"`{first}`",
                f"`{second}`",
                str(len(each.ratios)),
                f"{each.middle:.3f}",
                "{:.3f} to {:.3f}".format(*each.interval),
                " ".join(f"{ratio:.2f}" for ratio in sorted(each.ratios)),
                f"{median(each.rates):.2f}",
            ]
            for first, second, each in found
        ),
    )
