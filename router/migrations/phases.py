"""The life of a migration: from which phase to which it may go, and what stands in its way. Pure.

    start ──► MIRROR ──► FLIP ◄──► DRAIN ◄──► RETIRED
                 └── abort ┴◄─► ABORTED

    mirror    every record of the former topic is copied, converted, into the new one; from the earliest that is retained on, by
              one reader a partition, so that history and what comes now have no seam
    flip      producers may move, one after another. What they write to the new topic is copied back for those who stay
    drain     nothing is copied back any more: from a recorded position on, the new topic alone has everything. Consumers read the
              former one to its end, and go on there
    retired   the former topic is of no use to anybody, and the proof of that is kept

Both topics hold every event from the first phase on, so each step can be taken back until the last; and while the topic that
should go is still there, that one too: a producer that wakes up after the proof must not lose what it wrote. A migration that is begun
anew has another generation: its copies are told from those of the one that was aborted (`crossing.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from router.errors import ConfigError
from router.migrations.crossing import Natives, is_mirror, mirror_group
from router.records.generations import of_generation

__all__ = [
    "GroupState",
    "Migration",
    "MirrorState",
    "Observation",
    "Phase",
    "Step",
    "WrongPhase",
    "next_step",
    "obstacles",
    "read_migration",
    "stepped",
    "still_reading",
    "troubles",
]

_FORMAT = 1
_NEARLY = 1_000
"""Records that the new topic may lack when producers are told that they may move."""


class Phase(StrEnum):
    """Where a migration is."""

    MIRROR = "mirror"
    FLIP = "flip"
    DRAIN = "drain"
    RETIRED = "retired"
    ABORTED = "aborted"

    @property
    def ended(self) -> bool:
        """Nothing is copied any more, and nothing follows."""
        return self in (Phase.RETIRED, Phase.ABORTED)


_FROM: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.FLIP: (Phase.MIRROR, Phase.DRAIN, Phase.ABORTED),
    Phase.DRAIN: (Phase.FLIP, Phase.RETIRED),
    Phase.RETIRED: (Phase.DRAIN,),
    Phase.ABORTED: (Phase.MIRROR, Phase.FLIP),
}
"""By phase, those that it may follow."""
_HOW = {Phase.FLIP: "flip", Phase.DRAIN: "drain", Phase.RETIRED: "retire", Phase.ABORTED: "abort"}
_ONWARD = {Phase.MIRROR: Phase.FLIP, Phase.FLIP: Phase.DRAIN, Phase.DRAIN: Phase.RETIRED}


class WrongPhase(ConfigError):
    """A step does not follow from where a migration is."""

    reason = "wrong-phase"

    def __init__(self, *, migration: str, phase: Phase, wanted: Phase) -> None:
        super().__init__(migration, phase, wanted)
        self.migration = migration
        self.phase = phase
        self.wanted = wanted

    def __str__(self) -> str:
        step = f"{self.migration} is in phase '{self.phase}'"
        if self.phase is self.wanted:
            return f"{step} already"
        befores = " or ".join(f"'{each}'" for each in _FROM[self.wanted])
        after = [_HOW[each] for each, befores in _FROM.items() if self.phase in befores]
        return f"{step}, and '{_HOW[self.wanted]}' follows {befores}; from here it goes on with {' or '.join(after)}"


@dataclass(frozen=True, slots=True)
class Step:
    """Who took a migration to a phase, when and why, and what was so at that time."""

    phase: Phase
    at: int
    """Milliseconds since the epoch."""
    by: str
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One subject on its way from a version to another."""

    name: str
    """The topics' name without the version: `shop.order.status`."""
    source: int
    target: int
    generation: int
    workers: str
    """The consumer group of the workers of who began it: they copy, and nobody else does, or there would be two copies of each."""
    steps: tuple[Step, ...]
    """First to last; there is one at least."""
    quiet_ms: int = 3_600_000
    """For how long nobody may have written to the former topic before it drains and is retired."""
    sunset: str = ""
    """When the former topic is to go, as those are told who stay: an RFC 3339 date and time; empty: they are told none."""
    counts: tuple[int, int] | None = None
    """How many partitions the former and the new topic have, where they are two generations of one: `source` and `target` count
    these then, and `name` is the first one's. None where they are versions."""
    by: str = ""
    """The partitioner that says where in the new generation a key lies."""
    moved: tuple[str, ...] = ()
    """Groups that go on in the new generation, though they had not read the former one to its end."""

    @property
    def letter(self) -> str:
        """What stands before the numbers of those that it leads between."""
        return "v" if self.counts is None else "g"

    def topic_of(self, number: int) -> str:
        """The topic of a version, or of a generation."""
        return f"{self.name}.v{number}" if self.counts is None else of_generation(self.name, number)

    @property
    def phase(self) -> Phase:
        """Where it is."""
        return self.steps[-1].phase

    @property
    def source_topic(self) -> str:
        """The former one."""
        return self.topic_of(self.source)

    @property
    def target_topic(self) -> str:
        """The new one."""
        return self.topic_of(self.target)

    @property
    def topics(self) -> tuple[str, ...]:
        """All of its topics, the former one first."""
        return self.source_topic, self.target_topic

    @property
    def pairs(self) -> tuple[Migration, ...]:
        """It, for each new topic that it leads to: what stands in the way is said of two topics."""
        return (self,)

    @property
    def set_aside(self) -> str:
        """What became of records that were not copied, in words."""
        return "did not get to the other version, but among its dead letters, which say why"

    @property
    def key(self) -> str:
        """By which it is kept: one a pair of versions."""
        return f"{self.name}/{self.letter}{self.source}-{self.letter}{self.target}"

    @property
    def group(self) -> str:
        """The consumer group that copies."""
        return mirror_group(self.workers, self.name, (self.source, self.target), self.generation, letter=self.letter)

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """From which topic to which records are copied now."""
        forth, back = (self.source_topic, self.target_topic), (self.target_topic, self.source_topic)
        if self.phase.ended:
            return ()
        return (forth,) if self.phase is Phase.DRAIN else (forth, back)

    def __str__(self) -> str:
        return f"{self.source_topic} to {self.letter}{self.target}"

    def to_json(self) -> dict[str, Any]:
        """As it stands in `router.migrations`."""
        return {
            "format": _FORMAT,
            "name": self.name,
            "source": self.source,
            "target": self.target,
            "generation": self.generation,
            "group": self.workers,
            "phase": str(self.phase),
            "quiet_ms": self.quiet_ms,
            "sunset": self.sunset,
            **({} if self.counts is None else {"partitions": list(self.counts), "by": self.by, "moved": list(self.moved)}),
            "steps": [
                {
                    "phase": str(each.phase), "at": each.at, "by": each.by, "reason": each.reason,
                    "evidence": dict(each.evidence),
                }
                for each in self.steps
            ],
        }  # fmt: skip


def next_step(migration: Migration) -> tuple[str, Phase] | None:
    """The step onward from where a migration is, by its command's name, and the phase that it leads to; None at an end."""
    phase = _ONWARD.get(migration.phase)
    return None if phase is None else (_HOW[phase], phase)


def read_migration(value: bytes | None) -> Migration | None:
    """What a record of `router.migrations` tells; None for what is none, since other tools may read and write there."""
    try:
        told = json.loads(value or b"")
        if told["format"] != _FORMAT or not told["steps"]:
            return None
        return Migration(
            name=str(told["name"]),
            source=int(told["source"]),
            target=int(told["target"]),
            generation=int(told["generation"]),
            workers=str(told.get("group", "")),
            quiet_ms=int(told["quiet_ms"]),
            sunset=str(told["sunset"]),
            counts=_counts(told.get("partitions")),
            by=str(told.get("by", "")),
            moved=tuple(map(str, told.get("moved", ()))),
            steps=tuple(
                Step(Phase(each["phase"]), int(each["at"]), each["by"], each["reason"], dict(each["evidence"]))
                for each in told["steps"]
            ),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _counts(told: Any) -> tuple[int, int] | None:
    if told is None:
        return None
    former, new = told
    return int(former), int(new)


def stepped(migration: Migration, step: Step, *, quiet_ms: int | None = None, sunset: str | None = None) -> Migration:
    """The migration one step further. Raises WrongPhase."""
    if migration.phase not in _FROM.get(step.phase, ()):
        raise WrongPhase(migration=str(migration), phase=migration.phase, wanted=step.phase)
    return replace(
        migration,
        steps=(*migration.steps, step),
        quiet_ms=migration.quiet_ms if quiet_ms is None else quiet_ms,
        sunset=migration.sunset if sunset is None else sunset,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorState:
    """How far one partition of one topic was copied to its twin."""

    topic: str
    partition: int
    position: int
    """Of the next record to be copied, committed."""
    end: int
    """Of the log, for readers of what is committed; transaction markers count."""
    unread: bool
    """There is a record between the two."""
    natives: Natives
    """What producers wrote to this topic, among what was read."""
    start: int = 0
    """Of the log: what stood before was deleted."""
    hidden: int = 0
    """Records behind the end, at most: a transaction is open, and hides whatever stands behind its first record."""

    @property
    def behind(self) -> int:
        """Records that are still to be read, at most."""
        return self.end - max(self.position, self.start) if self.unread else 0

    @property
    def removed(self) -> int:
        """Records, at most, that were deleted before anybody had copied them."""
        return max(0, self.start - self.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """How far a consumer group has read one of the topics."""

    group: str
    topic: str
    members: int
    """Those that have partitions of the topic."""
    behind: int
    """Records that are still to be read, at most; 0 where there are none."""
    committed: bool = True
    """It has places of its own there, and does not merely hold partitions."""
    follows: bool = False
    """It reads whatever version has the records, and needs no moving: the router's own workers, by the subject's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is so now."""

    at: int
    """Milliseconds since the epoch."""
    mirrors: Sequence[MirrorState]
    groups: Sequence[GroupState]
    """All that have ever committed for one of the two topics, but the one that copies."""
    goes_back: bool
    """There is a conversion back."""
    copying: int = 0
    """Members of the group that copies."""
    places_kept: str = ""
    """For how long brokers keep the places of a group of which nobody runs, in words; empty where they do not say."""
    problem: str = ""
    """Why the catalogue that was read has no way from the one version to the other; empty where it has."""

    def of(self, topic: str) -> list[MirrorState]:
        """How far a topic was copied."""
        return [each for each in self.mirrors if each.topic == topic]

    def behind(self, topic: str) -> int:
        """Records of the topic that are still to be copied, at most."""
        return sum(each.behind for each in self.of(topic))

    def last_native(self, topic: str) -> int:
        """When a producer last wrote to the topic, by its timestamps; -1 where none did."""
        return max((each.natives.at for each in self.of(topic)), default=-1)


def still_reading(groups: Iterable[GroupState], migrations: Iterable[Migration]) -> tuple[GroupState, ...]:
    """Without the mirrors of migrations that copy a topic no more: their places stay where they were, and nobody misses anything."""
    copying = {each.group: {start for start, _ in each.ways} for each in migrations}
    return tuple(
        each
        for each in groups
        if each.members or not is_mirror(each.group) or each.topic in copying.get(each.group, ())
    )


def obstacles(migration: Migration, wanted: Phase, seen: Observation, *, lacking: int = 0) -> list[str]:
    """What stands in the way of a step, each as a sentence; nothing where it may be taken. Raises WrongPhase.

    `lacking` records may be missing in the topic that stays: somebody knows of so many that did not convert.
    """
    stepped(migration, Step(wanted, seen.at, "", ""))
    found = (each for pair in migration.pairs for each in _between(pair, wanted, seen, lacking))
    return list(dict.fromkeys(found))


def _between(migration: Migration, wanted: Phase, seen: Observation, lacking: int) -> list[str]:
    """What stands in the way between two topics."""
    former, new = migration.source_topic, migration.target_topic
    found: list[str] = []
    # Who has moved needs nothing more of what is there: only members that read it still would.
    away = [
        replace(each, behind=0) if each.topic == former and each.group in migration.moved else each
        for each in seen.groups
    ]
    seen = replace(seen, groups=away)
    if wanted is Phase.FLIP and migration.phase is Phase.MIRROR:
        if not seen.goes_back:
            found.append(
                f"nothing leads from v{migration.target} back to v{migration.source}: who stays with {former} would get nothing "
                f"of what producers write to {new}. Write schemas/…/v{migration.target}_to_v{migration.source}.yaml"
            )
        if (behind := seen.behind(former)) > _NEARLY:
            found.append(f"{behind:,} records of {former} are still to be copied: wait until it is nearly done")
    elif wanted in (Phase.DRAIN, Phase.RETIRED) and not migration.phase.ended:
        found += _quiet(migration, seen, former)
        found += _copied(seen, former)
    if migration.phase.ended:
        going = former if migration.phase is Phase.RETIRED else new
        found += [] if seen.of(going) else [f"there is no topic '{going}' any more"]
    if wanted is Phase.RETIRED:
        found += [*_hidden(seen, former), *_lacking(migration, seen, former, lacking), *_left(seen, former)]
    if wanted is Phase.ABORTED and migration.moved:
        found.append(
            f"{', '.join(migration.moved)} went on in {new}, and {former} has no place for what has been read there: it would be read again. "
            "Go on with flip, drain and retire"
        )
    if wanted is Phase.ABORTED and any(each.natives.count for each in seen.of(new)):
        found += _quiet(migration, seen, new)
        found += _copied(seen, new)
    if wanted is Phase.ABORTED:
        # Workers that follow are waited for before it is deleted: here they are behind as long as it is filled.
        staying = [each for each in seen.groups if not each.follows]
        found += [*_lacking(migration, seen, new, lacking), *_left(replace(seen, groups=staying), new)]
    return found


def troubles(migration: Migration, seen: Observation) -> list[str]:
    """What is wrong although nobody takes a step, each as a sentence with the way out."""
    if migration.phase.ended:
        return []
    return list(dict.fromkeys(each for pair in migration.pairs for each in _wrong_between(pair, seen)))


def _wrong_between(migration: Migration, seen: Observation) -> list[str]:
    former, new = migration.source_topic, migration.target_topic
    found = [f"nothing is copied: {seen.problem}"] if seen.problem else []
    here, there = len(seen.of(former)), len(seen.of(new))
    if migration.counts is not None and (here, there) != migration.counts:
        found.append(
            f"nothing is copied: {former} has {here} partitions and {new} {there}, and it was begun with {migration.counts[0]} and "
            f"{migration.counts[1]}: keys would lie elsewhere. Abort it, and begin anew"
        )
    elif migration.counts is None and here != there:
        found.append(
            f"nothing is copied: {former} has {here} partitions and {new} {there}. Versions of a subject have equally many: "
            "add partitions to the one that has fewer"
        )
    if not seen.copying:
        found.append(
            f"nobody copies: does `router migrate run` run with ROUTER_GROUP={migration.workers}? Where a process of it ends again and again, its log says why. "
            f"Its places expire {seen.places_kept or 'with offsets.retention.minutes,'} after its last process has ended: then it "
            "must be begun anew"
        )
    for each in seen.mirrors:
        found += _removed(each)
    for topic in (former, new):
        found += _lacking(migration, seen, topic, 0)
    return found


def _lacking(migration: Migration, seen: Observation, topic: str, known: int) -> list[str]:
    count = sum(each.natives.lacking for each in seen.of(topic))
    if count <= known:
        return []
    told = f"{count:,} records of {topic} {migration.set_aside}"
    return [f"{told}: once they are seen to, `--lacking {count}` says so"]


def _removed(state: MirrorState) -> list[str]:
    if not state.removed:
        return []
    told = f"up to {state.removed:,} records of {state.topic}/{state.partition} were deleted before they were copied"
    way = "Copying goes on behind them where ROUTER_OFFSET_LOST=earliest says so, which notes them"
    return [f"{told}: its retention is over. {way}"]


def _hidden(seen: Observation, topic: str) -> list[str]:
    count = sum(each.hidden for each in seen.of(topic))
    told = f"a producer's transaction is open in {topic}, and up to {count:,} records stand behind its beginning"
    return [f"{told}: wait until it ends"] if count else []


def _quiet(migration: Migration, seen: Observation, topic: str) -> list[str]:
    last = seen.last_native(topic)
    passed = seen.at - last
    if last < 0 or passed >= migration.quiet_ms:
        return []
    asked, wait = migration.quiet_ms / 1000, (migration.quiet_ms - passed) / 1000
    told = f"a producer wrote to {topic} {passed / 1000:,.0f} s ago, and {asked:,.0f} s without that are asked for"
    return [f"{told}: {wait:,.0f} s more"]


def _copied(seen: Observation, topic: str) -> list[str]:
    behind, removed = seen.behind(topic), sum(each.removed for each in seen.of(topic))
    found = [f"{behind:,} records of {topic} are still to be copied"] if behind else []
    if removed:
        found.append(
            f"up to {removed:,} records of {topic} were deleted before they were copied, and nobody has noted it yet"
        )
    return found


def _left(seen: Observation, topic: str) -> list[str]:
    """Who still needs a topic."""
    found = []
    for each in sorted(seen.groups, key=lambda group: group.group):
        if each.topic != topic:
            continue
        if each.behind:
            found.append(f"group '{each.group}' has up to {each.behind:,} records of {topic} to read")
        elif each.members and not each.follows:
            found.append(f"group '{each.group}' still reads {topic}, with {each.members} members")
    return found
