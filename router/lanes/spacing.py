"""How far apart fetches are where there is no backlog. Pure.

A broker answers a fetch as soon as it has one record. So whoever asks again at once gets the few that came since, and pays for them a
fetch, a hand-over between threads, a batch and a request for each lane: the sooner the next fetch, the less each brings, and the more
of the time a worker is at work. What comes to a server that is at work for a share u of the time waits in proportion to
u / (1 - u) (M/M/1, and as M/G/1 by the formula of Pollaczek and Khinchine), so that asking less often makes copies come sooner. Until, that is, the
time between two fetches is itself what a record waits for. Where in between the best place is depends on the machine, on how many lanes there
are, and on what a copy costs, all of which a worker finds in its own CPU time: it lets so much time pass between two fetches
that it is at work for a given share of it.

Where copies become visible with a commit only, fetches between two commits make none of them visible sooner: such a worker does better to be at
work for less of its time.
"""

from __future__ import annotations

__all__ = ["FetchSpacing"]

_LEAST = 0.0025
"""Seconds between two fetches, however little they cost: with less, latency gets no better and brokers have more to do."""
_MOST = 0.02
"""The same, however much they cost: it is then something else that the process is at."""
_NEWEST = 0.05
"""What the latest one weighs beside those before it: commits and whatever else is at work between two fetches come and go."""


class FetchSpacing:
    """Times are seconds: of one clock that never goes back, and of the CPU time that this process has taken."""

    def __init__(self, utilization: float) -> None:
        """The share of the time that the process may be at work, above 0."""
        self._utilization = utilization
        self._begun: tuple[float, float] | None = None
        self._cost = 0.0

    def begin(self, now: float, worked: float) -> None:
        """A fetch begins. What the process has worked since the last one began is what that one has cost."""
        if self._begun is not None:
            self._cost += (worked - self._begun[1] - self._cost) * _NEWEST
        self._begun = now, worked

    def left(self, now: float) -> float:
        """Seconds until the next fetch is due; 0 where it is."""
        if self._begun is None:
            return 0.0
        apart = min(_MOST, max(_LEAST, self._cost / self._utilization))
        return max(0.0, self._begun[0] + apart - now)
