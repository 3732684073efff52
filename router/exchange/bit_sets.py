"""Sets of small numbers, kept as the bits of one integer.

Python's integers have as many bits as are asked of them, and `&` and `|` of two sets of 2,000 members take less than a tenth
of a microsecond. So what many bindings ask for is compared all at once, with one operation for each thing that a message
brings, and only the members that are left in the end are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import TypeVar

__all__ = ["BLOCK", "bit_set", "members", "select"]

BLOCK = 2_048
"""Members of one set at most, where a set is kept for each thing that is asked for: or memory grew with the square."""

_FEW = 24
"""Up to here members are taken out one by one; more are found by writing the whole set out."""
_BITS = tuple(1 << number for number in range(BLOCK))
_TRUTHS = bytes.maketrans(b"01", b"\x00\x01")

T = TypeVar("T")


def bit_set(numbers: Iterable[int]) -> int:
    """The set of these numbers."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def select(items: Sequence[T], chosen: int) -> list[T]:
    """The items whose index is in the set, in their order."""
    if chosen.bit_count() > _FEW or chosen.bit_length() > BLOCK:
        digits = bin(chosen)[:1:-1].encode().translate(_TRUTHS)
        return list(compress(items, digits))
    found = []
    while chosen:
        highest = chosen.bit_length() - 1
        found.append(items[highest])
        chosen ^= _BITS[highest]
    found.reverse()
    return found


def members(chosen: int) -> list[int]:
    """The numbers of a set, in ascending order."""
    return select(range(chosen.bit_length()), chosen)
