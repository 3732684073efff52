"""Faust's store as lanes' tables have it: reads what was committed, and refuses to be written past a lane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faust
import pytest
from faust.types import TP

from router.order.disk import DiskMemory
from router.order.store import LaneStore
from router.order.table import SourceTable
from router.order.table_errors import WrittenOutside


@pytest.fixture
def table(tmp_path: Path) -> Iterator[SourceTable]:
    app = faust.App("shop-router", broker="kafka://127.0.0.1:9", datadir=str(tmp_path), web_enabled=False)
    table = SourceTable(app, name="order.status.v1", memory=DiskMemory(cache=1 << 20, writes=1 << 20))
    yield table
    for disk in table.data.disks.values():
        disk.close()


def test_table_is_named_after_its_source(table: SourceTable) -> None:
    """And its changelog by Faust's rule."""
    assert table.changelog_topic.get_topic_name() == "shop-router-order.status.v1-changelog"
    assert str(table.data.disk(3).path).endswith("tables/order.status.v1-3.db")
    assert table.data.disk(3) is table.data.disk(3)


def test_change_past_the_lane_is_refused_with_its_reason(table: SourceTable) -> None:
    """Whichever way Faust offers."""
    store, tp = table.data, TP("shop-router-order.status.v1-changelog", 0)
    assert isinstance(store, LaneStore)
    ways = {
        "set": lambda: table.__setitem__(b"a", b"1"),
        "delete": lambda: table.__delitem__(b"a"),
        "store set": lambda: store._set(b"a", b"1"),
        "store delete": lambda: store._del(b"a"),
        "offset": lambda: store.set_persisted_offset(tp, 1),
        "changelog": lambda: store.apply_changelog_batch([], bytes, bytes),
    }
    for way in ways.values():
        with pytest.raises(WrittenOutside, match="by its lane only"):
            way()


async def test_agents_read_what_was_committed(table: SourceTable) -> None:
    """With Faust's own words, of the disks that are open."""
    store, tp = table.data, TP("shop-router-order.status.v1-changelog", 0)
    assert (store.persisted_offset(tp), dict(store._dbs)) == (None, {})
    store._db_for_partition(0)
    assert store.persisted_offset(tp) is None
    store.disk(0).write({b"a": b"1"}, changelog=5)
    assert (store.persisted_offset(tp), table.get(b"a"), table.get(b"b")) == (4, b"1", None)
    await store.on_rebalance(set(), {tp}, set())
    assert table[b"a"] == b"1"
    await store.stop()
    assert store.disk(0).db is None
