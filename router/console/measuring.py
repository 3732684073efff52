"""What was measured at one time, and what can be told from two or more of such times: rates and lags. Pure.

Offsets count what lies in a log, a transaction's marker included; workers count records. So a rate is taken from workers where
they tell one. How far behind a group is in time is told by when the log's end had got to where the group is now.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

__all__ = ["At", "Counted", "Lag", "Past", "Sample", "counters_of"]

At = tuple[str, int]
"""A partition: its topic and number."""
_KEEP_SECONDS = 900.0
_RATE_SECONDS = 10.0
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a worker's counters say, added up by source, and by source and destination."""

    records: Mapping[str, float] = field(default_factory=dict)
    copies: Mapping[tuple[str, str], float] = field(default_factory=dict)
    waiting: Mapping[str, float] = field(default_factory=dict)
    """Records that are held, by source."""
    oldest: Mapping[str, float] = field(default_factory=dict)
    """Seconds that the one of them has waited that waits longest."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read at one time."""

    time: float
    """Seconds, of a clock that never goes back."""
    ends: Mapping[At, int]
    begins: Mapping[At, int] = field(default_factory=dict)
    committed: Mapping[str, Mapping[At, int]] = field(default_factory=dict)
    """By consumer group, where it goes on."""
    counted: Mapping[str, Counted] = field(default_factory=dict)
    """By worker."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in a topic."""

    group: str
    records: int
    seconds: float | None
    """None where nobody can tell: it has been behind for longer than the console has watched, by more than `at_least`."""
    at_least: float = 0.0


class Past:
    """The samples of the last quarter of an hour."""

    def __init__(self) -> None:
        self._samples: list[Sample] = []
        self._times: dict[At, tuple[list[int], list[float]]] = {}

    @property
    def latest(self) -> Sample | None:
        """The newest sample."""
        return self._samples[-1] if self._samples else None

    def add(self, sample: Sample) -> None:
        """Take in a newer one."""
        # Only the newest few are needed whole; of the others, when each end was first seen.
        kept = [each for each in self._samples if each.time >= sample.time - _RATE_SECONDS]
        self._samples = [*kept[-32:], sample]
        for at, end in sample.ends.items():
            ends, times = self._times.setdefault(at, ([], []))
            if ends and end < ends[-1]:
                # The topic was made anew.
                ends.clear()
                times.clear()
            if len(ends) >= 2 and ends[-1] == ends[-2] == end:
                times[-1] = sample.time
            else:
                ends.append(end)
                times.append(sample.time)
            old = bisect_right(times, sample.time - _KEEP_SECONDS)
            if old > 1:
                del ends[: old - 1], times[: old - 1]
        for gone in self._times.keys() - sample.ends.keys():
            del self._times[gone]

    def rate(self, topic: str) -> float | None:
        """Offsets a second by which a topic's ends grow; None without two samples of it."""
        first, last = self._ends()
        if first is None or last is None:
            return None
        grown = [end - first.ends[at] for at, end in last.ends.items() if at[0] == topic and at in first.ends]
        return max(0, sum(grown)) / (last.time - first.time) if grown else None

    def rates(self) -> dict[str, float]:
        """The same of all topics."""
        first, last = self._ends()
        if first is None or last is None:
            return {}
        grown: defaultdict[str, int] = defaultdict(int)
        for at, end in last.ends.items():
            if at in first.ends:
                grown[at[0]] += end - first.ends[at]
        return {topic: max(0, each) / (last.time - first.time) for topic, each in grown.items()}

    def _ends(self) -> tuple[Sample | None, Sample | None]:
        return (self._samples[0], self._samples[-1]) if len(self._samples) > 1 else (None, None)

    def read_rates(self) -> dict[str, float]:
        """Records a second that workers read, by source."""
        return self._growth(lambda told: told.records)

    def copy_rates(self) -> dict[tuple[str, str], float]:
        """Copies a second that workers write, by source and destination."""
        return self._growth(lambda told: told.copies)

    def _growth(self, counts: Callable[[Counted], Mapping[K, float]]) -> dict[K, float]:
        """By how much each count of the workers that tell now has grown, a second; what was told only once has no rate.

        Since it was told first: a worker that has just been started tells of a source once it has lanes of it.
        """
        last = self.latest
        rates: defaultdict[K, float] = defaultdict(float)
        for worker, after in ({} if last is None else last.counted).items():
            told = [(each.time, counts(each.counted[worker])) for each in self._samples if worker in each.counted]
            for what, count in counts(after).items():
                since, before = next((time, each[what]) for time, each in told if what in each)
                if last is not None and since < last.time:
                    rates[what] += max(0.0, count - before) / (last.time - since)
        return dict(rates)

    def lags(self, topic: str) -> tuple[Lag, ...]:
        """The groups that read a topic, those behind furthest first."""
        return tuple(sorted(self._lags(topic), key=lambda each: (-each.records, each.group)))

    def _lags(self, topic: str) -> Iterator[Lag]:
        last = self.latest
        if last is None:
            return
        for group, committed in last.committed.items():
            here = {at: offset for at, offset in committed.items() if at[0] == topic and at in last.ends}
            if not here:
                continue
            behind = {at: offset for at, offset in here.items() if offset < last.ends[at]}
            ages = [self._age(at, offset) for at, offset in behind.items()]
            known = [age for age, exact in ages if exact]
            unknown = [age for age, exact in ages if not exact]
            yield Lag(
                group,
                sum(last.ends[at] - offset for at, offset in behind.items()),
                None if unknown else max(known, default=0.0),
                max(unknown, default=0.0),
            )

    def _age(self, at: At, offset: int) -> tuple[float, bool]:
        """Seconds since the log's end went past this offset, and whether that was seen; else since when it has been so at least."""
        latest = self.latest
        assert latest is not None
        ends, times = self._times[at]
        past = bisect_right(ends, offset)
        if past == 0:
            return latest.time - times[0], False
        # It went past between two looks: the later one is when it is known to have.
        return (latest.time - times[min(past, len(times) - 1)], True)


_LINE = re.compile(r"(router_[a-z_]+)\{([^}]*)\} ([0-9.eE+-]+)")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def counters_of(text: str) -> Counted:
    """What a worker's `/metrics` says. Lines that are not understood are left out: it may be of another version."""
    records: defaultdict[str, float] = defaultdict(float)
    copies: defaultdict[tuple[str, str], float] = defaultdict(float)
    waiting: defaultdict[str, float] = defaultdict(float)
    oldest: defaultdict[str, float] = defaultdict(float)
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        labels, count = dict(_LABEL.findall(found[2])), float(found[3])
        source = labels.get("source", "")
        match found[1]:
            case "router_records_in_total":
                records[source] += count
            case "router_copies_total":
                copies[source, labels.get("destination", "")] += count
            case "router_order_waiting":
                waiting[source] += count
            case "router_order_oldest_seconds":
                oldest[source] = max(oldest[source], count)
    return Counted(dict(records), dict(copies), dict(waiting), dict(oldest))
