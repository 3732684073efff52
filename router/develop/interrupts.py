"""Ctrl-C and SIGTERM, in two steps: the first asks to end in good order, the second insists."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Catches both signals inside its block. Use it in the main thread.

    Until `polite` is called, the first signal raises KeyboardInterrupt, because nothing is there yet that would look at
    `asked`. After it, the first only sets `asked`, and the second raises.
    """

    def __init__(self) -> None:
        self.asked = False
        """Whether somebody wants an end."""
        self._polite = False
        self._before: dict[signal.Signals, Any] = {}

    def polite(self) -> None:
        """From now on somebody looks at `asked`."""
        self._polite = True

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        insisted = self.asked or not self._polite
        self.asked = True
        if insisted:
            raise KeyboardInterrupt
