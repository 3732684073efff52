"""Values that are made for every decision, as cheaply as Python makes them.

A frozen dataclass sets each attribute by a detour, which costs several times what setting it does; of the values of one
decision that would be most of the time. So these are frozen to the type checker, which sees all of our code, and to nobody
else; they compare and hash by their attributes, as frozen ones do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

__all__ = ["hot_value"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def hot_value(cls: type[T]) -> type[T]:
    """A slotted dataclass that nobody changes."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
