"""Which names Kafka takes for a topic."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "is_topic_name", "refusal"]

LONGEST = 249
"""Characters of a topic's name."""

_LEGAL = re.compile(r"[A-Za-z0-9._-]")


def is_topic_name(name: str) -> bool:
    """Whether Kafka takes it."""
    return not refusal(name)


def refusal(name: str) -> str:
    """Why Kafka does not take a name, in words; empty where it does."""
    if not name:
        return "a topic needs a name"
    if name in {".", ".."}:
        return f"Kafka takes no topic of the name '{name}'"
    strange = next((each for each in name if not _LEGAL.fullmatch(each)), None)
    if strange is not None:
        return f"'{name[:80]}' has '{strange}' in it: topics' names have a-z, A-Z, 0-9, '.', '_' and '-'"
    return f"the name has {len(name)} characters: Kafka takes {LONGEST}" if len(name) > LONGEST else ""
