"""The router among two thousand bindings."""

from __future__ import annotations

from bench.job import Shape
from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker("this router, among 2,000 bindings", shape=Shape(bindings=2000))
