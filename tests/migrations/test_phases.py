"""From phase to phase: what may follow, what stands in the way, and what is kept of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from router.migrations.crossing import Natives
from router.migrations.phases import (
    GroupState,
    Migration,
    MirrorState,
    Observation,
    Phase,
    Step,
    WrongPhase,
    obstacles,
    read_migration,
    stepped,
    still_reading,
    troubles,
)

NOW = 10_000_000
HOUR = 3_600_000
END = 10_000


def migration(*phases: Phase, **more: Any) -> Migration:
    """One that went through these phases."""
    steps = tuple(Step(each, number, "ada", "a reason", {"n": number}) for number, each in enumerate(phases))
    return Migration(name="shop.order", source=1, target=2, generation=3, workers="shop", steps=steps, **more)


def mirror(topic: str, *, behind: int = 0, natives: int = 0, at: int = -1, unread: bool | None = None) -> MirrorState:
    return MirrorState(
        topic=topic,
        partition=0,
        position=END - behind,
        end=END,
        unread=behind > 0 if unread is None else unread,
        natives=Natives(natives, natives - 1, at),
    )


def group(name: str, topic: str, *, members: int = 0, behind: int = 0, follows: bool = False) -> GroupState:
    return GroupState(group=name, topic=topic, members=members, behind=behind, follows=follows)


def seen(*mirrors: MirrorState, groups: tuple[GroupState, ...] = (), goes_back: bool = True) -> Observation:
    return Observation(at=NOW, mirrors=mirrors, groups=groups, goes_back=goes_back)


def test_generations_are_moved_between_as_versions_are() -> None:
    """Under their own names; who has moved on needs nothing of the former, unless it reads it still."""
    moving = migration(*DRAINED, counts=(1, 8), by="murmur2", moved=("refunds",))
    assert (moving.source_topic, moving.target_topic) == ("shop.order", "shop.order.g2")
    assert (moving.key, str(moving)) == ("shop.order/g1-g2", "shop.order to g2")
    assert moving.group == "shop-migrate-shop.order.g1-g2-3"
    assert read_migration(json.dumps(moving.to_json()).encode()) == moving
    here = (mirror("shop.order"), mirror("shop.order.g2"))
    away = group("refunds", "shop.order", behind=20_000)
    assert obstacles(moving, Phase.RETIRED, seen(*here, groups=(away,))) == []
    (held,) = obstacles(moving, Phase.RETIRED, seen(*here, groups=(replace(away, members=1),)))
    assert held == "group 'refunds' still reads shop.order, with 1 members"
    (held,) = obstacles(moving, Phase.RETIRED, seen(*here, groups=(replace(away, group="other"),)))
    assert "'other' has up to 20,000 records" in held
    begun = replace(moving, steps=moving.steps[:1])
    (held,) = obstacles(begun, Phase.ABORTED, seen(*here, groups=(away,)))
    assert "refunds went on in shop.order.g2" in held
    assert obstacles(replace(begun, moved=()), Phase.ABORTED, seen(*here, groups=(away,))) == []
    assert any(
        "it was begun with 1 and 8" in each for each in troubles(replace(moving, steps=moving.steps[:1]), seen(*here))
    )


FORMER, NEW = "shop.order.v1", "shop.order.v2"
FLIPPED = (Phase.MIRROR, Phase.FLIP)
DRAINED = (*FLIPPED, Phase.DRAIN)


@pytest.mark.parametrize(
    ("phases", "follows"),
    [
        ((Phase.MIRROR,), {Phase.FLIP, Phase.ABORTED}),
        (FLIPPED, {Phase.DRAIN, Phase.ABORTED}),
        (DRAINED, {Phase.FLIP, Phase.RETIRED}),
        ((*DRAINED, Phase.RETIRED), {Phase.DRAIN}),
        ((Phase.MIRROR, Phase.ABORTED), {Phase.FLIP}),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_only_what_follows_may_follow(phases: tuple[Phase, ...], follows: set[Phase]) -> None:
    """Draining can be taken back, and an end as well, while the topic is there."""
    found = set()
    for phase in Phase:
        try:
            after = stepped(migration(*phases), Step(phase, NOW, "ada", "why"))
        except WrongPhase:
            continue
        assert after.phase is phase
        found.add(phase)
    assert found == follows


def test_a_wrong_step_says_what_comes_next() -> None:
    """Who asks for too much, or for the same twice, need not look it up."""
    with pytest.raises(WrongPhase) as wrong:
        stepped(migration(Phase.MIRROR), Step(Phase.RETIRED, NOW, "", ""))
    told = "shop.order.v1 to v2 is in phase 'mirror', and 'retire' follows 'drain'; from here it goes on with flip or abort"
    assert str(wrong.value) == told
    with pytest.raises(WrongPhase, match="is in phase 'flip' already"):
        stepped(migration(*FLIPPED), Step(Phase.FLIP, NOW, "", ""))
    with pytest.raises(WrongPhase, match=r"from here it goes on with flip$"):
        stepped(migration(Phase.MIRROR, Phase.ABORTED), Step(Phase.RETIRED, NOW, "", ""))


def test_a_step_keeps_what_was_said_before() -> None:
    """Unless it says something else."""
    first = stepped(migration(Phase.MIRROR), Step(Phase.FLIP, NOW, "ada", "go"), quiet_ms=5, sunset="2030")
    second = stepped(first, Step(Phase.DRAIN, NOW, "ada", "go"))
    assert (second.quiet_ms, second.sunset) == (5, "2030")


@pytest.mark.parametrize(
    ("phases", "ways"),
    [
        ((Phase.MIRROR,), ((FORMER, NEW), (NEW, FORMER))),
        (FLIPPED, ((FORMER, NEW), (NEW, FORMER))),
        (DRAINED, ((FORMER, NEW),)),
        ((*DRAINED, Phase.RETIRED), ()),
        ((Phase.MIRROR, Phase.ABORTED), ()),
    ],
    ids=lambda value: value[-1] if value and isinstance(value[-1], Phase) else "",
)
def test_phases_say_what_is_copied(phases: tuple[Phase, ...], ways: tuple[tuple[str, str], ...]) -> None:
    """Back, too, from the beginning on: a producer that moves too early loses nothing by it."""
    assert migration(*phases).ways == ways


LATE = mirror(FORMER, behind=1_001)
WRITTEN = mirror(FORMER, natives=5, at=NOW - 60_000)
QUIET = mirror(FORMER, natives=5, at=NOW - HOUR)
LACKING = replace(QUIET, natives=replace(QUIET.natives, lacking=2))


@pytest.mark.parametrize(
    ("phases", "wanted", "observed", "told"),
    [
        pytest.param((Phase.MIRROR,), Phase.FLIP, seen(mirror(FORMER, behind=1_000)), [], id="nearly done"),
        pytest.param((Phase.MIRROR,), Phase.FLIP, seen(LATE), ["1,001 records of shop.order.v1"], id="still filling"),
        pytest.param((Phase.MIRROR,), Phase.FLIP, seen(QUIET, goes_back=False), ["v2_to_v1.yaml"], id="no way back"),
        pytest.param(DRAINED, Phase.FLIP, seen(LATE, goes_back=False), [], id="back from draining"),
        pytest.param(FLIPPED, Phase.DRAIN, seen(QUIET), [], id="nobody writes"),
        pytest.param(FLIPPED, Phase.DRAIN, seen(mirror(FORMER)), [], id="nobody ever wrote"),
        pytest.param(
            FLIPPED, Phase.DRAIN, seen(WRITTEN), ["60 s ago, and 3,600 s without that are asked for: 3,540 s more"],
            id="somebody writes",
        ),
        pytest.param(
            FLIPPED, Phase.DRAIN, seen(replace(QUIET, position=END - 1, unread=True)), ["1 records of shop.order.v1 are still"],
            id="one is not copied",
        ),
        pytest.param(FLIPPED, Phase.DRAIN, seen(mirror(FORMER, behind=1, unread=False)), [], id="markers alone"),
        pytest.param(FLIPPED, Phase.DRAIN, seen(QUIET, groups=(group("g", FORMER, behind=9),)), [], id="readers may be late"),
        pytest.param(DRAINED, Phase.RETIRED, seen(QUIET), [], id="proved"),
        pytest.param(
            DRAINED, Phase.RETIRED, seen(WRITTEN, groups=(group("g", FORMER, behind=1), group("a", NEW, behind=7))),
            ["60 s ago", "group 'g' has up to 1 records of shop.order.v1 to read"], id="late by one",
        ),
        pytest.param(
            DRAINED, Phase.RETIRED, seen(QUIET, groups=(group("g", FORMER, members=2),)),
            ["group 'g' still reads shop.order.v1, with 2 members"], id="still there",
        ),
        pytest.param(
            DRAINED, Phase.RETIRED, seen(QUIET, groups=(group("workers", FORMER, members=2, follows=True),)), [],
            id="workers follow",
        ),
        pytest.param((Phase.MIRROR,), Phase.ABORTED, seen(LATE, mirror(NEW, behind=9)), [], id="nothing was new"),
        pytest.param(
            FLIPPED, Phase.ABORTED, seen(mirror(NEW, natives=1, at=NOW - 1, behind=2)),
            ["a producer wrote to shop.order.v2", "2 records of shop.order.v2"], id="abort: producers have moved",
        ),
        pytest.param(FLIPPED, Phase.ABORTED, seen(mirror(NEW, natives=1, at=NOW - HOUR)), [], id="abort: they moved back"),
        pytest.param(
            FLIPPED, Phase.ABORTED, seen(mirror(NEW), groups=(group("g", NEW, members=1),)),
            ["group 'g' still reads shop.order.v2"], id="abort: a reader",
        ),
        pytest.param(
            FLIPPED, Phase.ABORTED, seen(mirror(NEW), groups=(group("g", NEW, behind=9, members=1, follows=True),)), [],
            id="abort: workers follow",
        ),
        pytest.param(
            DRAINED, Phase.RETIRED, seen(replace(QUIET, hidden=7)),
            ["a producer's transaction is open in shop.order.v1, and up to 7 records stand behind its beginning"],
            id="an open transaction hides the end",
        ),
        pytest.param(
            DRAINED, Phase.RETIRED, seen(replace(QUIET, start=END + 3)),
            ["up to 3 records of shop.order.v1 were deleted before they were copied"], id="retention was faster",
        ),
        pytest.param(
            DRAINED, Phase.RETIRED, seen(LACKING), ["2 records of shop.order.v1 did not get to the other version"],
            id="some did not convert",
        ),
        pytest.param(
            FLIPPED, Phase.ABORTED, seen(replace(LACKING, topic=NEW)), ["--lacking 2"], id="abort: some did not convert",
        ),
        pytest.param((*DRAINED, Phase.RETIRED), Phase.DRAIN, seen(LATE), [], id="back from retired"),
        pytest.param((*DRAINED, Phase.RETIRED), Phase.DRAIN, seen(mirror(NEW)), ["no topic 'shop.order.v1'"], id="deleted"),
        pytest.param((Phase.MIRROR, Phase.ABORTED), Phase.FLIP, seen(LATE), ["no topic 'shop.order.v2'"], id="abort: deleted"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_said(
    phases: tuple[Phase, ...], wanted: Phase, observed: Observation, told: list[str]
) -> None:
    """All of it at once, each with what it is about."""
    found = obstacles(migration(*phases), wanted, observed)
    assert len(found) == len(told)
    for sentence, part in zip(found, told, strict=True):
        assert part in sentence


def test_what_somebody_knows_of_may_be_lacking() -> None:
    """As many as that, and no more."""
    for known, count in ((1, 1), (2, 0), (3, 0)):
        assert len(obstacles(migration(*DRAINED), Phase.RETIRED, seen(LACKING), lacking=known)) == count


COPYING = replace(seen(QUIET, mirror(NEW)), copying=1)


@pytest.mark.parametrize(
    ("phases", "observed", "told"),
    [
        pytest.param(FLIPPED, COPYING, [], id="nothing"),
        pytest.param(FLIPPED, replace(COPYING, copying=0), ["does `router migrate run` run with ROUTER_GROUP=shop?"], id="nobody copies"),
        pytest.param(FLIPPED, replace(COPYING, problem="no way"), ["nothing is copied: no way"], id="the schema is gone"),
        pytest.param(
            FLIPPED, replace(COPYING, mirrors=(QUIET, replace(QUIET, partition=1), mirror(NEW))),
            ["shop.order.v1 has 2 partitions and shop.order.v2 1"], id="partitions were added",
        ),
        pytest.param(
            FLIPPED, replace(COPYING, mirrors=(replace(QUIET, start=END + 3), mirror(NEW))),
            ["up to 3 records of shop.order.v1/0 were deleted before they were copied"], id="retention was faster",
        ),
        pytest.param(
            FLIPPED, replace(COPYING, mirrors=(LACKING, mirror(NEW))), ["2 records of shop.order.v1 did not get"],
            id="some did not convert",
        ),
        pytest.param((*DRAINED, Phase.RETIRED), seen(), [], id="it is over"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_though_nobody_asks_for_a_step(
    phases: tuple[Phase, ...], observed: Observation, told: list[str]
) -> None:
    """With the way out."""
    found = troubles(migration(*phases), observed)
    assert len(found) == len(told)
    for sentence, part in zip(found, told, strict=True):
        assert part in sentence


def test_what_was_deleted_is_not_still_to_be_copied() -> None:
    """Only what the log has can be read."""
    assert replace(mirror(FORMER, behind=9), start=END - 4).behind == 4


@pytest.mark.parametrize(
    ("phases", "kept"),
    [
        pytest.param(FLIPPED, True, id="it copies v2 back"),
        pytest.param(DRAINED, False, id="it copies v2 back no more"),
        pytest.param((*DRAINED, Phase.RETIRED), False, id="it is over"),
    ],
)
def test_a_mirror_that_copies_a_topic_no_more_holds_nobody_up(phases: tuple[Phase, ...], kept: bool) -> None:
    """From v2 to v3 it goes on while v1 is drained, and the mirror of v1 has places in v2 for ever."""
    before = migration(*phases)
    mirrors = [group(before.group, NEW, behind=9), group("other-migrate-shop.order.v1-v2-1", NEW, behind=9)]
    others = [group("shop", NEW), group("refunds-migrate-nightly", NEW)]
    others.append(group("other-migrate-shop.order.v1-v2-9", NEW, members=1))  # whoever it is, it reads
    found = still_reading([*mirrors, *others], [before])
    assert list(found) == [*mirrors[:1], *others] if kept else list(found) == others


def test_a_wrong_phase_is_no_obstacle_but_an_error() -> None:
    """Waiting would not help."""
    with pytest.raises(WrongPhase):
        obstacles(migration(Phase.MIRROR), Phase.RETIRED, seen())


def test_names_are_made_of_versions() -> None:
    """Each generation copies in a group of its own, and so from the beginning."""
    one = migration(Phase.MIRROR)
    assert (one.key, str(one)) == ("shop.order/v1-v2", "shop.order.v1 to v2")
    assert one.group == "shop-migrate-shop.order.v1-v2-3"


def test_what_is_kept_is_read_as_it_was() -> None:
    """With its history and its evidence."""
    kept = migration(*DRAINED, quiet_ms=7, sunset="2030-01-01T00:00:00Z")
    assert read_migration(json.dumps(kept.to_json()).encode()) == kept


def test_what_says_no_group_is_copied_by_nobody_and_counts() -> None:
    """Begun anew, it gets the next generation all the same."""
    kept = migration(Phase.MIRROR)
    told = {name: each for name, each in kept.to_json().items() if name != "group"}
    assert read_migration(json.dumps(told).encode()) == replace(kept, workers="")


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"format": 2}',
        json.dumps(migration(Phase.MIRROR).to_json() | {"steps": []}).encode(),
        json.dumps(migration(Phase.MIRROR).to_json() | {"steps": [{"phase": "other"}]}).encode(),
        json.dumps(migration(Phase.MIRROR).to_json() | {"source": "x"}).encode(),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_others_write_is_no_migration(value: bytes | None) -> None:
    """Other tools may read the topic, and write there."""
    assert read_migration(value) is None
