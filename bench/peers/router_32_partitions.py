"""The router on many partitions: a lane, a producer and a share of memory each."""

from __future__ import annotations

from bench.job import Shape
from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker("this router, one worker on 32 partitions", shape=Shape(partitions=32))
