"""The router with `failure:` on every destination, and consumers that reject nothing."""

from __future__ import annotations

from bench.job import Shape
from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker("this router, its consumers may reject, and none does", shape=Shape(failing=True))
