"""RE2, the specification's regular expressions: the one module that knows it. Its time is linear in the text."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from router.language.cel.failure import WhereFailed

__all__ = ["Patterns", "Re2", "refusal"]


class Re2:
    """The engine of `matches`. A pattern is compiled once; a thousand are remembered, since records may bring their own."""

    def search(self, pattern: str, text: str) -> bool:
        """Whether the pattern occurs in the text. Halves of surrogate pairs, from bytes that are not UTF-8, match nothing."""
        try:
            return _compiled(pattern).search(text.encode(errors="replace")) is not None
        except re2.error as error:
            raise WhereFailed(f"'{pattern[:60]}' is no regular expression: {error}") from error

    def compile(self, pattern: str) -> Callable[[str], bool]:
        """The same for one pattern and many texts."""
        self.search(pattern, "")
        found = _compiled(pattern).search
        return lambda text: found(text.encode(errors="replace")) is not None


class Patterns:
    """Searches by patterns of route files, which passed `refusal`: each is compiled once and remembered for good."""

    def __init__(self) -> None:
        self._compiled: dict[str, Any] = {}

    def search(self, pattern: str, text: str) -> bool:
        """Whether the pattern occurs in the text, as with `Re2`."""
        compiled = self._compiled.get(pattern)
        if compiled is None:
            compiled = self._compiled[pattern] = _compile(pattern)
        return compiled.search(text.encode(errors="replace")) is not None


def refusal(pattern: str) -> tuple[int, str] | None:
    """Where in a pattern, in characters, and why RE2 does not take it; None where it does."""
    try:
        _compile(pattern)
    except re2.error as error:
        problem = bytes(error.args[0]).decode(errors="replace") if error.args else "it cannot be compiled"
        what, _, part = problem.partition(": ")
        if not part or part == pattern or part not in pattern:
            return (pattern.rfind("(") if what == "missing )" and "(" in pattern else 0), f"{what} in '{pattern[:60]}'"
        return pattern.find(part), f"{what}: '{part[:60]}'"
    return None


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern.encode(errors="replace"), options)


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> Any:
    return _compile(pattern)
