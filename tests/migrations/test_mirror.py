"""The routes of a mirror, and what its copies say."""

import pytest

from router.errors import DestinationUnavailable
from router.exchange.decision import Decision
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Identity, Refusals
from router.language.deciders import deciders
from router.migrations.mirror import (
    Announcing,
    MirrorCopier,
    SpreadingCopier,
    announcement,
    mirror_routes,
    mirror_twins,
    spreading_routes,
)
from router.migrations.twins import Twins
from router.records.partition import partition_of
from router.records.record import PlainRecord, Record
from router.versions.catalogue import new_catalogue

SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'
LARGER = SCHEMA.replace('"string"}', '"string"}, {"name": "note", "type": "string", "default": ""}')
CATALOGUE = new_catalogue(
    {
        "order/v1.avsc": SCHEMA,
        "order/v2.avsc": LARGER,
        "order/v2_to_v1.yaml": "loses: [note]\n",
        "order/v3.avsc": LARGER,
    }
)
FORMER, NEW = "shop.order.v1", "shop.order.v2"
WAYS = ((FORMER, NEW), (NEW, FORMER))


class Counts:
    """Topics with so many partitions."""

    def __init__(self, **counts: int) -> None:
        self._counts = {name.replace("_", "."): count for name, count in counts.items()}

    def partitions(self, topic: str) -> int:
        """As told."""
        return self._counts.get(topic, 7)


def test_each_topic_leads_into_its_twin_converted() -> None:
    """Whatever its key is, tombstones as well: nothing of a record is asked for."""
    routes = mirror_routes(WAYS, CATALOGUE)
    assert {name: [*each.conversions] for name, each in routes.sources.items()} == {FORMER: [NEW], NEW: [FORMER]}
    assert routes.sources[FORMER].conversions[NEW].convert(b"\x04RU") == b"\x04RU\x00"
    assert routes.sources[NEW].conversions[FORMER].convert(b"\x04RU\x02x") == b"\x04RU"
    decide = deciders(routes, in_lanes=True)[FORMER].decide
    for value in (b"\x04RU", None):
        decision: Decision = decide(PlainRecord(topic=FORMER, key=b"\xff\xfe", value=value))
        assert decision.topics == (NEW,)
        assert not decision.unroutable


def test_other_steps_are_other_routes() -> None:
    """Hops name them by their fingerprint."""
    other = new_catalogue({"order/v1.avsc": SCHEMA, "order/v2.avsc": SCHEMA})
    one, same, less, another = (
        mirror_routes(ways, catalogue).fingerprint
        for ways, catalogue in ((WAYS, CATALOGUE), (WAYS, CATALOGUE), (WAYS[:1], CATALOGUE), (WAYS, other))
    )
    assert one == same
    assert len({one, less, another}) == 3


@pytest.mark.parametrize("ways", [((FORMER, "shop.order.v9"),), (("order.v9", FORMER),)])
def test_a_version_that_nobody_wrote_down_is_named(ways: tuple[tuple[str, str], ...]) -> None:
    """A mirror's process ends with the sentence."""
    with pytest.raises(ValueError, match=r"has no schema for '.*order\.v9'"):
        mirror_routes(ways, CATALOGUE)


def test_only_its_own_copies_are_left_out() -> None:
    """What an aborted migration had copied back is an event that the new topic has not got."""
    assert mirror_twins(WAYS, group="g") == {
        FORMER: Twins((NEW,), writers=("g",)),
        NEW: Twins((FORMER,), writers=("g",)),
    }


def copier(counts: Counts) -> MirrorCopier:
    return MirrorCopier(
        FORMER, decide=None, destinations=counts, identity=Identity(service="g", instance="i", route_set="0" * 8)
    )


def test_a_copy_keeps_its_partition() -> None:
    """By which it is told from what producers wrote; dead letters lie wherever there is room."""
    mirror = copier(Counts(shop_order_v1=4, shop_order_v2=4))
    assert mirror.fixed_partition(NEW, 3) == 3
    assert mirror.fixed_partition(f"{FORMER}.dead-letters", 3) is None


def test_unequal_topics_are_waited_for() -> None:
    """A copy in another partition would pass for native, and go round."""
    with pytest.raises(DestinationUnavailable, match=r"has 8 partitions and 'shop\.order\.v1' 4"):
        copier(Counts(shop_order_v1=4, shop_order_v2=8)).fixed_partition(NEW, 3)


def test_an_announcement_leaves_out_what_nobody_said() -> None:
    """CloudEvents' deprecation extension, as headers."""
    assert announcement(NEW, since="2026-01-01T00:00:00Z", sunset="") == [
        ("ce_deprecated", b"true"),
        ("ce_deprecationfrom", b"2026-01-01T00:00:00Z"),
        ("ce_deprecationmigration", b"shop.order.v2"),
    ]


SMALL, LARGE = "hot.order.v1", "hot.order.v1.g2"


def spreading(source: str, counts: Counts) -> SpreadingCopier:
    return SpreadingCopier(
        source, counts={SMALL: 2, LARGE: 6}, by="murmur2", decide=None, destinations=counts,
        identity=Identity(service="g", instance="i", route_set="0" * 8),
    )  # fmt: skip


def test_generations_are_led_into_each_other_as_they_are() -> None:
    """Nothing of a record is asked for, not even that it can be read."""
    routes = spreading_routes(((SMALL, LARGE), (LARGE, SMALL)))
    decide = deciders(routes, in_lanes=True)[SMALL].decide
    for value in (b"\xff", None):
        decision: Decision = decide(PlainRecord(topic=SMALL, key=b"\xff\xfe", value=value))
        assert decision.topics == (LARGE,)
    assert mirror_twins(((SMALL, LARGE),), group="g", former=2) == {SMALL: Twins((LARGE,), writers=("g",), former=2)}


def test_a_copy_goes_where_its_generation_has_its_key() -> None:
    """One of those that its partition became; and back to that."""
    counts = Counts(hot_order_v1=2, hot_order_v1_g2=6)
    forth, back = spreading(SMALL, counts), spreading(LARGE, counts)
    assert forth.fixed_partition(LARGE, 1) is None
    record = PlainRecord(topic=SMALL, partition=partition_of(b"k", 2), offset=5, key=b"k", value=b"v")
    assert forth.partition(LARGE, record) == partition_of(b"k", 6)
    assert back.fixed_partition(SMALL, 5) == 1
    assert forth.fixed_partition(f"{SMALL}.dead-letters", 1) is None
    assert forth.partition(f"{SMALL}.dead-letters", record) == partition_of(b"k", 7)


@pytest.mark.parametrize(
    "counts", [Counts(hot_order_v1=3, hot_order_v1_g2=6), Counts(hot_order_v1=2, hot_order_v1_g2=8)]
)
def test_a_generation_that_grows_meanwhile_is_waited_for(counts: Counts) -> None:
    """What follows would lie elsewhere than what was copied before."""
    with pytest.raises(DestinationUnavailable, match="keys would lie elsewhere"):
        spreading(SMALL, counts).fixed_partition(LARGE, 1)


class Noting:
    """A copier that notes what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def copy(self, batch: Batch, *, into: Copies, new_batch: object, refusals: Refusals) -> Tally:
        """Keep the batch's records."""
        self.records += batch.records
        return Tally()


def test_what_is_copied_back_announces_the_end() -> None:
    """Behind the record's own headers, and in front of those that tell where it comes from."""
    inner = Noting()
    record = PlainRecord(topic=NEW, partition=1, offset=5, timestamp=9, key=b"k", value=b"v", headers=[("a", b"1")])
    batch = Batch(SourcePartition(NEW, 1), 1, 5, 6, [record], 0.0)

    def none(_: str) -> CopyBatch:
        raise AssertionError

    Announcing(inner, [("ce_deprecated", b"true")]).copy(batch, into=Copies(), new_batch=none, refusals=Refusals())  # type: ignore[arg-type]
    (found,) = inner.records
    assert found == PlainRecord(
        topic=NEW, partition=1, offset=5, timestamp=9, key=b"k", value=b"v",
        headers=[("a", b"1"), ("ce_deprecated", b"true")],
    )  # fmt: skip
