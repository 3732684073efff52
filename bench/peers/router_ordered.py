"""The router with `order:` on, over a feed that is in order."""

from __future__ import annotations

from bench.job import Shape
from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker("this router, each order's records put in sequence", shape=Shape(ordered=True))
