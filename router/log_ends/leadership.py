"""Who leads a partition, as the last word: what its replicas must agree upon before an end that one of them tells is believed. Pure.

A broker that is not heard of for longer than its session is taken for dead, and another one leads in its place. Where it was only stopped, or cut
off, it answers again before it hears of that; and to whoever still takes it for the leader it tells where its log ends, which is the end of a
while ago. Nothing is refused, and nothing in the answer shows it: KIP-207 is about leaders that are new, not about those that were.

Kafka numbers the leaders of a partition by epochs, and a broker refuses a question that names another epoch than its own (KIP-320). So the
latest epoch must be known before the end is asked for. Who may be made leader is in sync; who is made leader has its metadata say so before
it takes a record (with KRaft). Hence

    a record was acknowledged before we ask
        ──► its leader, or one after it, is among those who were in sync under any epoch before
        ──► if all who are in sync under the latest epoch that anybody tells of hold that epoch themselves, there is no later one
        ──► the leader of that epoch has the record; asked with the epoch, a broker that leads no more, or not yet, refuses

Two brokers that disagree are asked anew until they don't: views follow each other within milliseconds, and a broker that does not follow is
out of sync as soon as the controller misses it (`broker.session.timeout.ms`).

Who is in sync is itself a view, and may be old; and where nobody in sync is left, one that was may be made leader (KIP-966). So replicas that are
not in sync are asked, too: what they hold counts where it is later. One of them that keeps silent may know better, unless most
replicas hold the latest view: then it would have had to be made leader without any of those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

__all__ = ["View", "agreed_leader", "doubts", "replicas_of"]

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


def agreed_leader(views: Mapping[int, View], *, silent: Collection[int] = ()) -> View | None:
    """The view, of those that brokers hold (by their numbers), in which nobody leads who was followed by another.

    None where that cannot be said, `doubts` says why. `silent` are brokers that may answer yet.
    """
    latest = max(views.values(), key=lambda view: view.epoch, default=None)
    return latest if latest is not None and not any(doubts(views, silent=silent)) else None


def doubts(views: Mapping[int, View], *, silent: Collection[int] = ()) -> Iterable[str]:
    """Why it is not certain who leads; nothing where it is."""
    epoch = max((view.epoch for view in views.values()), default=-1)
    latest = {broker: view for broker, view in views.items() if view.epoch == epoch}
    leaders = {view.leader for view in latest.values()}
    if not latest:
        yield "no broker answers"
        return
    if leaders == {_NOBODY}:
        yield "it has no leader"
        return
    # Within an epoch, too, brokers come in sync and fall behind: whoever is for any of them may be for the controller.
    needed = leaders.union(*(view.in_sync for view in latest.values()))
    for broker in sorted(needed - {_NOBODY}):
        if broker not in views:
            yield f"broker {broker}, which is in sync, does not answer"
        elif broker not in latest:
            yield f"broker {broker}, which is in sync, has not heard of its leader"
    if len(leaders) > 1:
        yield f"brokers {', '.join(map(str, sorted(leaders)))} are named as its leader"
    replicas = replicas_of(latest)
    if 2 * len(latest.keys() & replicas) <= len(replicas):
        yield from (f"broker {broker} has not answered yet" for broker in sorted({*silent} & replicas - needed))


def replicas_of(views: Mapping[int, View]) -> set[int]:
    """The brokers that have the partition, as any view has it."""
    return {broker for view in views.values() for broker in view.replicas}
