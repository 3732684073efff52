"""What of a broad topic may be replayed, and which of its records are meant. Pure."""

from __future__ import annotations

from collections.abc import Callable

from router.errors import RecordError
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue
from router.records.record import Record
from router.redrive.selection import question
from router.replay.plan import Replay

__all__ = ["asked_of", "can_replay", "why_not"]


def can_replay(routes: RouteSet, source: str) -> bool:
    """Whether lanes of a broad topic can send some of it once more."""
    return not why_not(routes, source)


def why_not(routes: RouteSet, source: str) -> str:
    """Why lanes of a broad topic cannot; empty where they can."""
    found = routes.sources[source]
    if found.order is not None or found.relay is not None or found.gathers:
        return "is put in order: its places are taken, so that what came before would be late"
    if found.subject is not None:
        return f"is read as a version of '{found.subject}': name the topic itself in `sources:`"
    return ""


def asked_of(catalogue: Catalogue, replay: Replay) -> Callable[[Record], bool]:
    """What evaluates a replay's `where`: a record of which there is no telling is not meant.

    Raises WrongSelection where it cannot be asked of the source's records.
    """
    if not replay.where:
        return lambda _: True
    holds = question(replay.where, catalogue.resolve(replay.source), of=replay.source)

    def safely(record: Record) -> bool:
        try:
            return holds(record)
        except (RecordError, ValueError, RecursionError):
            return False

    return safely
