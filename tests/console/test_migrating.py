"""Where the console asks about migrations; that it tells the truth of a cluster, `tests/migrations/test_survey.py` holds."""

import pytest

from router.console.migrating import NoMigrations, _goes_back
from router.migrations.phases import Migration, Phase, Step
from router.versions.catalogue import new_catalogue

SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'
LARGER = SCHEMA.replace('"string"}', '"string"}, {"name": "note", "type": "string", "default": ""}')
MOVING = Migration(name="order", source=1, target=2, generation=1, steps=(Step(Phase.MIRROR, 1, "ada", ""),))


@pytest.mark.parametrize(
    ("texts", "goes_back"),
    [
        ({"order/v1.avsc": SCHEMA, "order/v2.avsc": SCHEMA}, True),
        ({"order/v1.avsc": SCHEMA, "order/v2.avsc": LARGER}, False),
        ({"order/v1.avsc": SCHEMA}, False),
    ],
)
def test_a_way_back_is_one_that_loads(texts: dict[str, str], goes_back: bool) -> None:
    """What would be lost by it has to be declared first."""
    assert _goes_back(MOVING, new_catalogue(texts)) is goes_back


async def test_without_a_cluster_there_are_none() -> None:
    """Which is what tests of other pages want."""
    nothing = NoMigrations()
    assert await nothing.latest() == {}
    await nothing.close()
