"""A topic's next generation: what begins one, and how a group goes on there with all that it has not read, at once.

A group need not read the former topic to its end first. Each new partition has the records of one former partition alone, in its order
(`records.generations`), so that a place in the one is a place in the other: the first copy of what the group has not read. What makes
that exact:

    nobody of the group reads          what it has committed is what it has read
    its own lanes are shut out         where the group is a router's: whoever carries for it can commit nothing any more
    the mirror is beyond its places    so all that it has read is copied, and ends are asked for after that
    no producer has written there      up to these ends: what is native has no place in the former topic. After it, `drain` is the way

A router's group has a table for a source that it puts in order. It is read from its changelog, dealt out (`carried_tables.py`), and
written with the new place of each partition in one transaction; partitions that have one already were moved before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from router.errors import ConfigError, UnreadableState
from router.lanes.batch import SourcePartition
from router.language.routes import RouteSet
from router.language.topics import changelog_of, keeping_sources, sources_by_topic
from router.migrations.carried_tables import Dealing, cannot_be_dealt, dealt, waiting
from router.migrations.generation_kafka import GenerationKafka, origin_of
from router.migrations.phases import Migration, Observation
from router.migrations.survey import Survey
from router.records.generations import MURMUR2, PARTITIONERS, former_partition
from router.records.record import Record
from router.settings import Settings

__all__ = ["MOST_TIMES", "Moving", "NotMovable", "feeding", "fitting_partitioners", "unfit"]

MOST_TIMES = 128
"""The most new partitions that one former becomes: what is known of each is kept with one commit, in brokers' 4 KiB."""
_SAMPLE = 500
_WITHIN = 60.0
_LOOK_EVERY = 0.2


class NotMovable(ConfigError):
    """A group cannot go on in the next generation now."""

    reason = "not-movable"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


def unfit(topic: str, *, former: int, new: int, routes: RouteSet | None) -> list[str]:
    """Why a topic of so many partitions cannot have a generation of so many, each as a sentence; pure."""
    found = []
    if new <= former or new % former:
        found.append(
            f"it has {former} partitions, and the next generation a multiple of that, so that a place in the one is a place in the "
            f"other: --partitions {former * max(2, -(-new // former))}"
        )
    elif new // former > MOST_TIMES:
        found.append(f"one partition becomes {MOST_TIMES} at most: --partitions {former * MOST_TIMES}")
    if routes is None:
        return found
    declared = routes.topics.get(topic)
    kept = keeping_sources(routes).get(topic, ())
    if declared is not None and declared.failure is not None:
        found.append(
            f"its consumer may reject records (`failure:`), which are known by partition and offset: let what is parked go on, take "
            f"`failure:` from {topic}, and give it to the next generation"
        )
    if kept:
        found.append(
            f"consumers of {', '.join(kept)} may reject records of it (`failure:`), and what waits for them is kept by its partitions: "
            "let that go on, and take `failure:` from them until it has moved"
        )
    source = routes.sources.get(topic)
    if source is not None and source.subject is not None:
        found.append(
            f"routes name it by its subject, '{source.subject}', which has versions and no generations: name {topic}"
        )
    return found


def fitting_partitioners(
    records: Collection[Record], *, former: int, new: int, counts: Mapping[str, int], fed: bool
) -> list[str]:
    """The partitioners that these records of a topic may have been laid by, and its next generation will be; pure.

    `fed` by routes: a router lays what comes into the same partition as its source's where that has equally many (`counts` are all
    topics'), and by murmur2 everywhere else.
    """
    told = [(each, origin_of(each)) for each in records if each.key is not None]
    kept = [(each, at) for each, at in told if fed and at is not None and counts.get(at.topic) == new]
    fitting = [MURMUR2] if fed and not kept else list(PARTITIONERS)
    for name in [*fitting]:
        number = PARTITIONERS[name]
        here = all(number(each.key or b"") % former == each.partition for each, _ in told)
        if not (here and all(number(each.key or b"") % new == at.partition for each, at in kept)):
            fitting.remove(name)
    return fitting


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a group stands in a former partition."""

    source: SourcePartition
    at: int


class Moving:
    """Moves groups of one cluster."""

    def __init__(self, settings: Settings, survey: Survey) -> None:
        self._settings = settings
        self._survey = survey
        self.kafka = GenerationKafka(settings, survey)

    async def partitioners(self, topic: str, *, former: int, new: int, fed: bool) -> list[str]:
        """Those that a topic's latest records may have been laid by."""
        records = await self.kafka.samples(topic, most=_SAMPLE)
        origins = {origin.topic for each in records if (origin := origin_of(each)) is not None}
        counts = await self._survey.counts(origins)
        return fitting_partitioners(records, former=former, new=new, counts=counts, fed=fed)

    async def move(self, migration: Migration, group: str) -> dict[int, int]:
        """Let a group go on in the new generation, and give its places there: exact, however often it is asked. Raises NotMovable."""
        assert migration.counts is not None, "versions are moved to by reading the former to its end"
        former, new = migration.source_topic, migration.target_topic
        seen = await self._survey.observe(migration, goes_back=True, follows=False)
        for each in seen.groups:
            if each.group == group and each.members:
                raise NotMovable(f"it has {each.members} members that read {each.topic}: stop them first")
        changelog = changelog_of(group, former)
        tables = await self._survey.counts([changelog])
        # One of its workers may hang in a transaction. Whether a group is a router's, its name does not tell.
        ours = changelog in tables or group in {self._settings.group, migration.workers}
        sources = [SourcePartition(former, each) for each in range(migration.counts[0])]
        await self.kafka.shut_out(group, sources, needed=ours)
        places = await self._places(group, former, migration.counts[0])
        ends = await self._ends(migration, places)
        wanted = {number: self._place_of(number, migration, places) for number in range(migration.counts[1])}
        cuts = await self.kafka.cuts(new, {number: (each.source, each.at) for number, each in wanted.items()}, ends)
        there = {at.partition: offset for at, offset in (await self.kafka.committed(group)).items() if at.topic == new}
        if changelog in tables:
            await self._carry_tables(migration, group, cuts, ends, done=there)
        else:
            other = {number: at for number, at in there.items() if cuts[number] != at}
            if other:
                told = ", ".join(f"{number} at {at}" for number, at in sorted(other.items()))
                raise NotMovable(
                    f"it has read {new} already ({told}): to move it would have it read that again, or leave something out"
                )
            await self._survey.place(group, new, cuts)
        return {**cuts, **there}

    @staticmethod
    def _place_of(number: int, migration: Migration, places: Mapping[int, int]) -> _Place:
        assert migration.counts is not None, "asked of generations"
        at = former_partition(number, former=migration.counts[0])
        return _Place(SourcePartition(migration.source_topic, at), places[at])

    async def _places(self, group: str, topic: str, count: int) -> dict[int, int]:
        committed = await self.kafka.committed(group)
        found = {}
        for number in range(count):
            at = SourcePartition(topic, number)
            place = committed.get(at)
            if place is None and not any(each.topic == topic for each in committed):
                raise NotMovable(f"it has never read {topic}")
            if place is None:
                start = await self.kafka.held_from(at)
                (end, *_) = (await self._survey.ends([topic]))[topic][number:]
                if start < end:
                    raise NotMovable(
                        f"it has no place in {at}, which holds records: whether it begins there with the first or behind the last is "
                        "for it to say. Let it read, or set its offset (kafka-consumer-groups --reset-offsets)"
                    )
                place = end
            found[number] = place
        return found

    async def _ends(self, migration: Migration, places: Mapping[int, int]) -> Sequence[int]:
        """Where the new partitions end once they have all that the group has read; what is behind, it has not. Raises NotMovable."""
        former, new = migration.source_topic, migration.target_topic
        what = f"its mirror has yet to copy what the group has read of {former}"
        await self._copied(migration, {SourcePartition(former, each): at for each, at in places.items()}, what)
        ends = (await self._survey.ends([new]))[new]
        what = f"its mirror does not get to the end of {new}"
        await self._copied(migration, {SourcePartition(new, each): at for each, at in enumerate(ends)}, what)
        if any(each.natives.count for each in (await self._seen(migration)).of(new)):
            raise NotMovable(
                f"producers have written to {new} already, and what they wrote has no place in {former}: let the group read {former} to "
                "its end, and move it in 'drain'"
            )
        return ends

    async def _copied(self, migration: Migration, places: Mapping[SourcePartition, int], what: str) -> None:
        """Wait until the mirror is behind these places. Raises NotMovable."""
        deadline = time.monotonic() + _WITHIN
        group = migration.group
        while True:
            stands = await self.kafka.committed(group)
            if all(stands.get(each, 0) >= at for each, at in places.items()):
                return
            late = time.monotonic() > deadline
            # What is between may be markers of transactions alone, or gone: to look costs more than to ask.
            if late and not any(
                each.unread
                and max(each.position, each.start) < places.get(SourcePartition(each.topic, each.partition), 0)
                for each in (await self._seen(migration)).mirrors
            ):
                return
            if late:
                raise NotMovable(
                    f"{what}: does `router migrate run` run? Ask again when `status` says that little is behind"
                )
            await asyncio.sleep(_LOOK_EVERY)

    async def _seen(self, migration: Migration) -> Observation:
        return await self._survey.observe(migration, goes_back=True, follows=False)

    async def _carry_tables(
        self, migration: Migration, group: str, cuts: Mapping[int, int], ends: Sequence[int], *, done: Mapping[int, int]
    ) -> None:
        assert migration.counts is not None, "asked of generations"
        before, after = migration.counts
        former, new = migration.source_topic, migration.target_topic
        log = changelog_of(group, new)
        await self._survey.create(log, like=changelog_of(group, former), partitions=after)
        for number in range(before):
            dealing = Dealing(number, former=before, times=after // before, by=migration.by)
            left = [target for target in dealing.targets if target not in done]
            if not left:
                continue
            entries = await self.kafka.entries(changelog_of(group, former), number)
            if cannot_be_dealt(entries):
                raise NotMovable(
                    f"the table of {former}/{number} keeps what consumers have rejected: let that go on, and take `failure:` from them"
                )
            origin = SourcePartition(former, number)
            try:
                copies = {
                    target: await self.kafka.copies(SourcePartition(new, target), origin, offsets, end=ends[target])
                    for target, offsets in waiting(entries, dealing).items()
                }
                shares = dealt(entries, dealing, copies)
            except UnreadableState as error:
                raise NotMovable(f"the table of {origin} cannot be dealt out: {error}") from error
            for target in left:
                at = SourcePartition(new, target)
                # What a former try, or somebody who began there by himself, has left.
                gone = dict.fromkeys(await self.kafka.entries(log, target))
                await self.kafka.seed(group, at, cuts[target], changelog=log, entries={**gone, **shares[target]})


def feeding(routes: RouteSet | None, topic: str) -> bool:
    """Whether routes write a topic, and not producers of others."""
    return routes is not None and topic in sources_by_topic(routes)
