"""One decision in two parts: what a held record's consumers get at once, and what they get in order. Pure.

A record that is held is decided twice. When it comes, topics that do not wait for order get their copy, and so do topics
that only other exchanges of the source lead to. When it is released, it is decided anew, by the routes of that moment,
and every topic that they lead to and that has no copy yet gets one. So whatever changes in between, a topic gets one copy
at most, and none is lost that routes want at the end. A topic that the ordering exchange leads to waits even where another
exchange leads there too: one that came at once would be out of order.

A record that is in order needs none of this: its decision is carried out as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from router.exchange.decision import Decision, Walk
from router.exchange.model import Binding, DestinationKind

__all__ = ["on_arrival", "on_release"]


def on_arrival(decision: Decision, *, exchange: str, at_once: Collection[str]) -> Decision:
    """What goes now of a record that is held for this exchange's order; its `topics` are to be kept with the record.

    `at_once` are the topics that do not wait for order.
    """
    waiting = {
        delivery.topic for walk in decision.walks if walk.exchange == exchange for delivery in walk.deliveries
    }.difference(at_once)

    def tells(walk: Walk, binding: Binding) -> bool:
        topic = _topic(binding)
        return topic in at_once if walk.exchange == exchange else topic not in waiting

    return _part(
        decision,
        takes=lambda topic: topic not in waiting,
        tells=tells,
        unroutable=[name for name in decision.unroutable if name != exchange],
    )


def on_release(decision: Decision, *, exchange: str, at_once: Collection[str], given: Collection[str]) -> Decision:
    """What goes of a record when it is released, by its decision of this moment; `given` are the topics that have a copy."""
    return _part(
        decision,
        takes=lambda topic: topic not in given,
        tells=lambda walk, binding: walk.exchange == exchange and _topic(binding) not in at_once,
        unroutable=[name for name in decision.unroutable if name == exchange],
    )


def _part(
    decision: Decision,
    *,
    takes: Callable[[str], bool],
    tells: Callable[[Walk, Binding], bool],
    unroutable: Collection[str],
) -> Decision:
    """The copies that these topics get, and the conditions that failed on the way to them."""
    walks = tuple(
        replace(
            walk,
            deliveries=tuple(each for each in walk.deliveries if takes(each.topic)),
            steps=tuple(
                replace(step, failed=tuple(each for each in step.failed if tells(walk, each))) for step in walk.steps
            ),
        )
        for walk in decision.walks
    )
    return Decision(
        walks,
        tombstone=decision.tombstone,
        unroutable=tuple(unroutable),
        takes_off_bcc=decision.takes_off_bcc,
    )


def _topic(binding: Binding) -> str | None:
    to = binding.destination
    return to.name if to.kind is DestinationKind.TOPIC else None
