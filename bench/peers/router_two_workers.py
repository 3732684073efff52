"""Two workers of the router, which share the partitions."""

from __future__ import annotations

from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker("two processes of this router; CPU seconds are of both", workers=2)
