"""Queues' names as topics' names: the same where Kafka takes them, else the nearest that it takes and nobody has. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from router.language.kafka_names import LONGEST, refusal

__all__ = ["exchange_names", "topic_names"]

_ILLEGAL = re.compile(r"[^A-Za-z0-9._-]+")
_KAFKAS_OWN = frozenset({"__consumer_offsets", "__transaction_state", "__cluster_metadata", "__share_group_state"})
_LONGEST_EXCHANGE = 255


def topic_names(queues: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By queue, the topic's name and why it is another one; the reason is empty where the name stays.

    Kafka's names are told apart as its metrics do it, where a dot is an underscore: of two names that differ in
    nothing else it creates the first only.
    """
    names = sorted(queues)
    renamed: dict[str, tuple[str, str]] = {}
    taken: dict[str, str] = {}
    later = []
    for name in names:
        reason = refusal(name) or (f"'{name}' is a topic of Kafka's own" if name in _KAFKAS_OWN else "")
        other = taken.get(_collision(name))
        if not reason and other is not None:
            reason = f"Kafka creates no topic beside '{other}' whose name differs only in dots and underscores"
        if reason:
            later.append((name, reason))
        else:
            renamed[name] = (name, "")
            taken[_collision(name)] = name
    for name, reason in later:
        new = _free(_legal(name), taken, longest=LONGEST)
        taken[_collision(new)] = new
        renamed[name] = (new, reason)
    return {name: renamed[name] for name in names}


def exchange_names(exchanges: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By exchange, its name in a route file and why it is another one, as `topic_names`: printable, and not too long."""
    names = sorted(exchanges)
    renamed = {name: (name, "") for name in names if _is_exchange_name(name)}
    taken = {_collision(name): name for name in renamed}
    for name in names:
        if name not in renamed:
            shown = "".join(each if each.isprintable() else "-" for each in name)[:_LONGEST_EXCHANGE]
            new = _free(shown, taken, longest=_LONGEST_EXCHANGE)
            taken[_collision(new)] = new
            renamed[name] = (new, f"an exchange's name has up to {_LONGEST_EXCHANGE} printable characters")
    return {name: renamed[name] for name in names}


def _is_exchange_name(name: str) -> bool:
    return len(name) <= _LONGEST_EXCHANGE and name.isprintable()


def _collision(name: str) -> str:
    return name.replace(".", "_")


def _legal(name: str) -> str:
    legal = _ILLEGAL.sub("-", name)
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    if not legal.strip("-._"):  # nothing of it is left that could be recognised
        return f"queue-{digest}"
    if legal in _KAFKAS_OWN:
        return legal.strip("_")
    return legal if len(legal) <= LONGEST else f"{legal[: LONGEST - 9]}-{digest}"


def _free(name: str, taken: dict[str, str], *, longest: int) -> str:
    """The name, or with the first number behind it that makes it one of its own."""
    number, free = 1, name
    while _collision(free) in taken:
        number += 1
        ending = f"-{number}"
        free = name[: longest - len(ending)] + ending
    return free
