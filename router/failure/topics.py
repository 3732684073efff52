"""The names of the topics that stand beside one whose consumer may reject records. Pure."""

from __future__ import annotations

__all__ = ["parked_of", "rejected_of"]


def rejected_of(topic: str) -> str:
    """Where consumers of a topic reject its records."""
    return f"{topic}.rejected"


def parked_of(topic: str) -> str:
    """Where consumers of a topic keep which keys are parked."""
    return f"{topic}.parked"
