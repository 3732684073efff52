"""The lanes of internal topics: several sources come out in one order, as they were."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order.gathered import INTERNAL, PAYMENTS, SCHEMAS, STATUS, STATUSES, come, double, header, reasons, values

from router.records.headers import first_origin, hops
from router.versions.subjects import read_subjects
from router.versions.writer import SCHEMA_HEADER, encode_schema_header, with_prefix

NOW = "now: {format: avro, ordered: false, from: [{exchange: orders}]}"


def test_two_sources_come_out_in_one_order_as_they_were() -> None:
    """Key, value, timestamp and headers; the first origin is the original, the path shows the internal topic."""
    with double() as router:
        second = come(router, STATUSES, "a", 2, key="x", headers={"h": "1"}, timestamp=1_000, partition=2)
        first = come(router, PAYMENTS, "a", 1, headers={"router-key": "mine"}, timestamp=2_000)
        copies = router.read("all")
        for original, copy in zip((first, second), copies, strict=True):
            assert (copy.key, copy.value, copy.timestamp) == (original.key, original.value, original.timestamp)
            assert tuple(copy.headers)[:-4] == tuple(original.headers)
            assert str(first_origin(copy)) == f"{original.topic}/{original.partition}/{original.offset}"
            assert [name for name, _ in copy.headers[-4:]] == ["router-origin", "router-hop"] * 2
            assert (header(copy, "router-origin")[1] or b"").startswith(INTERNAL.encode())
            assert None not in hops(copy.headers)


def test_copies_of_an_order_lie_together_whatever_their_keys_are() -> None:
    """In a topic of another size, too, where a copy's own key would say another partition."""
    topics = "wide: {format: avro, partitions: 5, from: [{exchange: orders}]}"
    with double(topics=topics) as router:
        for n in range(1, 21):
            come(router, STATUSES if n % 2 else PAYMENTS, "a", n, key=f"customer-{n}")
            come(router, PAYMENTS if n % 3 else STATUSES, "b", n)
        wide = router.read("wide")
    partitions = {(len(str(each.key)) > 4, each.partition) for each in wide}
    assert len(wide) == 40
    assert len(partitions) == 2


def test_routes_see_the_original() -> None:
    """Its topic, its key, and each record by the schema of its own source."""
    topics = """paid: {format: avro, from: [{exchange: orders, binding-key: "payment%2Ev1.#"}]}
  vip: {format: avro, from: [{exchange: orders, binding-key: "#.c"}]}"""
    with double(topics=topics, key="{topic}.{key}") as router:
        payment = come(router, PAYMENTS, "a", 1)
        status = come(router, STATUSES, "a", 2, key="c")
        assert values(router, "paid") == [payment.value]
        assert values(router, "vip") == [status.value]
        assert values(router, "all") == [payment.value, status.value]


def test_held_record_that_is_released_is_as_it_was() -> None:
    """Also over a wait, and with what it was given before left out."""
    with double(topics=NOW) as router:
        third = come(router, STATUSES, "a", 3, key="c", headers={"h": "1"}, timestamp=5)
        assert values(router, "all") == []
        router.clock.advance(301)
        (copy,) = router.read("all")
        assert (copy.key, copy.value, copy.timestamp, copy.headers[0]) == (b"c", third.value, 5, ("h", b"1"))
        assert len(router.read("now")) == 1


def test_wait_does_not_run_out_while_the_missing_record_is_on_its_way() -> None:
    """It lies in a source whose lane is behind: the end of the internal topic alone would say that there is nothing."""
    with double() as router:
        second = come(router, STATUSES, "a", 2)
        router.carry()
        accepting = router.worker.lanes.accepting
        router.worker.lanes.accepting = lambda: {  # type: ignore[method-assign] - a lane without room is not fetched for
            each for each in accepting() if each.topic != PAYMENTS
        }
        first = come(router, PAYMENTS, "a", 1)
        router.clock.advance(1_000)
        for _ in range(40):
            router._loop.run(router.worker.step())
        assert router.broker.records("all") == ()
        router.worker.lanes.accepting = accepting  # type: ignore[method-assign] - there is room again
        assert values(router, "all") == [first.value, second.value]


def test_what_is_none_of_ours_is_set_aside() -> None:
    """In the internal topic's own dead letters, as it is."""
    with double() as router:
        router.broker.publish(INTERNAL, key=b"a", value=b"whatever")
        assert reasons(router, INTERNAL) == [b"not-relayed"]
        (letter,) = router.read(f"{INTERNAL}.dead-letters")
        assert (letter.key, letter.value) == (b"a", b"whatever")


def test_record_of_a_source_that_is_none_any_more_is_set_aside() -> None:
    """Nobody knows its schema, nor where it would go."""
    with double() as router:
        come(router, PAYMENTS, "a", 1)
        (lies,) = router.read(INTERNAL)
        headers = [(name, b"old.v1/0/0" if name == "router-origin" else value) for name, value in lies.headers]
        router.broker.publish(INTERNAL, key=b"a", value=lies.value, headers=headers)
        assert reasons(router, INTERNAL) == [b"not-relayed"]


def test_record_that_nobody_wants_is_unroutable_behind_the_internal_topic() -> None:
    """As the original."""
    with double(all_of="none.of.it") as router:
        lost = come(router, STATUSES, "a", 1, key="k")
        (found,) = router.read(f"{INTERNAL}.unroutable")
        assert (found.key, found.value) == (b"k", lost.value)


def test_converted_copies_of_an_order_lie_together_too() -> None:
    """A copy of another version is a record of its own, and still belongs to its order."""
    newer = {**STATUS, "fields": [*STATUS["fields"], {"name": "more", "type": "long", "default": 0}]}
    topics = "new.status.v2: {partitions: 5, from: [{exchange: orders}]}"
    with double(topics=topics, sources="[status.v1]", schemas={"status/v2.avsc": json.dumps(newer)}) as router:
        for n in range(1, 21):
            come(router, STATUSES, "a", n, key=f"customer-{n}")
        copies = router.read("new.status.v2")
        originals = values(router, "all")
    assert [each.value for each in copies] != originals
    assert len(copies) == len(originals) == 20
    assert len({each.partition for each in copies}) == 1


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_interleaving_of_two_sources_gives_each_key_its_sequence(data: st.DataObject) -> None:
    """Whatever order they come in, from whichever source, with restarts of the worker in between."""
    events = [(order, n) for order in ("a", "b", "c") for n in range(1, data.draw(st.integers(1, 6)) + 1)]
    arriving = data.draw(st.permutations(events))
    sources = data.draw(st.lists(st.sampled_from([STATUSES, PAYMENTS]), min_size=len(events), max_size=len(events)))
    keys = data.draw(st.lists(st.none() | st.sampled_from("xyz"), min_size=len(events), max_size=len(events)))
    pauses = data.draw(st.sets(st.integers(0, len(events) - 1), max_size=3))
    published = {}
    with double(topics=NOW) as router:
        for number, ((order, n), topic, key) in enumerate(zip(arriving, sources, keys, strict=True)):
            record = come(router, topic, order, n, key=key)
            published[record.topic, record.partition, record.offset] = (order, n)
            if number in pauses:
                router.carry()
        found: dict[str, list[int]] = {}
        for copy in router.read("all"):
            origin = first_origin(copy)
            order, n = published[origin.topic, origin.partition, origin.offset]
            found.setdefault(order, []).append(n)
        assert found == {
            order: list(range(1, 1 + sum(1 for each, _ in events if each == order))) for order in {o for o, _ in events}
        }
        assert len(router.read("now")) == len(events)
        assert not router.read(f"{INTERNAL}.dead-letters")


@pytest.mark.parametrize("encoding", ["header", "single-object"])
def test_records_that_say_their_revision_are_put_in_order(encoding: str) -> None:
    """Keyed anew by what each says; beside a source whose records are bare."""
    older = STATUS | {"fields": STATUS["fields"][1::-1]}
    schemas = {
        "status/v1.r1.avsc": json.dumps(older),
        "status/subject.yaml": f"encoding: {encoding}\ncompatibility: none",
    }
    subject = read_subjects(SCHEMAS | schemas)[0]["status"]
    old = subject.of_version(1)[0]
    body = b"\x04\x02\x02a"  # n is 2, order is 'a'
    headers = {SCHEMA_HEADER: encode_schema_header(old)} if encoding == "header" else {}
    with double(schemas=schemas) as router:
        third = come(router, STATUSES, "a", 3)
        router.carry()
        second = router.publish(STATUSES, with_prefix(subject, old, body), headers=headers)
        first = come(router, PAYMENTS, "a", 1)
        strange = router.publish(STATUSES, b"\xc3\x01" + body)
        copies, letters = router.read("all"), router.read(f"{STATUSES}.dead-letters")
    assert [each.value for each in copies] == [each.value for each in (first, second, third)]
    assert [header(each, SCHEMA_HEADER) for each in copies] == [
        header(each, SCHEMA_HEADER) for each in (first, second, third)
    ]
    assert [(each.value, header(each, "router-reason")) for each in letters] == [(strange.value, [b"unknown-revision"])]
