"""What is so of a migration, as everybody sees it who looks: the command that takes its steps, and the console."""

from __future__ import annotations

from dataclasses import replace

from router.language.routes import RouteSet
from router.migrations.log import MigrationLog
from router.migrations.phases import Migration, Observation, still_reading
from router.migrations.splitting import SplitMigration, refused, way_of
from router.migrations.survey import Survey
from router.records.catalogue import Catalogue
from router.records.conversion import NoConversion

__all__ = ["follows", "observe", "way_between"]

_LOOKED_AT = 500
"""Records of a partition that are looked at for one that its split goes past none of."""


def way_between(catalogue: Catalogue, start: str, to: str) -> tuple[str, str]:
    """How one topic's records become the other's, and what is wrong where that is not to be had: one of both is empty."""
    given, wanted = catalogue.resolve(start), catalogue.resolve(to)
    if given is None or wanted is None:
        return "", f"the catalogue has no schema of '{start if given is None else to}'"
    try:
        return str(catalogue.conversion(given.subject, given.version, wanted.version)), ""
    except NoConversion as error:
        return "", str(error)


def follows(routes: RouteSet | None, topic: str) -> bool:
    """Whether workers with these routes read a topic as a version of its subject; nobody knows where there are none."""
    source = None if routes is None else routes.sources.get(topic)
    return source is not None and source.subject is not None


async def observe(
    migration: Migration,
    *,
    catalogue: Catalogue,
    routes: RouteSet | None,
    log: MigrationLog,
    survey: Survey,
) -> Observation:
    """What is so now. Raises BrokerUnavailable."""
    former, new = migration.source_topic, migration.target_topic
    if isinstance(migration, SplitMigration):
        problem = way_of(catalogue, former, migration.into)
        seen = await survey.observe(migration, goes_back=True, follows=follows(routes, former), problem=problem)
        waiting = [each for each in seen.of(former) if each.behind]
        if waiting and not problem:
            heads = await survey.heads(waiting, most=_LOOKED_AT)
            seen = replace(seen, problem=refused(catalogue, former, heads))
    elif migration.counts is not None:
        seen = await survey.observe(migration, goes_back=True, follows=False)
    else:
        seen = await survey.observe(
            migration,
            goes_back=bool(way_between(catalogue, new, former)[0]),
            follows=follows(routes, former),
            problem=way_between(catalogue, former, new)[1],
        )
    others = (await log.latest()).values()
    return replace(seen, groups=still_reading(seen.groups, others))
