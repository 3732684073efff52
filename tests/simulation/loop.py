"""An event loop that chooses: time is virtual, what runs next is drawn by lot, and whole processes stop or vanish.

A run is a function of its seed. Nothing here waits for anything real: where no callback is ready, the clock jumps to the next
timer. Each callback belongs to the process in whose context it was made; one that is paused keeps its callbacks to itself
until it goes on, one that was killed runs no more, at whatever await it stood. Only when the run is over may its coroutines end, so that Python
has nothing to complain of: `bury` sees to that, and by then nobody listens to them.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from contextvars import Context, ContextVar
from random import Random
from typing import Any

__all__ = ["Process", "SimulatedLoop", "Stuck", "current_process"]

_EPOCH = 1_700_000_000.0
"""The time of day at which every run begins, in seconds since 1970."""


class Stuck(AssertionError):
    """A run made more steps than any run needs: something goes round in circles without time passing."""


class Process:
    """One operating system process: what it was doing can be paused, and is gone when it is killed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.paused = False
        self.parked: list[asyncio.Handle] = []

    def __repr__(self) -> str:
        return self.name


_OUTSIDE = Process("outside")
_PROCESS: ContextVar[Process] = ContextVar("process", default=_OUTSIDE)


def current_process() -> Process:
    """In whose code we are."""
    return _PROCESS.get()


class SimulatedLoop(asyncio.BaseEventLoop):
    """See above. `shuffled` is how often, of a hundred times, the next callback is drawn instead of being the oldest."""

    def __init__(self, random: Random, *, shuffled: int = 100, most_steps: int = 400_000) -> None:
        super().__init__()
        self._now = 0.0
        self._due: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._runnable: list[asyncio.Handle] = []
        self._count = 0
        self._chance = random.random
        self._shuffled = shuffled / 100
        self._most_steps = most_steps
        self.steps = 0
        self.complaints: list[dict[str, Any]] = []
        """What asyncio reported as never asked for."""
        self.set_exception_handler(lambda _, context: self.complaints.append(context))

    def time(self) -> float:
        """Seconds since the run began."""
        return self._now

    def wall(self) -> float:
        """The time of day that goes with it."""
        return _EPOCH + self._now

    # --- processes -------------------------------------------------------------------------------------------------------

    def start(self, process: Process, main: Callable[[], Any]) -> asyncio.Task[Any]:
        """Run a coroutine as a process of its own: all that it begins belongs to it."""
        context = Context()
        context.run(_PROCESS.set, process)
        return asyncio.Task(main(), loop=self, name=str(process), context=context)

    @staticmethod
    def kill(process: Process) -> None:
        """It ends here and now; nothing is tidied up."""
        process.alive = False
        process.paused = True

    @staticmethod
    def pause(process: Process) -> None:
        """It stands still, in the middle of whatever it does, while all others go on."""
        process.paused = True

    def resume(self, process: Process) -> None:
        """It goes on, and does not know that it stood still."""
        process.paused = False
        self._runnable += process.parked
        process.parked = []

    def bury(
        self, processes: Iterable[Process], tidy: Callable[[], Coroutine[Any, Any, None]], *, within: float
    ) -> None:
        """Cancel all that is left of these processes, tidy up, and let everything end; what does not, is forgotten."""
        for process in processes:
            self.resume(process)
        for task in asyncio.all_tasks(self):
            task.cancel()

        async def wait() -> None:
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(within):
                    await tidy()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if left:
                await asyncio.wait(left, timeout=within)

        self._most_steps = self.steps + 20_000
        with suppress(Stuck):
            self.run_until_complete(wait())
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]

    # --- asyncio's own ---------------------------------------------------------------------------------------------------

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        """See asyncio."""
        handle = asyncio.Handle(callback, args, self, context)
        self._runnable.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._due, (when, self._count, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """What was cancelled is skipped when its time comes."""

    def _run_once(self) -> None:
        runnable, due, chance, shuffled = self._runnable, self._due, self._chance, self._shuffled
        budget = 256
        while budget:
            budget -= 1
            if not runnable:
                if not due:
                    raise Stuck("nothing is left to run, and nothing to wait for")
                when, _, timer = heapq.heappop(due)
                if timer._cancelled:
                    continue
                self._now = max(self._now, when)
                runnable.append(timer)
                while due and due[0][0] <= self._now:
                    runnable.append(heapq.heappop(due)[2])
            count = len(runnable)
            if count > 1 and chance() < shuffled:
                index = int(chance() * count)
                handle = runnable[index]
                runnable[index] = runnable[-1]
                runnable.pop()
            else:
                handle = runnable.pop(0)
            if handle._cancelled:
                continue
            process = handle._context.get(_PROCESS, _OUTSIDE)  # type: ignore[attr-defined]
            if process.paused:
                process.parked.append(handle)
                continue
            self.steps += 1
            handle._run()
            if self._stopping:  # type: ignore[attr-defined]
                return
        if self.steps > self._most_steps:
            raise Stuck(f"{self.steps} steps at {self._now:.3f} s: something goes round in circles")

    def _process_events(self, event_list: Any) -> None:
        """There are none from outside."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""
