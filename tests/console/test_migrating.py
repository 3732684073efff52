"""Where the console asks about migrations; that it tells the truth of a cluster, `tests/migrations/test_survey.py` holds."""

from router.console.migrating import NoMigrations


async def test_without_a_cluster_there_are_none() -> None:
    """Which is what tests of other pages want."""
    nothing = NoMigrations()
    assert await nothing.latest() == {}
    await nothing.close()
