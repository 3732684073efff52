"""A mirror's lane that opens looks whether it is to copy: what hung through a step writes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from router.lanes.batch import SourcePartition
from router.migrations.phases import Migration, Phase, Step
from router.migrations.under_way import MirrorLanes, NotUnderWay

FORMER, NEW = "order.v1", "order.v2"


def migration(*phases: Phase, generation: int = 1) -> Migration:
    steps = tuple(Step(each, 1, "ada", "why") for each in phases)
    return Migration(name="order", source=1, target=2, generation=generation, steps=steps)


class Kept:
    """What is written."""

    def __init__(self, *migrations: Migration) -> None:
        self._migrations = {each.key: each for each in migrations}

    async def latest(self) -> Mapping[str, Migration]:
        """As told."""
        return self._migrations


class Place:
    """The positions of a lane."""

    def __init__(self) -> None:
        self.commit: Any = None
        self.end: Any = None
        self.owns: Any = None

    async def seek_to_committed(self, _source: SourcePartition) -> tuple[int, int]:
        """Epoch and position."""
        return 1, 5


@pytest.mark.parametrize(
    ("kept", "opens"),
    [
        pytest.param(migration(Phase.MIRROR), {FORMER, NEW}, id="both ways"),
        pytest.param(migration(Phase.MIRROR, Phase.FLIP, Phase.DRAIN), {FORMER}, id="nothing is copied back any more"),
        pytest.param(migration(Phase.MIRROR, Phase.ABORTED), set(), id="given up"),
        pytest.param(migration(Phase.MIRROR, generation=2), set(), id="begun anew"),
        pytest.param(None, set(), id="nobody knows of it"),
    ],
)
async def test_a_lane_opens_while_it_is_to_copy(kept: Migration | None, opens: set[str]) -> None:
    """By what is written when it has its id."""
    lanes = MirrorLanes(Kept(*([kept] if kept else [])), workers="shop", group=migration(Phase.MIRROR).group("shop"))
    positions = lanes.positions(Place())
    for topic in (FORMER, NEW):
        source = SourcePartition(topic, 0)
        if topic in opens:
            assert await positions.seek_to_committed(source) == (1, 5)
        else:
            with pytest.raises(NotUnderWay, match=f"{topic} is not copied by 'shop-migrate-order.v1-v2-1' any more"):
                await positions.seek_to_committed(source)


def test_a_mirror_waits_for_no_other() -> None:
    """Others wait for what it copies."""
    carrier: Any = object()
    assert MirrorLanes(Kept(), workers="shop", group="g").carrier(carrier, print) is carrier
