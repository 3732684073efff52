"""Topics that are twins: those of one subject's versions, each with copies of what producers wrote to the others. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.language.routes import RouteSet

__all__ = ["Twins", "twins_of", "unneeded", "version_of"]

_VERSION = re.compile(r"(?P<name>.+)\.v(?P<version>[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Twins:
    """What one topic's lanes must know of the others."""

    others: tuple[str, ...]
    """The topics of all other versions."""
    earlier: tuple[str, ...] = ()
    """Those of them whose records are routed before what was written here after them."""
    writers: tuple[str, ...] | None = None
    """The groups whose copies are told apart; None: every group's."""
    former: int = 0
    """How many partitions the smaller one has, where they are two generations of a topic: see `records.generations`."""


def version_of(topic: str) -> tuple[str, int]:
    """The name in front of a topic's version, and the version. Raises ValueError where it has none."""
    found = _VERSION.fullmatch(topic)
    if found is None:
        raise ValueError(f"'{topic}' has no version: a name that ends in .v1, .v2 …")
    return found["name"], int(found["version"])


def twins_of(route_set: RouteSet) -> dict[str, Twins]:
    """By broad topic that routes name by its subject, its twins; topics that have none are missing."""
    found: dict[str, Twins] = {}
    for subject in sorted({each.subject for each in route_set.sources.values() if each.subject is not None}):
        named = (topic for topic, each in route_set.sources.items() if each.subject == subject)
        topics = sorted(named, key=lambda topic: version_of(topic)[1])
        for index, topic in enumerate(topics if len(topics) > 1 else ()):
            found[topic] = Twins((*topics[:index], *topics[index + 1 :]), tuple(topics[:index]))
    return found


def unneeded(missing: Iterable[str], twins: Mapping[str, Twins]) -> frozenset[str]:
    """Of topics that do not exist, those that need not: a twin of theirs is there, before a migration or behind it."""
    gone = frozenset(missing)
    return frozenset(topic for topic in gone if topic in twins and not gone.issuperset(twins[topic].others))
