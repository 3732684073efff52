"""A piece of Python that was written for a part of an expression, with what whoever puts pieces together must know of it."""

from __future__ import annotations

from dataclasses import dataclass

from router.language.cel.failure import WhereFailed
from router.language.cel.types import CelType, Tag

__all__ = ["FAILURES", "Code"]

FAILURES = (WhereFailed, TypeError, AttributeError, KeyError)
"""What a compiled expression raises where it has no value."""


@dataclass(frozen=True, slots=True)
class Code:
    """One Python expression."""

    text: str
    type: CelType
    fails: bool = False
    """Whether evaluating it can raise one of FAILURES."""
    names: frozenset[str] = frozenset()
    """The local variables of the function around it that it uses."""

    @property
    def sure(self) -> Tag | None:
        """The type that its value has without doubt; None where it can be null or is not known."""
        return None if self.type.nullable or self.type.tag in {Tag.DYN, Tag.NULL} else self.type.tag
