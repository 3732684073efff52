"""Migrations that are values, for what looks at them."""

from __future__ import annotations

from collections.abc import Mapping

from router.errors import BrokerUnavailable
from router.language.routes import RouteSet
from router.migrations.crossing import Natives
from router.migrations.phases import GroupState, Migration, MirrorState, Observation, Phase, Step
from router.records.catalogue import Catalogue

NOW = 1_700_000_000_000


def moving(name: str, *phases: Phase) -> Migration:
    """One that went through these phases; its reasons are anybody's text."""
    steps = tuple(Step(each, NOW + number, "ada", "<b>why</b>", {"n": number}) for number, each in enumerate(phases))
    return Migration(
        name=name, source=1, target=2, generation=1, workers="shop", steps=steps, sunset="2030-01-01T00:00:00Z"
    )


def mirror(topic: str, *, behind: int = 0, natives: Natives | None = None) -> MirrorState:
    """One partition with a hundred offsets."""
    return MirrorState(
        topic=topic, partition=0, position=100 - behind, end=100, unread=behind > 0, natives=natives or Natives()
    )


SEEN = Observation(
    at=NOW + 60_000,
    mirrors=[mirror("shop.order.v1", behind=25, natives=Natives(40, 99, NOW)), mirror("shop.order.v2")],
    groups=[GroupState(group="refunds", topic="shop.order.v1", members=2, behind=17)],
    goes_back=True,
)
FLIPPED = moving("shop.order", Phase.MIRROR, Phase.FLIP)


class Kept:
    """Fulfils MigrationReads."""

    def __init__(self, *found: Migration) -> None:
        self.found = {each.key: each for each in found}
        self.away = False
        self.blind = False

    async def latest(self) -> Mapping[str, Migration]:
        """As told."""
        if self.away:
            raise BrokerUnavailable(brokers="b:1", problem="away")
        return self.found

    async def observe(self, migration: Migration, catalogue: Catalogue, routes: RouteSet) -> Observation:
        """The same of each."""
        if self.blind:
            raise BrokerUnavailable(brokers="b:1", problem="away")
        return SEEN

    async def close(self) -> None:
        """Nothing is open."""
