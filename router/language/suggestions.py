"""Did you mean …? The nearest known name to an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A question with the nearest name, or `otherwise` where none is near."""
    candidates = {each.lower(): each for each in sorted(known)}
    near = get_close_matches(name[:255].lower(), candidates, n=1, cutoff=0.6)
    return f"did you mean '{candidates[near[0]]}'?" if near else otherwise
