"""What a worker asks of Python and of the machine, once, when it starts."""

from __future__ import annotations

import gc
import resource

__all__ = ["allow_connections", "spare_garbage_collection"]

_CONTAINERS_BETWEEN_COLLECTIONS = 70_000
"""New containers after which Python collects garbage by itself: some ten thousand records, more than are on their way."""


def spare_garbage_collection() -> None:
    """Collect when the worker says so instead of all the time, and leave alone what lives as long as the process.

    Records and their headers are containers that die by reference counts, in no cycles. But Python looks for cycles after
    every 700 new containers, which with tens of thousands of records on their way was a fifth of all CPU time. Not to look
    at all would be wrong, too: one forgotten cycle may hold all the bytes of a fetch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_CONTAINERS_BETWEEN_COLLECTIONS)


def allow_connections() -> None:
    """Let this process have as many connections as it may at all: each lane has its own to every broker that it needs.

    Usual is a limit of 1,024 that a process may raise by itself; 200 partitions on three brokers exceed it.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
