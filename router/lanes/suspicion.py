"""Which record ends the process of whoever works on it: found by halves, each of which costs one more death. Pure.

A worker that is killed from within (by a record that makes it take all memory, or that a library crashes on, or that keeps
it busy until its watchdog ends it) does so again when it is started again: it reads the same records. A note that outlives
the process tells which records a lane had begun to work on and not finished. So the next process knows

    a note of records that were begun and not finished     ──► they are suspected; of earlier suspects those that are among them
    suspects, after one death                               ──► worked on as ever: it may have been anything
    suspects, after two or more                             ──► worked on in halves, each with a note of its own
    one suspect, after two or more                          ──► it is set aside
    records behind the suspects                             ──► nobody is suspected any more

A death while nothing was begun says nothing about any record: nobody is suspected for a worker that was stopped or whose
machine failed, but for the few records that it was at work on in that moment, and those only once.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.errors import RecordError

__all__ = ["Deadly", "Part", "Suspicion", "after_death", "parts"]


class Deadly(RecordError):
    """Processes ended while they were at work on this record, and at last on no other."""

    reason = "deadly"

    def __init__(self, *, deaths: int) -> None:
        super().__init__(deaths)
        self.deaths = deaths
        """Processes that ended at work on it, or on records among which it was."""

    def __str__(self) -> str:
        return f"{self.deaths} processes of workers ended while they were at work on it"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Records by their offsets, one of which may have ended so many processes."""

    first: int
    last: int
    deaths: int


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a batch's records, to be worked on with a note of their own."""

    first: int
    last: int
    deadly: bool = False
    """It is the one: it is set aside, and not worked on."""


def after_death(first: int, last: int, before: Suspicion | None) -> Suspicion:
    """Whom to suspect when a process ended at work on these records."""
    if before is None or last < before.first or first > before.last:
        return Suspicion(first, last, 1)
    return Suspicion(max(first, before.first), min(last, before.last), before.deaths + 1)


def parts(first: int, last: int, suspicion: Suspicion | None) -> tuple[Part, ...]:
    """How to work on a batch of these offsets: whole, unless there are suspects in it."""
    if suspicion is None or suspicion.deaths < 2 or last < suspicion.first or first > suspicion.last:
        return (Part(first, last),)
    begin, end = max(first, suspicion.first), min(last, suspicion.last)
    found = [Part(first, begin - 1)] if first < begin else []
    if begin == end:
        found.append(Part(begin, end, deadly=suspicion.first == suspicion.last))
    else:
        middle = (begin + end) // 2
        found += [Part(begin, middle), Part(middle + 1, end)]
    return (*found, *([Part(end + 1, last)] if end < last else []))
