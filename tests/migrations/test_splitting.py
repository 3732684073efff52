"""A split as a migration, and where its mirror takes each record."""

from __future__ import annotations

import json

import pytest
from versions.splitting import SPLIT, catalogue_texts

from router.lanes.copies import Tally
from router.migrations.crossing import Natives, is_mirror
from router.migrations.mirror import mirror_twins
from router.migrations.phases import (
    GroupState,
    Migration,
    MirrorState,
    Observation,
    Phase,
    Step,
    obstacles,
    stepped,
    troubles,
)
from router.migrations.splitting import SplitMigration, TypeRefused, read_kept, refused, split_of, splitting_of, way_of
from router.migrations.twins import Twins
from router.records.avro import encode_whole
from router.records.record import PlainRecord
from router.records.schema import parse_avro
from router.records.splitting import NoSplit, UnknownType
from router.versions.catalogue import new_catalogue

FORMER, PAID, MADE = "shop.event.v1", "shop.event.paid.v1", "shop.event.made.v1"
HOUR = 3_600_000


def migration(*phases: Phase) -> SplitMigration:
    steps = tuple(Step(each, 5, "ada", "why") for each in phases or (Phase.MIRROR,))
    return SplitMigration(
        name="shop.event", source=1, target=0, generation=2, workers="shop", steps=steps, into=(PAID, MADE)
    )


def event(said: str, **more: object) -> PlainRecord:
    types = parse_avro(catalogue_texts()["event/v1.avsc"], file="f").types
    value = encode_whole(types, {"id": "7", "type": said, "paid": None, "made": None, **more})
    return PlainRecord(topic=FORMER, offset=4, value=value)


def test_a_split_is_kept_and_read_again() -> None:
    """With the topics that it was begun with; what is none is left out."""
    kept = json.dumps(migration().to_json()).encode()
    assert read_kept(kept) == migration()
    version = Migration(name="shop.event", source=1, target=2, generation=1, workers="shop", steps=migration().steps)
    assert read_kept(json.dumps(version.to_json()).encode()) == version
    assert read_kept(b"{}") is None
    assert read_kept(kept.replace(b'["shop.event.paid.v1", "shop.event.made.v1"]', b"7")) is None
    assert stepped(migration(), Step(Phase.FLIP, 6, "ada", "")).into == (PAID, MADE)


def test_its_names_tell_it_from_a_version_s() -> None:
    """Its group is known for a mirror's."""
    one = migration()
    assert (one.key, str(one), one.source_topic) == ("shop.event/v1-split", "shop.event.v1 split into 2", FORMER)
    assert one.group == "shop-migrate-shop.event.v1-split-2"
    assert is_mirror(one.group)
    assert one.topics == (FORMER, PAID, MADE)
    assert [each.target_topic for each in one.pairs] == [PAID, MADE]
    assert one.target_topic == f"{PAID}, {MADE}"


@pytest.mark.parametrize(
    ("phase", "ways"),
    [
        (Phase.MIRROR, {(FORMER, PAID), (FORMER, MADE), (PAID, FORMER), (MADE, FORMER)}),
        (Phase.DRAIN, {(FORMER, PAID), (FORMER, MADE)}),
        (Phase.RETIRED, set()),
    ],
)
def test_what_is_copied_goes_by_the_phase(phase: Phase, ways: set[tuple[str, str]]) -> None:
    """The former topic's way comes first: it is known by that."""
    found = migration(phase).ways
    assert set(found) == ways
    assert not found or found[0][0] == FORMER


def test_a_lane_knows_all_of_its_twins() -> None:
    """The former topic has as many as it is split into."""
    assert mirror_twins(migration().ways, group="g") == {
        FORMER: Twins((PAID, MADE), writers=("g",)), PAID: Twins((FORMER,), writers=("g",)), MADE: Twins((FORMER,), writers=("g",)),
    }  # fmt: skip


def state(topic: str, *, natives: Natives = Natives(), behind: int = 0) -> MirrorState:  # noqa: B008 - it is frozen
    return MirrorState(topic=topic, partition=0, position=0, end=behind, unread=behind > 0, natives=natives)


def seen(*states: MirrorState, groups: tuple[GroupState, ...] = ()) -> Observation:
    rest = [state(each) for each in (FORMER, PAID, MADE) if each not in {one.topic for one in states}]
    return Observation(at=HOUR * 10, mirrors=[*states, *rest], groups=groups, goes_back=True, copying=1)


def test_what_is_in_the_way_of_one_topic_is_in_the_way_of_all() -> None:
    """Each thing is said once."""
    written = state(MADE, natives=Natives(3, 2, HOUR * 10 - 1000), behind=2)
    found = obstacles(migration(Phase.MIRROR, Phase.FLIP), Phase.ABORTED, seen(written))
    assert [each.split(" ago")[0] for each in found] == [
        f"a producer wrote to {MADE} 1 s",
        f"2 records of {MADE} are still to be copied",
    ]
    reading = GroupState(group="g", topic=FORMER, members=0, behind=4)
    drained = migration(Phase.MIRROR, Phase.FLIP, Phase.DRAIN)
    assert obstacles(drained, Phase.RETIRED, seen(groups=(reading,))) == [
        f"group 'g' has up to 4 records of {FORMER} to read"
    ]
    assert obstacles(migration(), Phase.FLIP, seen()) == []


def test_what_got_nowhere_is_told_in_its_words() -> None:
    """Once, though there are several pairs."""
    (told,) = troubles(migration(), seen(state(FORMER, natives=Natives(9, 8, 5, 2))))
    assert told.startswith(f"2 records of {FORMER} got to none of the others: of types that split.yaml keeps")
    assert "`--lacking 2` says so" in told


def test_each_record_goes_where_its_type_says() -> None:
    """Converted; a tombstone has no type, and goes everywhere."""
    splitting = splitting_of(migration().ways, new_catalogue(catalogue_texts()))
    decide = splitting.decide[FORMER]
    assert decide(event("paid", paid={"sum": 5, "by": "ada"})).topics == (PAID,)
    assert decide(event("made", made="x")).topics == (MADE,)
    assert decide(PlainRecord(topic=FORMER, value=None)).topics == (PAID, MADE)
    assert splitting.decide[PAID](PlainRecord(topic=PAID, value=b"")).topics == (FORMER,)
    source = splitting.routes.sources[FORMER]
    assert set(source.conversions) == {PAID, MADE}
    assert source.conversions[MADE].converted(event("made", made="x")).value == b"\x027\x02x"
    assert {topic: set(each) for topic, each in splitting.back.items()} == {PAID: {FORMER}, MADE: {FORMER}}
    assert set(splitting.routes.sources) == {FORMER}
    assert not splitting_of(migration(Phase.DRAIN).ways, new_catalogue(catalogue_texts())).back


@pytest.mark.parametrize(
    ("said", "becomes"),
    [("dead-letter", UnknownType), ("refuse", TypeRefused)],
)
def test_a_type_that_nobody_named_is_no_copy(said: str, becomes: type[Exception]) -> None:
    """It is set aside, or holds its partition up and says so."""
    catalogue = new_catalogue(catalogue_texts(SPLIT.replace("dead-letter", said)))
    with pytest.raises(becomes, match=r"'type' says 'lost', which split\.yaml does not name"):
        splitting_of(migration().ways, catalogue).decide[FORMER](event("lost"))


def test_what_is_kept_and_what_leads_nowhere_back_is_counted() -> None:
    """So that nobody deletes it without a word."""
    text = SPLIT.replace("dead-letter", "keep").replace("lift: paid", "lift: paid, back: none")
    splitting = splitting_of(migration().ways, new_catalogue(catalogue_texts(text)))
    tally = Tally()
    for decision in (
        splitting.decide[FORMER](event("lost")),
        splitting.decide[PAID](PlainRecord(topic=PAID, value=b"")),
    ):
        assert (decision.topics, decision.unroutable) == ((), ())
        tally.count(decision)
    assert tally.dropped == 2
    assert not splitting.back[PAID]


def test_other_steps_are_another_split() -> None:
    """Hops name it by its fingerprint."""
    one, same, other = (
        splitting_of(migration().ways, new_catalogue(catalogue_texts(text))).routes.fingerprint
        for text in (SPLIT, SPLIT, SPLIT.replace("dead-letter", "keep"))
    )
    assert one == same != other


def test_a_catalogue_that_went_on_is_told() -> None:
    """What a split was begun with, it goes on with."""
    catalogue = new_catalogue(catalogue_texts())
    assert way_of(catalogue, FORMER, (PAID, MADE)) == ""
    assert (
        way_of(catalogue, FORMER, (PAID, MADE, "shop.event.lost.v1"))
        == "split.yaml does not name shop.event.lost.v1 any more"
    )
    assert f"split.yaml names {MADE} by now" in way_of(catalogue, FORMER, (PAID,))
    assert "write schemas/event/split.yaml" in way_of(
        new_catalogue({"event/v1.avsc": catalogue_texts()["event/v1.avsc"]}), FORMER, ()
    )
    with pytest.raises(NoSplit, match=r"by now"):
        splitting_of(((FORMER, PAID),), catalogue)


def test_a_topic_of_another_version_is_not_split() -> None:
    """Nor one of which the catalogue knows nothing."""
    texts = catalogue_texts()
    texts["event/v2.avsc"] = texts["event/v1.avsc"]
    with pytest.raises(NoSplit, match=r"its split\.yaml is about v1, and not v2"):
        split_of(new_catalogue(texts), "shop.event.v2")
    with pytest.raises(NoSplit, match="the catalogue has no schema of it"):
        split_of(new_catalogue(texts), "other.v1")


def test_what_holds_a_split_up_is_found_among_what_is_still_to_be_copied() -> None:
    """Where it goes past none of them; what is set aside holds nothing up."""
    records = [
        event("paid", paid={"sum": 5, "by": "ada"}),
        PlainRecord(topic=FORMER, value=b""),
        event("lost"),
        event("gone"),
    ]
    catalogue = new_catalogue(catalogue_texts(SPLIT.replace("dead-letter", "refuse")))
    told = "shop.event.v1/0/4: field 'type' says 'lost', which split.yaml does not name, and it says `else: refuse`"
    assert refused(catalogue, FORMER, records).startswith(told)
    assert refused(catalogue, FORMER, records[:2]) == ""
    assert refused(new_catalogue(catalogue_texts()), FORMER, records) == ""
