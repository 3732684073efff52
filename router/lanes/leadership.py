"""Who leads a partition, as the last word: what its replicas must agree upon before an end that one of them tells is believed. Pure.

A broker that is not heard of for longer than its session is taken for dead, and another one leads in its place. Where it was only stopped, or cut
off, it answers again before it hears of that; and to whoever still takes it for the leader it tells where its log ends, which is the end of a
while ago. Nothing is refused, and nothing in the answer shows it: KIP-207 is about leaders that are new, not about those that were.

Kafka numbers the leaders of a partition by epochs, and a broker refuses a question that names another epoch than its own (KIP-320). So the
latest epoch must be known before the end is asked for. Who may be made leader is in sync; who is made leader knows it before it takes a
record. Hence

    a record was acknowledged before we ask
        ──► its leader, or one after it, is among those who were in sync under any epoch before
        ──► if all who are in sync under the latest epoch that anybody tells of hold that epoch themselves, there is no later one
        ──► the leader of that epoch has the record; asked with the epoch, a broker that leads no more, or not yet, refuses

Two brokers that disagree are asked anew until they don't: views follow each other within milliseconds, and a broker that does not follow is
out of sync as soon as the controller misses it (`broker.session.timeout.ms`). Replicas that are not in sync are asked, too, since a view
of who is in sync may be old as well; what they hold counts where it is later, but nobody waits for them for long.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

__all__ = ["View", "agreed_leader", "replicas_of"]

_NOBODY = -1


class View(NamedTuple):
    """What one broker takes for so about a partition."""

    epoch: int
    """The number of its leader, counted by elections."""
    leader: int
    """The broker; -1 for none."""
    replicas: Collection[int]
    in_sync: Collection[int]
    """Those of the replicas that may be made leader."""


def agreed_leader(views: Mapping[int, View]) -> View | None:
    """The view, of those that brokers hold (by their numbers), in which nobody leads who was followed by another.

    None where that cannot be said: nobody leads, or one that is in sync was not heard or holds another view.
    """
    latest = max(views.values(), key=lambda view: view.epoch, default=None)
    if latest is None or latest.leader == _NOBODY:
        return None
    for broker in {latest.leader, *latest.in_sync}:
        held = views.get(broker)
        if held is None or held[:2] != latest[:2]:
            return None
    return latest


def replicas_of(views: Mapping[int, View]) -> set[int]:
    """The brokers that have the partition, as any view has it."""
    return {broker for view in views.values() for broker in view.replicas}
