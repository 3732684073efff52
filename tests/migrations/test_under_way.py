"""A mirror's lane that opens looks whether it is to copy: what hung through a step writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from router.lanes import carrier
from router.lanes.batch import SourcePartition
from router.migrations.phases import Migration, Phase, Step
from router.migrations.under_way import MirrorLanes, NotUnderWay, PlacesExpired

FORMER, NEW = "order.v1", "order.v2"


def migration(*phases: Phase, generation: int = 1) -> Migration:
    steps = tuple(Step(each, 1, "ada", "why") for each in phases)
    return Migration(name="order", source=1, target=2, generation=generation, workers="shop", steps=steps)


class Kept:
    """What is written."""

    def __init__(self, *migrations: Migration) -> None:
        self._migrations = {each.key: each for each in migrations}

    async def latest(self) -> Mapping[str, Migration]:
        """As told."""
        return self._migrations


class Places:
    """Where a group stands, and what it has copied from there."""

    def __init__(self, *places: SourcePartition, copied: Sequence[SourcePartition] = ()) -> None:
        self._places = dict.fromkeys(places, 3)
        self._copied = copied
        self.every: list[int] = []

    async def committed(self, _group: str) -> Mapping[SourcePartition, int]:
        """As told."""
        return self._places

    async def has_copied(self, _group: str, origin: SourcePartition, _topic: str, *, every: int) -> bool:
        """As told."""
        self.every.append(every)
        return origin in self._copied


class Place:
    """The positions of a lane."""

    def __init__(self) -> None:
        self.places: Any = None
        self.commit: Any = None
        self.end: Any = None
        self.owns: Any = None

    async def seek_to_committed(self, _source: SourcePartition, _places: carrier.Places) -> tuple[int, int]:
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
    lanes = MirrorLanes(Kept(*([kept] if kept else [])), Places(), group=migration(Phase.MIRROR).group)
    positions = lanes.positions(Place())
    for topic in (FORMER, NEW):
        source = SourcePartition(topic, 0)
        if topic in opens:
            assert await positions.seek_to_committed(source, {}) == (1, 5)
        else:
            with pytest.raises(NotUnderWay, match=f"{topic} is not copied by 'shop-migrate-order.v1-v2-1' any more"):
                await positions.seek_to_committed(source, {})


@pytest.mark.parametrize(
    ("source", "places", "copied", "lost"),
    [
        pytest.param((FORMER, 0), [], [], False, id="it begins"),
        pytest.param((FORMER, 0), [(FORMER, 0)], [(FORMER, 0)], False, id="it goes on"),
        pytest.param((FORMER, 0), [(FORMER, 1)], [(FORMER, 0)], True, id="it has copied, and no place"),
        pytest.param((FORMER, 1), [(FORMER, 0)], [(FORMER, 0)], False, id="another partition has copied"),
        pytest.param((NEW, 0), [(FORMER, 0)], [(FORMER, 0)], False, id="nobody has written to the new one yet"),
        pytest.param((NEW, 0), [], [(FORMER, 0)], True, id="the way back, when all are gone"),
    ],
)
async def test_a_place_that_expired_is_no_beginning(
    source: tuple[str, int], places: list[tuple[str, int]], copied: list[tuple[str, int]], *, lost: bool
) -> None:
    """Everything would be there twice."""
    under_way = migration(Phase.MIRROR)
    known = Places(*(SourcePartition(*each) for each in places), copied=[SourcePartition(*each) for each in copied])
    lanes = MirrorLanes(Kept(under_way), known, group=under_way.group)
    positions = lanes.positions(Place())
    own = {SourcePartition(*source): carrier.Place(3)} if source in places else {}
    if lost:
        with pytest.raises(PlacesExpired, match=r"order\.v1/0.*would copy everything twice.*router migrate abort"):
            await positions.seek_to_committed(SourcePartition(*source), own)
    else:
        assert await positions.seek_to_committed(SourcePartition(*source), own) == (1, 5)


async def test_a_generation_has_its_copies_from_one_former_partition() -> None:
    """So the seventh of eight asks for the one that it comes from."""
    step = Step(Phase.MIRROR, 1, "ada", "why")
    under_way = Migration(name="hot", source=1, target=2, generation=1, workers="shop", counts=(2, 8), steps=(step,))
    lost = Places(copied=[SourcePartition("hot", 1)])
    positions = MirrorLanes(Kept(under_way), lost, group=under_way.group).positions(Place())
    with pytest.raises(PlacesExpired, match="hot/1"):
        await positions.seek_to_committed(SourcePartition("hot.g2", 7), {})
    assert await positions.seek_to_committed(SourcePartition("hot.g2", 6), {}) == (1, 5)
    assert lost.every == [2, 2]


def test_a_mirror_waits_for_no_other() -> None:
    """Others wait for what it copies."""
    carrier: Any = object()
    assert MirrorLanes(Kept(), Places(), group="g").carrier(carrier, print) is carrier
