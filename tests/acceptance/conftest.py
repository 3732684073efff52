"""Tests here run the worker as a process, on a real Kafka."""

from support.fixtures import stage

__all__ = ["stage"]
