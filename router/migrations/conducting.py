"""Takes migrations from phase to phase: looks at what is so, refuses or writes the step, and does what belongs to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from router.errors import ConfigError, TransientError
from router.failure.audit import AuditEvent
from router.lanes.batch import SourcePartition
from router.language.routes import RouteSet
from router.language.topics import dead_letters_of, unroutable_of
from router.migrations.access import WriteAccess
from router.migrations.log import MIGRATIONS, MigrationLog
from router.migrations.observing import follows, observe, way_between
from router.migrations.phases import Migration, Observation, Phase, Step, obstacles, stepped
from router.migrations.spreading import Moving, NotMovable, feeding, unfit
from router.migrations.survey import Survey
from router.records.catalogue import Catalogue
from router.records.generations import generation_of, of_generation
from router.redrive.kafka import RedriveKafka
from router.settings import Settings

__all__ = ["CannotMigrate", "Conductor", "Plan"]

_SETTLES_WITHIN = 60.0
"""Seconds in which mirrors notice a step and end what they copied until then."""
_LOOK_EVERY = 0.5


class CannotMigrate(ConfigError):
    """A step is not taken, with everything that stands in its way."""

    reason = "cannot-migrate"

    def __init__(self, *, what: str, obstacles: Sequence[str]) -> None:
        super().__init__(what, tuple(obstacles))
        self.what = what
        self.obstacles = tuple(obstacles)

    def __str__(self) -> str:
        if len(self.obstacles) == 1:
            return f"{self.what}: {self.obstacles[0]}"
        return "\n  ".join([f"{self.what}:", *self.obstacles])


class NotSettled(TransientError):
    """Those who have to did not follow a step in time."""

    reason = "not-settled"

    def __init__(self, *, migration: str, who: str = "its mirrors, by `router migrate run`,") -> None:
        super().__init__(migration, who)
        self.migration = migration
        self.who = who

    def __str__(self) -> str:
        return f"{self.migration}: {self.who} do not follow. The step is written, and is taken when they do: ask again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a migration would be."""

    migration: Migration
    partitions: int
    held: int
    """Offsets that the former topic retains."""
    forth: str
    """By which steps records become those of the new version."""
    back: str
    """The same in the other direction; empty where nothing leads back."""
    makes: tuple[str, ...]
    """Topics that would be created."""
    readers: tuple[str, ...]
    """Groups that read the former topic."""
    follows: bool
    """The routes name the subject, and need no change."""
    named: tuple[str, ...]
    """Exchanges that name the former topic itself."""
    obstacles: tuple[str, ...]


class Conductor:
    """Works on one cluster with one catalogue. Close it in the end."""

    def __init__(self, settings: Settings, catalogue: Catalogue, routes: RouteSet | None) -> None:
        """`routes` are the workers' own; None where they cannot be read here."""
        self._settings = settings
        self._catalogue = catalogue
        self._routes = routes
        self._kafka = RedriveKafka(settings)
        self.log = MigrationLog(settings)
        self.survey = Survey(settings)
        self.access = WriteAccess(self.survey)
        self._moving = Moving(settings, self.survey)

    async def close(self) -> None:
        """Let go of all connections."""
        await self.log.close()
        await self._kafka.close()

    async def find(self, name: str, *, source: int | None = None) -> Migration:
        """The migration of this name that is under way, or the last one that ended. Raises CannotMigrate."""
        name = generation_of(name)[0]
        found = [each for each in (await self.log.latest()).values() if each.name == name]
        if source is not None:
            found = [each for each in found if each.source == source]
        under_way = [each for each in found if not each.phase.ended]
        if len(under_way) > 1:
            versions = ", ".join(f"--from {each.letter}{each.source}" for each in under_way)
            raise CannotMigrate(
                what=f"several migrations of '{name}' are under way", obstacles=[f"say which: {versions}"]
            )
        chosen = under_way or sorted(found, key=lambda each: each.steps[-1].at)
        if not chosen:
            raise CannotMigrate(
                what=f"there is no migration of '{name}'", obstacles=["`router migrate plan` says what one would be"]
            )
        return chosen[-1]

    async def plan(self, name: str, *, source: int | None, target: int | None) -> Plan:
        """What `start` would begin: the versions are those asked for, else from the highest topic there is to the next.

        While one is under way, and no version is named, that is the one that is meant: nobody begins the next by asking twice.
        """
        versions = [
            version
            for version in sorted({each for _, each in self._catalogue.versions})
            if self._catalogue.resolve(f"{name}.v{version}")
        ]
        counts = await self.survey.counts([f"{name}.v{each}" for each in versions])
        there = [each for each in versions if f"{name}.v{each}" in counts]
        kept = await self.log.latest()
        under_way = [each.source for each in kept.values() if each.name == name and not each.phase.ended]
        if source is None and under_way:
            source = max(under_way)
        if source is None:
            source = max((each for each in there if each < max(versions)), default=max(there, default=1))
        if target is None:
            target = min((each for each in versions if each > source), default=source + 1)
        has = _listed(versions) or "none"
        found = [
            f"the catalogue has no v{version} of it: it has {has}"
            for version in (source, target)
            if version not in versions
        ]
        before = kept.get(f"{name}/v{source}-v{target}")
        if before is not None and not before.phase.ended:
            found.append(f"it is under way, in phase '{before.phase}'")
        generation = 1 if before is None else before.generation + 1
        migration = Migration(
            name=name, source=source, target=target, generation=generation, workers=self._settings.group, steps=()
        )
        former, new = migration.source_topic, migration.target_topic
        if former not in counts:
            found.append(f"there is no topic '{former}', or you may not see it")
        if counts.get(new) and counts.get(former) and counts[new] != counts[former]:
            found.append(
                f"'{new}' is there, with {counts[new]} partitions and not the {counts[former]} of '{former}': delete it, "
                "or add partitions to the one that has fewer"
            )
        if counts.get(new) and await self.survey.held(new):
            left = before is not None and before.phase is Phase.ABORTED
            way = ". `router migrate abort` deletes it: that was interrupted" if left else ""
            found.append(f"'{new}' is there, and has records: what is in it would not be told from what is copied{way}")
        forth, problem = way_between(self._catalogue, former, new)
        if problem and not found:
            found.append(problem)
        beside = [dead_letters_of(former), dead_letters_of(new), MIGRATIONS]
        if follows(self._routes, former):
            # Where workers put what producers write to the new one and no route wants.
            beside.insert(0, unroutable_of(new))
        there_too = await self.survey.counts(beside)
        seen = await self.observe(migration) if former in counts else None
        return Plan(
            migration=migration,
            partitions=counts.get(former, 0),
            held=await self.survey.held(former) if former in counts else 0,
            forth=forth,
            back=way_between(self._catalogue, new, former)[0],
            makes=tuple(topic for topic in (new, *beside) if topic not in counts and topic not in there_too),
            readers=tuple(sorted({each.group for each in seen.groups if each.topic == former})) if seen else (),
            follows=follows(self._routes, former),
            named=self._named(former),
            obstacles=tuple(found),
        )

    async def plan_generation(self, topic: str, *, partitions: int, by: str | None) -> Plan:
        """What would give a topic more partitions: `by` names its keys' partitioner, None: it is seen from its records."""
        name, source = generation_of(topic)
        kept = await self.log.latest()
        newest = max(
            (each.target for each in kept.values() if each.name == name and each.phase is Phase.RETIRED), default=1
        )
        counts = await self.survey.counts([topic])
        former = counts.get(topic, 0)
        found = [] if former else [f"there is no topic '{topic}', or you may not see it"]
        if newest > source:
            found.append(f"'{of_generation(name, newest)}' follows it already: that is the one to repartition")
        moving = [
            each for each in kept.values() if not each.phase.ended and topic in {each.source_topic, each.target_topic}
        ]
        found += [f"{each} is under way, in phase '{each.phase}'" for each in moving]
        before = kept.get(f"{name}/g{source}-g{source + 1}")
        migration = Migration(
            name=name, source=source, target=source + 1, generation=1 if before is None else before.generation + 1,
            workers=self._settings.group, steps=(), counts=(former, partitions),
        )  # fmt: skip
        new = migration.target_topic
        fed = feeding(self._routes, topic) or feeding(self._routes, new)
        if former:
            found += unfit(topic, former=former, new=partitions, routes=self._routes)
        if former and not found:
            fitting = await self._moving.partitioners(topic, former=former, new=partitions, fed=fed)
            if by is None:
                by = next(iter(fitting), "")
            if by not in fitting:
                found.append(
                    f"its keys do not lie where {by or 'any partitioner that is known'} puts them, and what is written to {new} would lie "
                    f"elsewhere than the copies: it has been grown before, or its producers choose partitions in a way of their own"
                )
        there = await self.survey.counts([new])
        if there.get(new) and there[new] != partitions:
            found.append(f"'{new}' is there, with {there[new]} partitions: delete it, or say so many")
        if there.get(new) and await self.survey.held(new):
            found.append(
                f"'{new}' is there, and has records: `router migrate abort` deletes it where that was interrupted"
            )
        beside = [dead_letters_of(topic), dead_letters_of(new), MIGRATIONS]
        if self._routes is not None and (topic in self._routes.sources or new in self._routes.sources):
            beside.insert(0, unroutable_of(new))
        there_too = await self.survey.counts(beside)
        seen = await self.observe(migration) if former else None
        return Plan(
            migration=replace(migration, by=by or ""),
            partitions=former,
            held=await self.survey.held(topic) if former else 0,
            forth=f"by key ({by}), into {partitions} partitions",
            back=f"by partition, into {former}",
            makes=tuple(
                each for each in (new, *beside) if each not in counts and each not in there and each not in there_too
            ),
            readers=tuple(sorted({each.group for each in seen.groups if each.topic == topic})) if seen else (),
            follows=False,
            named=self._named(topic),
            obstacles=tuple(found),
        )

    def _named(self, topic: str) -> tuple[str, ...]:
        source = None if self._routes is None else self._routes.sources.get(topic)
        return () if source is None or source.subject is not None else tuple(each.exchange for each in source.entries)

    async def start(self, plan: Plan, *, by: str, reason: str) -> Migration:
        """Make the topics, and begin to copy. Raises CannotMigrate."""
        migration = plan.migration
        if plan.obstacles:
            raise CannotMigrate(what=f"{migration} cannot begin", obstacles=plan.obstacles)
        await self._kafka.make_own_topics()
        former = migration.source_topic
        before = (await self.log.latest()).get(migration.key)
        if before is not None:
            # An abort may have been interrupted before it did that.
            await self._shut_out(before, *before.topics)
        if migration.target_topic in plan.makes:
            await self._forgotten(migration)
        for topic in plan.makes:
            if topic != MIGRATIONS:
                spread = migration.counts is not None and topic == migration.target_topic
                await self.survey.create(topic, like=former, partitions=plan.migration.counts[1] if spread else 0)  # type: ignore[index]
        if MIGRATIONS in plan.makes:
            await self.survey.make(MIGRATIONS, {"cleanup.policy": "compact"})
        step = Step(Phase.MIRROR, _now(), by, reason, {"ends": await self.survey.ends([former]), "held": plan.held})
        begun = replace(migration, steps=(step,))
        await self._write(begun, before)
        return begun

    async def observe(self, migration: Migration) -> Observation:
        """What is so now."""
        return await observe(
            migration,
            catalogue=self._catalogue,
            routes=self._routes,
            log=self.log,
            survey=self.survey,
        )

    async def step(
        self,
        migration: Migration,
        phase: Phase,
        *,
        by: str,
        reason: str,
        quiet_ms: int | None = None,
        sunset: str | None = None,
        lacking: int = 0,
    ) -> Migration:
        """Take it to a phase, with what is so as the evidence; `lacking`: see `obstacles`.

        Raises CannotMigrate, WrongPhase, MigrationMoved.
        """
        seen = await self.observe(migration)
        asked = migration if quiet_ms is None else replace(migration, quiet_ms=quiet_ms)
        found = [*obstacles(asked, phase, seen, lacking=lacking), *_earlier(migration.sunset, sunset)]
        if found:
            raise CannotMigrate(what=f"{migration} does not go to '{phase}'", obstacles=found)
        step = Step(phase, seen.at, by, reason, _evidence(seen))
        after = stepped(migration, step, quiet_ms=quiet_ms, sunset=sunset)
        await self._write(after, migration)
        return after

    async def settle_drain(self, migration: Migration) -> dict[int, int]:
        """Wait until nothing is copied back, and give by partition where in the new topic that ends. Raises NotSettled."""
        deadline = time.monotonic() + _SETTLES_WITHIN
        while True:
            _, copying = await self.survey.copied(migration)
            if not copying:
                # One that was paused, and that its group has given up, would copy on when it wakes.
                await self._shut_out(migration, *migration.topics[1:])
                return (await self.survey.copied(migration))[0]
            if time.monotonic() > deadline:
                raise NotSettled(migration=str(migration))
            await asyncio.sleep(_LOOK_EVERY)

    async def settle_end(self, migration: Migration) -> None:
        """Wait until nothing is copied at all, and shut out whoever would go on when it wakes. Raises NotSettled."""
        deadline = time.monotonic() + _SETTLES_WITHIN
        while await self.survey.members(migration.group):
            if time.monotonic() > deadline:
                raise NotSettled(migration=str(migration))
            await asyncio.sleep(_LOOK_EVERY)
        await self._shut_out(migration, *migration.topics)

    async def _shut_out(self, migration: Migration, *topics: str) -> None:
        """Let no mirror of this migration copy from these topics any more, whatever it takes itself for: see `under_way`."""
        while not _is_seen(migration, (await self.log.latest()).get(migration.key)):  # noqa: ASYNC110 - brokers tell nobody
            await asyncio.sleep(_LOOK_EVERY / 10)
        counts = await self.survey.counts(migration.topics)
        # A topic that is gone had as many as its twin.
        usual = max(counts.values(), default=0)
        sources = [SourcePartition(topic, each) for topic in topics for each in range(counts.get(topic, usual))]
        await self._moving.kafka.shut_out(migration.group, sources)

    async def move(self, migration: Migration, group: str, *, by: str, reason: str) -> Mapping[int, int]:
        """Let a group that has read the former topic go on in the new one, behind all that it has. Raises CannotMigrate."""
        what = f"group '{group}' does not move to {migration.target_topic}"
        if migration.counts is not None and migration.phase in {Phase.MIRROR, Phase.FLIP}:
            return await self._move_on(migration, group, what=what, by=by, reason=reason)
        if migration.phase is not Phase.DRAIN:
            raise CannotMigrate(
                what=what, obstacles=[f"{migration} is in phase '{migration.phase}', and not in 'drain'"]
            )
        starts = await self.settle_drain(migration)
        seen = await self.observe(migration)
        former, new = migration.source_topic, migration.target_topic
        found = []
        for each in seen.groups:
            if each.group == group and each.members:
                found.append(f"it has {each.members} members that read {each.topic}: stop them first")
            if each.group == group and each.topic == new and each.committed:
                found.append(
                    f"it has read {new} already: to move it would have it read that again, or leave something out"
                )
            if each.group == group and each.topic == former and each.behind:
                found.append(f"it has up to {each.behind:,} records of {former} to read")
        if not any(each.group == group and each.topic == former for each in seen.groups):
            found.append(f"it has never read {former}")
        if seen.behind(former):
            found.append(f"{seen.behind(former):,} records of {former} are still to be copied")
        if found:
            raise CannotMigrate(what=what, obstacles=found)
        ends = {each.partition: each.end for each in seen.of(new)}
        # A partition to which nobody has written natively was copied back to its end: nothing of it is new.
        offsets = {number: starts.get(number, end) for number, end in ends.items()}
        await self.survey.place(group, new, offsets)
        await self._tell("moved", migration, by=by, reason=reason, data={"group": group, "offsets": offsets})
        return offsets

    async def _move_on(self, migration: Migration, group: str, *, what: str, by: str, reason: str) -> Mapping[int, int]:
        """Into the next generation, behind what it has read, though that be not all."""
        try:
            offsets = await self._moving.move(migration, group)
        except NotMovable as error:
            raise CannotMigrate(what=what, obstacles=[str(error)]) from error
        if group not in migration.moved:
            await self.log.write(replace(migration, moved=(*migration.moved, group)), before=migration)
        await self._tell("moved", migration, by=by, reason=reason, data={"group": group, "offsets": offsets})
        return offsets

    async def delete(self, migration: Migration, topic: str) -> None:
        """Delete a topic of a migration that has ended. Raises CannotMigrate where a producer wrote there since."""
        await self._routed(migration, topic)
        left = await self.survey.natives_left(migration, topic)
        if left:
            back = "drain" if topic == migration.source_topic else "flip"
            told = f"producers wrote up to {left:,} records there that nobody has copied: `router migrate {back}` goes back"
            raise CannotMigrate(what=f"{topic} is not deleted", obstacles=[told])
        await self.survey.delete(topic)

    async def close_to_writers(self, migration: Migration) -> None:
        """Let nobody write to the former topic any more. Raises CannotClose, and CannotMigrate where somebody just has."""
        topic = migration.source_topic
        # Looked at behind it: nothing comes after that.
        await self.access.close(topic)
        left = await self.survey.natives_left(migration, topic)
        if left:
            told = f"producers wrote up to {left:,} records there that nobody has copied: `router migrate drain` goes back, and copies them"
            raise CannotMigrate(what=f"{topic} is closed, and not retired", obstacles=[told])

    async def _routed(self, migration: Migration, topic: str) -> None:
        """Wait until workers have routed what producers wrote to a topic that goes: elsewhere it is a copy. Raises NotSettled."""
        deadline = time.monotonic() + _SETTLES_WITHIN
        while any(
            each.follows and each.topic == topic and each.behind for each in (await self.observe(migration)).groups
        ):
            if time.monotonic() > deadline:
                raise NotSettled(migration=str(migration), who=f"the workers that read {topic}")
            await asyncio.sleep(_LOOK_EVERY)

    async def _forgotten(self, migration: Migration) -> None:
        """Wait until nobody has a place in the new topic from a time when there was another of its name. Raises CannotMigrate."""
        topic, deadline = migration.target_topic, time.monotonic() + _SETTLES_WITHIN
        while holders := await self.survey.holders(topic):
            if time.monotonic() > deadline:
                told = f"{', '.join(holders)} had places in a former topic '{topic}', and would begin there and leave out what stands before"
                way = "stop them, or delete their offsets of it (kafka-consumer-groups --delete-offsets)"
                raise CannotMigrate(what=f"{migration} cannot begin", obstacles=[f"{told}: {way}"])
            await asyncio.sleep(_LOOK_EVERY)

    async def _write(self, migration: Migration, before: Migration | None) -> None:
        await self.log.write(migration, before=before)
        step = migration.steps[-1]
        await self._tell(
            str(step.phase), migration, by=step.by, reason=step.reason, data={"evidence": dict(step.evidence)}
        )

    async def _tell(self, what: str, migration: Migration, *, by: str, reason: str, data: Mapping[str, Any]) -> None:
        await self._kafka.tell(
            AuditEvent(
                command=uuid4().hex[:8],
                type=f"router.migration.{what}",
                source=self._settings.group,
                subject=str(migration),
                at=_now(),
                data={"author": by, "reason": reason, **data},
            )
        )


def _is_seen(migration: Migration, kept: Migration | None) -> bool:
    """Whether others who look see a step that was taken; what was committed shows a moment later."""
    return kept is not None and (kept.generation, len(kept.steps)) >= (migration.generation, len(migration.steps))


def _evidence(seen: Observation) -> dict[str, Any]:
    """What a step is founded on, as it is kept."""
    return {
        "mirrors": [
            {
                "topic": each.topic, "partition": each.partition, "position": each.position, "end": each.end,
                "natives": each.natives.count, "last_native": each.natives.last, "last_native_at": each.natives.at,
                "lacking": each.natives.lacking,
            }
            for each in seen.mirrors
        ],
        "groups": [
            {"group": each.group, "topic": each.topic, "members": each.members, "behind": each.behind}
            for each in seen.groups
        ],
    }  # fmt: skip


def _earlier(before: str, sunset: str | None) -> list[str]:
    """A date that was announced may move later, never earlier."""
    if sunset is None or not before or sunset >= before:
        return []
    return [
        f"{before} was announced as the end, and a date may move later, but not to {sunset}: people have planned by it"
    ]


def _listed(versions: Sequence[int]) -> str:
    return ", ".join(f"v{each}" for each in versions)


def _now() -> int:
    return round(time.time() * 1000)
