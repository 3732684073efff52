"""What was decided for a record, and by what: the one value that workers obey and `explain` prints."""

from __future__ import annotations

from dataclasses import field

from router.exchange.hot_values import hot_value
from router.exchange.model import Binding, Destination

__all__ = ["Decision", "Delivery", "Step", "Walk"]


@hot_value
class Step:
    """What one exchange on the way did with the message."""

    exchange: str
    matched: tuple[Binding, ...]
    """The bindings that took it, in declared order."""
    alternate: Destination | None
    """Where it went next because nothing matched; None where something did, or where there is no alternate."""
    failed: tuple[Binding, ...] = ()
    """Bindings that all else of the message met, but whose condition could not be evaluated on the record."""


@hot_value
class Walk:
    """A message's way from the exchange that it entered, each exchange visited once."""

    exchange: str
    routing_key: str
    steps: tuple[Step, ...]
    deliveries: tuple[Delivery, ...]


@hot_value
class Delivery:
    """One copy, and all that led to it."""

    topic: str
    bindings: tuple[Binding, ...]
    """Every binding that leads there; empty where only an alternate does."""
    alternates: tuple[str, ...] = ()
    """The exchanges whose alternate leads there."""


@hot_value
class Decision:
    """Where a record goes. `topics` has each topic once, however many ways lead there."""

    walks: tuple[Walk, ...]
    tombstone: bool = False
    """The record has no value, so that it was not matched but sent where its exchange's `tombstones:` says."""
    topics: tuple[str, ...] = field(init=False)
    unroutable: tuple[str, ...] = ()
    """The exchanges it entered and that led nowhere; not empty: one copy goes to the source's unroutable topic."""
    takes_off_bcc: bool = False
    """Copies go without the header BCC, which an exchange with `cc: true` has read."""
    failed: tuple[Binding, ...] = field(init=False)
    """Bindings whose condition could not be evaluated on the record, over all walks."""
    plain: bool = field(init=False)
    """Copies have the record's headers as they are, and no condition failed: all but a few decisions."""

    def __post_init__(self) -> None:
        walks = self.walks
        topics = [delivery.topic for walk in walks for delivery in walk.deliveries]
        if len(walks) > 1:  # each of which has a topic once
            topics = list(dict.fromkeys(topics))
        failed: tuple[Binding, ...] = ()
        for walk in walks:
            for step in walk.steps:
                if step.failed:
                    failed += step.failed
        # Nobody has it yet, so that it may still be completed.
        self.topics = tuple(topics)  # type: ignore[misc]
        self.failed = failed  # type: ignore[misc]
        self.plain = not failed and not self.takes_off_bcc  # type: ignore[misc]

    def delivery(self, topic: str) -> Delivery:
        """The copy that goes to a topic, with what led to it over all walks; KeyError where none goes there."""
        found = [delivery for walk in self.walks for delivery in walk.deliveries if delivery.topic == topic]
        if not found:
            raise KeyError(topic)
        return Delivery(
            topic,
            tuple(dict.fromkeys(binding for delivery in found for binding in delivery.bindings)),
            tuple(dict.fromkeys(exchange for delivery in found for exchange in delivery.alternates)),
        )
