"""How functions are kept: by name, then by the types of what they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Overloads"]

Overloads = Mapping[str, Mapping[tuple[type, ...], Callable[..., Any]]]
"""By name and exact types of values. A method's receiver is its first argument."""
