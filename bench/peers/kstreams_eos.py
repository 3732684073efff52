"""Kafka Streams on one thread, in transactions of 100 ms as it does by itself."""

from __future__ import annotations

from bench.peers.kstreams import streams

__all__ = ["CONTENDER"]

CONTENDER = streams("Kafka Streams, one thread, `exactly_once_v2`", guarantee="exactly_once_v2", commit_every_ms=100)
