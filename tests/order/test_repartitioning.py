"""What each lane gets where records are keyed anew."""

from __future__ import annotations

from order.gathered import INTERNAL, PAYMENTS, STATUSES, double

from router.lanes.batch import SourcePartition
from router.lanes.copying import Copier, Identity
from router.language.deciders import deciders
from router.order.gathering import GatheredOrdering, GatheringCopier
from router.order.relaying import Relay, RelayCopier
from router.order.repartitioning import Repartitioning
from router.order.upstream import UpstreamPositions
from router.testing import RouterDouble

IDENTITY = Identity(service="router", instance="here", route_set="00000000")
PLAIN = "plain.status.v1"
OTHERS = f"others: {{type: fanout, sources: [{PLAIN}]}}"
TOPICS = "more.status.v1: {from: [{exchange: others}]}"


def repartitioning(router: RouterDouble) -> Repartitioning:
    """Return what a worker of these routes would have."""
    decide = {topic: each.decide for topic, each in deciders(router.route_set, in_lanes=True).items()}
    return Repartitioning(router.route_set, decide=decide, destinations=router.worker.destinations)


def test_lanes_on_both_sides_get_their_parts_and_others_nothing() -> None:
    """By their topics."""
    with double(exchanges=OTHERS, topics=TOPICS) as router:
        made = repartitioning(router)
        relaying = made.copier(STATUSES, identity=IDENTITY)
        gathering = made.copier(INTERNAL, identity=IDENTITY)
        assert isinstance(relaying, RelayCopier)
        assert isinstance(made.relay(relaying, STATUSES), Relay)
        assert isinstance(gathering, GatheringCopier)
        assert made.relay(gathering, INTERNAL) is None
        assert made.copier(PLAIN, identity=IDENTITY) is None
        plain = Copier(PLAIN, decide=lambda _: None, destinations=router.worker.destinations, identity=IDENTITY)  # type: ignore[arg-type,return-value] - it decides nothing here
        assert made.relay(plain, PLAIN) is None
        lane = next(each for each in router.worker.lanes if each.source.topic == INTERNAL)
        assert isinstance(lane._order, GatheredOrdering)
        assert made.ordering(SourcePartition(PLAIN, 0), copier=plain, table=lane._order.table) is None
        assert list(made.internal) == [INTERNAL]


async def test_internal_topic_ends_behind_all_partitions_of_its_sources() -> None:
    """As many as there are now; a source's own lane asks as ever."""
    router = double()
    made = repartitioning(router)
    consumer = router.worker.consumer
    assert made.positions(STATUSES, consumer) is consumer
    positions = made.positions(INTERNAL, consumer, clock=router.clock)
    assert isinstance(positions, UpstreamPositions)
    await router.worker.destinations.refresh()
    assert sorted(positions._sources()) == [
        *(SourcePartition(PAYMENTS, number) for number in range(2)),
        *(SourcePartition(STATUSES, number) for number in range(3)),
    ]
