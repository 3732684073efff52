"""Which bindings the cases exercise, and which none does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.exchange.model import Binding
from router.language.cases import CaseResult
from router.language.routes import RouteSet

__all__ = ["Coverage", "coverage_of"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The bindings of a route set, and those that took no case's message, both by their place in the files."""

    bindings: tuple[Binding, ...]
    missed: tuple[Binding, ...]

    @property
    def percent(self) -> int:
        """The share that is exercised, rounded down: 100 only where nothing is missed."""
        return 100 * (len(self.bindings) - len(self.missed)) // len(self.bindings) if self.bindings else 100


def coverage_of(route_set: RouteSet, results: Iterable[CaseResult]) -> Coverage:
    """What these results exercise of the bindings of all teams."""
    exercised = {binding for result in results for binding in result.matched}
    bindings = [binding for exchange in route_set.exchanges.values() for binding in exchange.bindings]
    bindings.sort(key=lambda binding: (binding.place, str(binding.destination)))
    return Coverage(tuple(bindings), tuple(binding for binding in bindings if binding not in exercised))
