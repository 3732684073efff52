"""The names of the topics beside one whose consumer may reject records."""

from __future__ import annotations

from router.failure import rejections
from router.failure.topics import parked_of, rejected_of


def test_names_are_the_documented_ones() -> None:
    """Clients in any language write these names: they are part of the protocol."""
    assert (rejected_of("a.v1"), parked_of("a.v1")) == ("a.v1.rejected", "a.v1.parked")


def test_protocol_uses_the_same_names() -> None:
    """Whoever looks for them beside the protocol finds the same ones."""
    assert (rejections.rejected_of, rejections.parked_of) == (rejected_of, parked_of)
