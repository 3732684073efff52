"""What stands in the way of a next generation, and by which partitioner its keys lie."""

from collections.abc import Mapping
from zlib import crc32

import pytest

from router.language.load import load_routes
from router.language.routes import RouteSet
from router.migrations.spreading import feeding, fitting_partitioners, unfit
from router.records.headers import ORIGIN
from router.records.partition import partition_of
from router.records.record import PlainRecord
from router.versions.catalogue import new_catalogue

SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'
CATALOGUE = new_catalogue({"order/v1.avsc": SCHEMA})
KEYS = [b"key-%d" % number for number in range(40)]
ROUTES = """
version: 1
team: shop
exchanges:
  orders: {{type: fanout, sources: [{source}]}}
topics:
  hot.order.v1: {{{more}from: [{{exchange: orders}}]}}
"""


def routes(*, source: str = "order.v1", more: str = "") -> RouteSet:
    route_set, findings = load_routes({"shop.yaml": ROUTES.format(source=source, more=more)}, CATALOGUE)
    assert not [each for each in findings if each.severity == "error"]
    return route_set


@pytest.mark.parametrize(
    ("former", "new", "told"),
    [
        pytest.param(1, 8, "", id="one becomes eight"),
        pytest.param(3, 6, "", id="three become six"),
        pytest.param(3, 4, "a multiple of that, so that a place in the one is a place in the other: --partitions 6", id="no multiple"),
        pytest.param(4, 9, "--partitions 12", id="no multiple, and more than twice as many"),
        pytest.param(4, 4, "--partitions 8", id="equally many"),
        pytest.param(4, 2, "--partitions 8", id="fewer"),
        pytest.param(2, 512, "one partition becomes 128 at most: --partitions 256", id="too many"),
    ],
)  # fmt: skip
def test_each_new_partition_has_one_former(former: int, new: int, told: str) -> None:
    """Only then a place in the one is a place in the other; what is said leads out."""
    found = unfit("hot.order.v1", former=former, new=new, routes=None)
    assert len(found) == bool(told)
    assert all(told in each for each in found)


def test_what_is_kept_by_partitions_stands_in_the_way() -> None:
    """Rejected records on either side, and a source that has versions."""
    rejecting = routes(more="failure: {retry: [1s], then: park}, ")
    (narrow,) = unfit("hot.order.v1", former=1, new=2, routes=rejecting)
    assert "take `failure:` from hot.order.v1" in narrow
    (broad,) = unfit("order.v1", former=1, new=2, routes=rejecting)
    assert "consumers of hot.order.v1 may reject" in broad
    (named,) = unfit("order.v1", former=1, new=2, routes=routes(source="order"))
    assert "by its subject, 'order'" in named
    assert unfit("hot.order.v1", former=1, new=2, routes=routes()) == []


def test_a_topic_of_routes_is_fed() -> None:
    """Where nobody knows routes, it is taken for a producer's."""
    assert feeding(routes(), "hot.order.v1")
    assert not feeding(routes(), "order.v1")
    assert not feeding(None, "hot.order.v1")


def lying(count: int, *, crc: bool, origin: int = 0) -> list[PlainRecord]:
    """A record a key, laid into so many partitions; and where they come from, if from a topic of so many."""

    def at(key: bytes, partitions: int) -> int:
        return crc32(key) % partitions if crc else partition_of(key, partitions)

    return [
        PlainRecord(
            topic="hot", partition=at(key, count), key=key, value=b"v",
            headers=[(ORIGIN, b"order.v1/%d/7" % at(key, origin))] if origin else [],
        )
        for key in KEYS
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("records", "counts", "fed", "fitting"),
    [
        pytest.param(lying(2, crc=False), {}, False, ["murmur2"], id="Java's producers"),
        pytest.param(lying(2, crc=True), {}, False, ["crc32"], id="librdkafka's"),
        pytest.param(lying(1, crc=True), {}, False, ["murmur2", "crc32"], id="of one partition nobody can tell"),
        pytest.param([], {}, False, ["murmur2", "crc32"], id="nothing is there"),
        pytest.param(
            [PlainRecord(topic="hot", partition=each % 2, key=b"k", value=b"v") for each in (0, 1)], {}, False, [], id="neither"
        ),
        pytest.param(lying(1, crc=True, origin=3), {"order.v1": 3}, True, ["murmur2"], id="routes lay keys by murmur2"),
        pytest.param(lying(2, crc=True, origin=2), {"order.v1": 2}, True, [], id="not where routes have kept another's"),
        pytest.param(lying(2, crc=False, origin=2), {"order.v1": 2}, True, ["murmur2"], id="where they have kept Java's"),
        pytest.param(
            lying(1, crc=True, origin=8), {"order.v1": 8}, True, ["crc32"], id="but where the source has as many, as that does"
        ),
    ],
)  # fmt: skip
def test_records_tell_their_partitioner(
    records: list[PlainRecord], counts: Mapping[str, int], *, fed: bool, fitting: list[str]
) -> None:
    """So that what is copied lies where what is written next will lie."""
    count = 1 if not records or max(each.partition for each in records) == 0 else 2
    assert fitting_partitioners(records, former=count, new=8, counts=counts, fed=fed) == fitting
