"""A process has one logging: a test that configures it must give it back."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

__all__ = ["logging_given_back"]


@contextmanager
def logging_given_back() -> Iterator[None]:
    """Afterwards logging, the standard streams and the hooks of uncaught errors are as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    streams, hooks = (sys.stdout, sys.stderr), (sys.excepthook, threading.excepthook)
    try:
        yield
    finally:
        (sys.stdout, sys.stderr), (sys.excepthook, threading.excepthook) = streams, hooks
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.reset_defaults()
