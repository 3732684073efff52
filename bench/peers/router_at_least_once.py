"""The router without transactions."""

from __future__ import annotations

from bench.peers.router import AT_LEAST_ONCE, worker

__all__ = ["CONTENDER"]

CONTENDER = worker("this router at least once", guarantee=AT_LEAST_ONCE)
