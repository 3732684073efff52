"""What patterns mean, from their definition alone; and patterns and keys to hold others to it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

__all__ = ["Words", "keys", "naive", "patterns", "words"]

Words = tuple[str, ...]


def words(key: str) -> Words:
    """A key's words; the empty key has none."""
    return tuple(key.split(".")) if key else ()


def naive(pattern: Sequence[str], key: Sequence[str]) -> bool:
    """The definition, word by word: `#` takes none or takes one and stays."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return naive(pattern[1:], key) or (bool(key) and naive(pattern, key[1:]))
    return bool(key) and pattern[0] in ("*", key[0]) and naive(pattern[1:], key[1:])


# Few words, so that patterns meet keys; with look-alikes, wildcards in keys, empty words and one that no pattern has.
_LITERALS = ["a", "b", "", "a*", "#a", "**", "*#"]
patterns = st.lists(st.sampled_from([*_LITERALS, "*", "#", "#"]), max_size=6).map(tuple)
keys = st.lists(st.sampled_from([*_LITERALS, "*", "#", "unheard"]), max_size=7).map(tuple)
