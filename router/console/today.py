"""The routes and schemas of the folders, compiled; read again when a file changes. A set with errors never takes the place of one without."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from router.console.masks import Masks
from router.console.sealing import Seal
from router.console.showing import Shower
from router.console.why import Decided
from router.errors import RouterError
from router.language.files import read_routes
from router.language.graph.model import Graph, graph_of
from router.language.load import load_routes
from router.language.repartition import internal_topics, with_internal_topics
from router.language.routes import RouteSet
from router.language.topics import TopicPlan, changelog_of, plan_topics
from router.records.catalogue import Catalogue
from router.records.catalogue_files import read_catalogue_texts
from router.versions.catalogue import new_catalogue
from router.versions.subjects import read_subjects

__all__ = ["Routes", "Today", "new_today"]


@dataclass(frozen=True, slots=True)
class Today:
    """What is in force."""

    route_set: RouteSet
    catalogue: Catalogue
    texts: Mapping[str, str]
    graph: Graph
    subjects: Mapping[str, str]
    """By topic, what its records are."""
    plans: Mapping[str, TopicPlan]
    """By name, the topics that routes need."""
    decided: Decided
    shower: Shower


def new_today(
    texts: Mapping[str, str], schemas: Mapping[str, str], *, group: str, secret: bytes = b""
) -> tuple[Today | None, tuple[str, ...]]:
    """Everything made from the texts; and the errors, where there are any: then nothing. Pure but for its cost.

    `secret` makes the texts that stand for keys which are not shown.
    """
    catalogue = new_catalogue(schemas)
    route_set, findings = load_routes(texts, catalogue)
    if route_set is None:
        return None, tuple(str(each) for each in findings if each.level == "error")
    subjects, _ = read_subjects(schemas)
    plans = plan_topics(with_internal_topics(route_set, group), default_partitions=1, replication=-1, group=group)
    masks = Masks(
        {name: subject.mask for name, subject in subjects.items()},
        keys=[name for name, subject in subjects.items() if subject.mask_key],
        seal=Seal(secret),
    )
    known = {topic: catalogue.resolve(topic) for topic in (*route_set.topics, *route_set.sources)}
    return Today(
        route_set=route_set,
        catalogue=catalogue,
        texts=dict(texts),
        graph=graph_of(route_set),
        subjects={topic: version.subject for topic, version in known.items() if version is not None},
        plans={plan.name: plan for plan in plans},
        decided=Decided(route_set),
        shower=Shower(catalogue, masks, _inner(route_set, catalogue, masks, group)),
    ), ()


def _inner(route_set: RouteSet, catalogue: Catalogue, masks: Masks, group: str) -> dict[str, str]:
    """By internal topic, the source whose records are in it; of several, one of which something is masked."""

    def hides(source: str) -> bool:
        version = catalogue.resolve(source)
        return version is not None and masks.hides(version.subject)

    inner = {changelog_of(group, source): source for source in route_set.sources}
    for source, topic in sorted(internal_topics(route_set, group).items(), key=lambda each: (hides(each[0]), each)):
        inner |= {topic: source, changelog_of(group, topic): source}
    return inner


@dataclass(slots=True)
class Routes:
    """The folders."""

    routes: Path
    schemas: Path
    group: str
    today: Today | None = None
    secret: bytes = b""
    """Makes the texts that stand for keys which are not shown."""
    faults: tuple[str, ...] = ()
    """What is wrong with what lies on the disk now."""
    _seen: object = field(default=None, repr=False)

    async def look(self) -> bool:
        """Read again what has changed since the last look; whether anything had."""
        seen = await asyncio.to_thread(self._marks)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            today, faults = await asyncio.to_thread(self._read)
        except RouterError as error:
            self.faults = (str(error),)
            return True
        self.faults = faults
        if today is not None:
            self.today = today
        return True

    def _read(self) -> tuple[Today | None, tuple[str, ...]]:
        schemas = read_catalogue_texts(self.schemas) if self.schemas.is_dir() else {}
        # Named as teams know them, wherever the console's copy lies.
        texts = {
            f"routes/{Path(name).relative_to(self.routes).as_posix()}": text
            for name, text in read_routes(self.routes).items()
        }
        return new_today(texts, schemas, group=self.group, secret=self.secret)

    def _marks(self) -> object:
        marks = []
        for folder in (self.routes, self.schemas):
            try:
                found = sorted(folder.rglob("*")) if folder.is_dir() else []
                marks.append(
                    [(str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in found if path.is_file()]
                )
            except OSError:
                marks.append([])
        return marks
