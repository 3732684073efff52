"""What hands a worker's lanes their replays; tests/acceptance/test_replay.py has it at work on a real Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from router.lanes.batch import SourcePartition
from router.lanes.carrier import Place, Places
from router.lanes.copies import Copies
from router.replay.plan import Replay
from router.replay.serving import Replays, ReplayUnknown

SOURCE = SourcePartition("order.v1", 0)
ASKED = Replay(
    id="r1", group="shop", topic="vip.order.v1", source="order.v1", starts={0: 1}, at=5, by="ada", reason="why"
)
NOTE = '{"format":1,"replays":{"r1":[3,9]},"done":[],"floor":0}'
NOTED = {SOURCE: Place(7, NOTE)}


class Kept:
    """A log of replays."""

    def __init__(self, *replays: Replay) -> None:
        self.found = {each.id: each for each in replays}

    async def latest(self) -> Mapping[str, Replay]:
        """As told."""
        return self.found


class Positions:
    """Of a lane."""

    def __init__(self) -> None:
        self.places = self.commit = self.end = self.owns = None

    async def seek_to_committed(self, _source: SourcePartition, _places: Places) -> tuple[int, int]:
        """Somewhere."""
        return 1, 7


class Nothing:
    """A copier that is never asked to copy."""

    keeper = None


def service(*replays: Replay) -> Replays:
    log: Any = Kept(*replays)
    return Replays(log, group="shop", bootstrap="b:1", security=dict, asks=lambda _: lambda _: True, there=lambda: True)


def opened(replays: Replays) -> Any:
    copier: Any = Nothing()
    return replays.around(SOURCE, copier, copier=copier)


async def test_a_lane_goes_on_with_what_its_commit_tells() -> None:
    """Before it takes a batch."""
    replays, positions = service(ASKED), Positions()
    lane = opened(replays)
    usual: Any = positions
    assert await replays.positions(SOURCE, usual).seek_to_committed(SOURCE, NOTED) == (1, 7)
    (stretch,) = lane.stretches
    assert (stretch.replay, stretch.next, stretch.begun) == (ASKED, 3, 9)
    note = replays.note(SOURCE)
    assert note is not None
    assert note(7) == NOTE


@pytest.mark.parametrize(
    "known", [(), (Replay(**{**{name: getattr(ASKED, name) for name in ASKED.__slots__}, "group": "other"}),)]
)
async def test_a_replay_that_nobody_knows_keeps_its_lane_shut(known: tuple[Replay, ...]) -> None:
    """Or what was withheld for it would be left out."""
    replays, positions = service(*known), Positions()
    opened(replays)
    usual: Any = positions
    with pytest.raises(ReplayUnknown, match="replay r1 is under way"):
        await replays.positions(SOURCE, usual).seek_to_committed(SOURCE, NOTED)


async def test_what_is_sent_is_what_is_noted() -> None:
    """A carrier tells what goes into its transaction."""
    replays = service()
    lane = opened(replays)

    class Carrier:
        new_batch = commit = open = close = None
        sent = False

        async def send(self, _copies: Copies) -> None:
            self.sent = True

    carrier: Any = Carrier()
    copies = Copies()
    lane._pending[id(copies)] = "told"
    await replays.carrier(SOURCE, carrier).send(copies)
    assert (carrier.sent, lane.note(0)) == (True, "told")


def test_lanes_of_other_sources_are_left_as_they_are() -> None:
    """What is put in order, say."""
    replays: Any = service()
    positions: Any = Positions()
    carrier: Any = object()
    assert replays.positions(SOURCE, positions) is positions
    assert replays.carrier(SOURCE, carrier) is carrier
    assert replays.note(SOURCE) is None
