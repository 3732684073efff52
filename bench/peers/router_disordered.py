"""The router with `order:` on, over a feed of which one record in a hundred comes out of order."""

from __future__ import annotations

from bench.job import Shape
from bench.peers.router import worker

__all__ = ["CONTENDER"]

CONTENDER = worker(
    "this router, each order's records put in sequence; 1 % of them come out of it",
    shape=Shape(ordered=True, disordered=0.01),
)
