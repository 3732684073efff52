"""What happened, in order, in words: kept by every run, read when one fails."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Story"]


class Story:
    """Events of one run. Composed only when somebody reads them: most runs go well, and nobody does."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.closed = False
        """What happens from now on is of no interest."""
        self._events: list[tuple[float, str, str, tuple[object, ...]]] = []

    def tell(self, who: str, what: str, *facts: object) -> None:
        """Something happened: `what` is a %-format for the facts, which must not change any more."""
        if not self.closed:
            self._events.append((self._now(), who, what, facts))

    def __len__(self) -> int:
        return len(self._events)

    def lines(self) -> list[str]:
        """One line an event."""
        return [f"{at:8.3f} s  {who:<10} {what % facts if facts else what}" for at, who, what, facts in self._events]

    def __str__(self) -> str:
        return "\n".join(self.lines())
