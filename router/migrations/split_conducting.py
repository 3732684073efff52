"""Takes splits from phase to phase, as other migrations: what is done once for a new topic there is done for each of them here."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace

from router.language.topics import dead_letters_of
from router.migrations.conducting import CannotMigrate, Conductor, Plan
from router.migrations.log import MIGRATIONS
from router.migrations.observing import follows
from router.migrations.phases import Migration, Phase, Step
from router.migrations.splitting import SplitMigration, split_of
from router.records.splitting import NoSplit

__all__ = ["SplitConductor"]


class SplitConductor(Conductor):
    """One that knows splits, too."""

    async def plan(self, name: str, *, source: int | None, target: int | None) -> Plan:
        """See Conductor: a topic that is being split moves to no other version meanwhile."""
        found = await super().plan(name, source=source, target=target)
        former = found.migration.source_topic
        splitting = [f"{each} is under way, in phase '{each.phase}'" for each in await self._splits(former)]
        return replace(found, obstacles=(*splitting, *found.obstacles)) if splitting else found

    async def _splits(self, topic: str) -> list[Migration]:
        """The splits under way that have to do with a topic."""
        kept = (await self.log.latest()).values()
        return [
            each for each in kept if isinstance(each, SplitMigration) and not each.phase.ended and topic in each.topics
        ]

    async def plan_split(self, name: str, *, source: int | None) -> Plan:
        """What `start` would begin: the version is the one that split.yaml is about, unless one is asked for."""
        found: list[str] = []
        former = f"{name}.v{source or self._split_version(name)}"
        version = int(former.rpartition(".v")[2])
        branches: tuple[str, ...] = ()
        text, back = "", ""
        try:
            split, by_topic = split_of(self._catalogue, former)
        except NoSplit as error:
            found.append(str(error))
        else:
            branches = tuple(by_topic)
            text = f"by '{split.by}' as {split.file} says; other types: {split.otherwise}"
            none = [each for each, branch in by_topic.items() if branch.back is None]
            back = f"all but {', '.join(none)}" if none else "all of them, by the same file"
        counts = await self.survey.counts([former, *branches])
        kept = await self.log.latest()
        if former not in counts:
            found.append(f"there is no topic '{former}', or you may not see it")
        found += [
            f"{each} is under way, in phase '{each.phase}': one thing after another"
            for each in kept.values()
            if not each.phase.ended and former in each.topics
        ]
        before = kept.get(f"{name}/v{version}-split")
        left = before is not None and before.phase is Phase.ABORTED
        for topic in branches:
            if topic in counts and former in counts and counts[topic] != counts[former]:
                told = f"'{topic}' is there, with {counts[topic]} partitions and not the {counts[former]} of '{former}'"
                found.append(f"{told}: delete it, or add partitions to the one that has fewer")
            if topic in counts and await self.survey.held(topic):
                way = ". `router migrate abort` deletes it: that was interrupted" if left else ""
                told = f"'{topic}' is there, and has records: what is in it would not be told from what is copied{way}"
                found.append(told)
        migration = SplitMigration(
            name=name, source=version, target=0, generation=1 if before is None else before.generation + 1,
            workers=self._settings.group, steps=(), into=branches,
        )  # fmt: skip
        beside = [*map(dead_letters_of, (former, *branches)), MIGRATIONS]
        there = {*counts, *await self.survey.counts(beside)}
        seen = await self.observe(migration) if former in counts else None
        return Plan(
            migration=migration,
            partitions=counts.get(former, 0),
            held=await self.survey.held(former) if former in counts else 0,
            forth=text,
            back=back,
            makes=tuple(each for each in (*branches, *beside) if each not in there),
            readers=tuple(sorted({each.group for each in seen.groups if each.topic == former})) if seen else (),
            follows=follows(self._routes, former),
            named=self._named(former),
            obstacles=tuple(found),
        )

    def _split_version(self, name: str) -> int:
        """The version that the subject's split.yaml is about; 1 where there is none, so that this is what is told."""
        for version in sorted({each for _, each in self._catalogue.versions}):
            found = self._catalogue.resolve(f"{name}.v{version}")
            if found is not None:
                try:
                    return self._catalogue.split(found.subject).version
                except NoSplit:
                    return version
        return 1

    async def start(self, plan: Plan, *, by: str, reason: str) -> Migration:
        """See Conductor."""
        migration = plan.migration
        if not isinstance(migration, SplitMigration):
            return await super().start(plan, by=by, reason=reason)
        if plan.obstacles:
            raise CannotMigrate(what=f"{migration} cannot begin", obstacles=plan.obstacles)
        await self._kafka.make_own_topics()
        former = migration.source_topic
        before = (await self.log.latest()).get(migration.key)
        if before is not None:
            # An abort may have been interrupted before it did that.
            await self._shut_out(before, *before.topics)
        for pair in migration.pairs:
            if pair.target_topic in plan.makes:
                await self._forgotten(pair)
        for topic in plan.makes:
            if topic == MIGRATIONS:
                await self.survey.make(MIGRATIONS, {"cleanup.policy": "compact"})
            else:
                await self.survey.create(topic, like=former)
        evidence = {"ends": await self.survey.ends([former]), "held": plan.held}
        begun = replace(migration, steps=(Step(Phase.MIRROR, round(time.time() * 1000), by, reason, evidence),))
        await self._write(begun, before)
        return begun

    async def _shut_out(self, migration: Migration, *topics: str) -> None:
        """See Conductor; of a split, the lanes of the former topic write everything, and there are no others."""
        if isinstance(migration, SplitMigration):
            topics = (migration.source_topic,)
        await super()._shut_out(migration, *topics)

    async def settle_drain(self, migration: Migration) -> dict[int, int]:
        """See Conductor; of a split, nothing can be said in one place: `settled` says it."""
        if isinstance(migration, SplitMigration):
            await self.settled(migration)
            return {}
        return await super().settle_drain(migration)

    async def settled(self, migration: SplitMigration) -> Mapping[str, Mapping[int, int]]:
        """Wait until nothing is joined any more, and give by new topic where in its partitions that ends. Raises NotSettled."""
        # The lanes of the former topic join: who takes their ids ends that, and who takes them next sees the step.
        await self._shut_out(migration, migration.source_topic)
        return {each.target_topic: (await self.survey.copied(each))[0] for each in migration.pairs}

    async def move_split(
        self, migration: SplitMigration, group: str, *, only: Collection[str] = (), by: str, reason: str
    ) -> Mapping[str, Mapping[int, int]]:
        """Let a group that has read the former topic to its end go on in all of the new ones, or in some. Raises CannotMigrate."""
        what = f"group '{group}' does not move"
        strange = sorted({*only} - {*migration.into})
        if strange:
            raise CannotMigrate(what=what, obstacles=[f"{migration} does not lead to {', '.join(strange)}"])
        if migration.phase is not Phase.DRAIN:
            raise CannotMigrate(
                what=what, obstacles=[f"{migration} is in phase '{migration.phase}', and not in 'drain'"]
            )
        topics = [each for each in migration.into if not only or each in only]
        starts = await self.settled(migration)
        seen = await self.observe(migration)
        former = migration.source_topic
        own = [each for each in seen.groups if each.group == group]
        found = [
            f"it has {each.members} members that read {each.topic}: stop them first" for each in own if each.members
        ]
        found += [
            f"it has read {each.topic} already: to move it would have it read that again, or leave something out"
            for each in own
            if each.topic in topics and each.committed
        ]
        found += [
            f"it has up to {each.behind:,} records of {former} to read"
            for each in own
            if each.topic == former and each.behind
        ]
        if not any(each.topic == former for each in own):
            found.append(f"it has never read {former}")
        if seen.behind(former):
            found.append(f"{seen.behind(former):,} records of {former} are still to be copied")
        if found:
            raise CannotMigrate(what=what, obstacles=found)
        placed: dict[str, dict[int, int]] = {}
        for topic in topics:
            ends = {each.partition: each.end for each in seen.of(topic)}
            # A partition to which nobody has written natively was joined to its end: nothing of it is new.
            placed[topic] = {number: starts[topic].get(number, end) for number, end in ends.items()}
            await self.survey.place(group, topic, placed[topic])
        await self._tell("moved", migration, by=by, reason=reason, data={"group": group, "offsets": placed})
        return placed
