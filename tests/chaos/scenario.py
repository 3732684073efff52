"""One run of destruction: what is set up, what is done to it, and what came of it. Values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaos.audit import Page
from chaos.plans import Kind, Plan

__all__ = ["HEAD", "Outcome", "Scenario", "report"]


HEAD = """\
Routers on a real Kafka, destroyed by plan while records come in at a constant rate. Afterwards the books must balance: every
(source offset, destination) exactly once, in source order, unchanged, in a read_committed view, with no transaction left open.

That the books would show it if they did not balance, builds show that lack one cure each (tests/chaos/broken.py): the same
trouble, under which the whole build is exact, breaks the promise of each. Seed: `CHAOS_SEED=8 make proof` makes other plans."""
"""How docs/proof/exactly-once.md begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens, and where."""

    name: str
    seed: int
    strikes: Plan
    records: int
    """Produced at a constant rate while the strikes last."""
    workers: int = 3
    brokers: int = 1
    partitions: int = 4
    guarantee: str = "exactly_once"
    app: str = "agents.app"
    environ: Mapping[str, str] = field(default_factory=dict)
    """Of the workers, beside their settings."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the workers: `fetch_records` is ROUTER_FETCH_RECORDS."""
    behind_proxy: frozenset[int] = frozenset()
    """The workers whose brokers are reached through the network that the plan strikes."""
    routed_within: float = 120.0
    """Seconds after the last strike in which everything must be routed."""
    fed_first: bool = False
    """The records are there before the workers start."""
    aborted: bool = False
    """Every other transaction of those who produce the records is aborted, and its records do not count."""
    late: tuple[str, ...] = ()
    """Destinations that are created only once the workers have run into their absence."""


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    scenario: Scenario
    produced: int = 0
    story: list[tuple[float, str]] = field(default_factory=list)
    """What was done and noticed, by seconds since the beginning."""
    done: dict[Kind, int] = field(default_factory=dict)
    crashes: list[str] = field(default_factory=list)
    """Workers that ended without having been told to."""
    stuck: str = ""
    """Why not everything was routed in time; empty where it was."""
    stops: dict[str, int] = field(default_factory=dict)
    """How often lanes stopped and opened again in place, by reason."""
    hanging: dict[str, Mapping[int, tuple[int, int]]] = field(default_factory=dict)
    """Destinations with a transaction that nobody ends."""
    pages: dict[str, Page] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    """What a fault must be understood from, in lines; empty where there is none."""
    seconds: float = 0.0
    took_to_settle: float = 0.0
    """Seconds from the end of the strikes, and of the feed, until all was routed."""

    def total(self, number: str) -> int:
        """One number of all destinations' pages."""
        return sum(getattr(page, number) for page in self.pages.values())

    @property
    def all_ended(self) -> bool:
        """Everything was routed, and no transaction is open: whoever reads gets to the end."""
        return not (self.hanging or self.stuck)

    @property
    def duplicates_allowed(self) -> bool:
        """At-least-once may repeat."""
        return self.scenario.guarantee != "exactly_once"

    @property
    def faults(self) -> list[str]:
        """What breaks the promise, in words; empty where it is kept."""
        numbers = ("missing", "strangers", "disorder", "changed", *(() if self.duplicates_allowed else ("doubled",)))
        found = [f"{name} {self.total(name)}" for name in numbers if self.total(name)]
        if self.stuck:
            found.append(f"stuck: {' '.join(self.stuck.split())}")
        if self.hanging:
            found.append(f"transactions left open: {self.hanging}")
        if self.crashes:
            found.append(f"crashed: {'; '.join(self.crashes)}")
        return found


def report(outcome: Outcome) -> str:
    """What was done and how the books stand, for people, in Markdown."""
    scenario = outcome.scenario
    done = ", ".join(f"{count} × {kind}" for kind, count in sorted(outcome.done.items()))
    head = (
        f"{outcome.produced:,} records in {scenario.partitions} partitions, {scenario.workers} workers,"
        f" {scenario.brokers} broker{'s' if scenario.brokers > 1 else ''}, {scenario.guarantee}, seed {scenario.seed}:"
        f" {done or 'nothing'} in {outcome.seconds:.0f} s; all routed {outcome.took_to_settle:.1f} s after the last of it."
    )
    lines = [
        head,
        "",
        "| destination | wanted | found | missing | doubled | out of order | strangers | changed |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {page.wanted:,} | {page.found:,} | {page.missing} | {page.doubled} | {page.disorder}"
        f" | {page.strangers} | {page.changed} |"
        for name, page in outcome.pages.items()
    ]
    stops = ", ".join(f"{count} × {reason}" for reason, count in sorted(outcome.stops.items()))
    lines += [
        "",
        f"Lanes that stopped and opened again: {stops or 'none'}. Workers that ended by themselves: {len(outcome.crashes)}.",
    ]
    lines += ["", _verdict(outcome)]
    return "\n".join(lines)


def _verdict(outcome: Outcome) -> str:
    faults: Sequence[str] = outcome.faults
    if faults:
        return f"**The promise is broken**: {'; '.join(faults)}."
    times = "at least once" if outcome.duplicates_allowed else "exactly once"
    return f"Every (source offset, destination) is there {times}, in source order, in a read_committed view."
