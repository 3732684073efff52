"""The router with two hundred destinations and as many copies as ever."""

from __future__ import annotations

from bench.job import Shape
from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker("this router, copies spread over 203 topics", shape=Shape(by_shop=True))
