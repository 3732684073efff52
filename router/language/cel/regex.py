"""RE2, the specification's regular expressions: the one module that knows it. Its time is linear in the text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from router.language.cel.failure import WhereFailed

__all__ = ["Re2"]


class Re2:
    """The engine of `matches`. A pattern is compiled once; a thousand are remembered, since records may bring their own."""

    def search(self, pattern: str, text: str) -> bool:
        """Whether the pattern occurs in the text. Halves of surrogate pairs, from bytes that are not UTF-8, match nothing."""
        try:
            return _compiled(pattern).search(text.encode(errors="replace")) is not None
        except re2.error as error:
            raise WhereFailed(f"'{pattern[:60]}' is no regular expression: {error}") from error


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern.encode(errors="replace"), options)
