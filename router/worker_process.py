"""The process of a worker: its logs, and its end, in time and whatever hangs."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any, NoReturn

import faust

from router.errors import InvariantError
from router.observe.logs import configure_logging, get_logger
from router.observe.progress import Stall
from router.observe.watchdog import end_process, main_stack
from router.settings import Settings

__all__ = ["RouterWorker", "configure_worker_logging", "end_blocked", "end_stalled"]

log = get_logger("router.worker")

_END_WITHIN = 4.5
"""Seconds after SIGTERM at which the process ends, whatever still hangs: nothing that was not committed is lost by it."""


class RouterWorker(faust.Worker):
    """Faust's worker, with our logs, and an end in time."""

    def __init__(self, app: Any, *services: Any, loglevel: Any = None, **kwargs: Any) -> None:
        configure_worker_logging(app.router_settings, loglevel)
        # Faust's own set-up would replace ours, and leave the root logger at DEBUG under `-l warn`.
        super().__init__(app, *services, loglevel=loglevel, **(kwargs | {"override_logging": False}))
        self.spinner = None
        if app.router_settings.http_port == 0:
            # Faust's command has turned it on by now, whatever the app's configuration said.
            app.conf.web_enabled = False

    def execute_from_commandline(self) -> NoReturn:
        """Run until the end, then leave at once."""
        try:
            super().execute_from_commandline()
        except SystemExit as ended:
            # All services have ended. What Python would tidy up now is of no use to anybody, and its last collection of
            # garbage, with the remains of loops and threads in it, was seen to hang.
            sys.stdout.flush()
            logging.shutdown()
            os._exit(ended.code if isinstance(ended.code, int) else 1)
        raise InvariantError("Faust's worker returned instead of ending the process")

    async def _sentinel_task(self) -> None:
        """Faust waits for a second with its loop before it closes it: there is nothing left to come."""

    def _schedule_shutdown(self, signal: Any) -> None:
        if not self._signal_stop_time:
            guard = threading.Timer(_END_WITHIN, _end_now)
            guard.daemon = True
            guard.start()
        super()._schedule_shutdown(signal)


def _end_now() -> None:
    log.warning("not everything ended in time: leaving; uncommitted records are read again", reason="forced-exit")
    sys.stdout.flush()
    os._exit(0)


def end_stalled(stall: Stall) -> None:
    """End this process, which does not move although it has work."""
    end_process(lambda: log.critical("the worker ends: it does not move", reason="no-progress", problem=str(stall)))


def end_blocked(stall: Stall) -> None:
    """From the watchdog's thread: the loop is blocked, and the stack shows by what."""
    stack = main_stack()
    end_process(
        lambda: log.critical(
            "the worker ends: its event loop is blocked", reason="no-progress", problem=str(stall), stack=stack
        )
    )


def configure_worker_logging(settings: Settings, level: Any = None) -> None:
    """Our logs and everyone's in one form; the environment's level wins over the command line's `-l`."""
    fixed = {"service.name": settings.group, "service.node.name": settings.instance}
    configure_logging(settings.log_level or level or "info", settings.log_format, stream=sys.stdout, fixed=fixed)
