"""Kafka in memory, for the router's own tests and for yours: topics, a consumer group, faults on demand, time by hand.

A team tests its routes without a broker. The double runs the worker's own code, from the texts of routes to copies and
commits; only Kafka is replaced:

    with RouterDouble.from_folders("routes", "schemas") as router:
        router.publish("order.status.v1", {"sequence": 1, "country": "RU", "status": "paid"}, key="ord-1")
        (copy,) = router.read("notifications.order.status.v1")
        assert copy.key == b"ord-1"

Where records are put in order, or are retried, time decides as well: `router.clock.advance(10)`, then read. `router.reject(copy)`
does what a consumer does that cannot process a copy of a topic with `failure:`.

Below it are the parts: `MemoryBroker` keeps topics and offsets and suffers faults, `MemoryWorker` carries with real lanes.
Faults are values with a budget, and count how often they came true:

    lost = broker.suffer(DeliveryLost("narrow.v1", times=2))
    ...
    assert lost.fired == 2

Nothing sleeps: time passes when `HandClock.advance` says so.
"""

from router.testing.broker import MemoryBroker, MemoryTopic
from router.testing.clock import HandClock
from router.testing.double import RouterDouble
from router.testing.faults import (
    AcknowledgementsHeld,
    BrokerAway,
    CommitRefused,
    CopyRefused,
    DeliveryLost,
    Fault,
    TopicForbidden,
)
from router.testing.ports import MemoryBatch, MemoryCarrier, MemoryConsumer, MemoryDirectory, MemoryTransactionalCarrier
from router.testing.table import MemoryDisk, MemoryTable
from router.testing.worker import MemoryWorker, StandsStill

__all__ = [
    "AcknowledgementsHeld",
    "BrokerAway",
    "CommitRefused",
    "CopyRefused",
    "DeliveryLost",
    "Fault",
    "HandClock",
    "MemoryBatch",
    "MemoryBroker",
    "MemoryCarrier",
    "MemoryConsumer",
    "MemoryDirectory",
    "MemoryDisk",
    "MemoryTable",
    "MemoryTopic",
    "MemoryTransactionalCarrier",
    "MemoryWorker",
    "RouterDouble",
    "StandsStill",
    "TopicForbidden",
]
