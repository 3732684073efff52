"""From a record to its decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import KeyMismatch, UnknownRevision, Unreadable
from router.exchange.deciding import LONGEST_REMEMBERED, Decider, MarkedDecider, Memory, field_paths
from router.exchange.decision import Decision
from router.exchange.header_values import HeaderTest, Operator
from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Entry,
    Exchange,
    ExchangeType,
    HeaderCondition,
    HeadersMatch,
    Place,
    Tombstones,
    XMatch,
)
from router.exchange.routing_key import parse_routing_key
from router.exchange.topology import Topology
from router.records.json_reader import json_reader
from router.records.marks import SCHEMA_HEADER
from router.records.reader import FieldReader, compile_avro_reader
from router.records.record import Headers, PlainRecord, Record
from router.records.schema import parse_avro
from router.records.text import Value

HERE = Place("f", 1, 1)


def topology(**bindings: Sequence[str]) -> Topology:
    """Topic exchanges by name, with a binding to `to:<key>` for each key; `>name` is a binding to that exchange."""

    def binding(exchange: str, key: str) -> Binding:
        if key.startswith(">"):
            return Binding(exchange, None, Destination(DestinationKind.EXCHANGE, key[1:]), HERE, "team")
        return Binding(exchange, key, Destination(DestinationKind.TOPIC, f"to:{key}"), HERE, "team")

    return Topology(
        {
            name: Exchange(name, ExchangeType.TOPIC, tuple(binding(name, key) for key in keys), None, HERE, "team")
            for name, keys in bindings.items()
        }
    )


def entry(exchange: str, routing_key: str | None = None, tombstones: Tombstones = Tombstones.ALL) -> Entry:
    """An entry whose key, where it has one, is verified by the readers that a test gives."""
    return Entry(exchange, None if routing_key is None else parse_routing_key(routing_key), None, tombstones)


class Reading:
    """A reader of values like `RU|paid`; `~` is null, a value of `?` is unreadable. Counts what it is asked."""

    def __init__(self, *paths: str) -> None:
        self.reads = 0
        self.decodes = 0
        self.reader = FieldReader(paths=paths, read=self._read, values=self._values)

    def _read(self, value: bytes) -> tuple[bytes | None, ...]:
        self.reads += 1
        if value == b"?":
            raise Unreadable(field=self.reader.paths[0], position=0, problem="the value ends too early")
        return tuple(None if part == b"~" else part for part in value.split(b"|"))[: len(self.reader.paths)]

    def _values(self, facts: tuple[bytes | None, ...]) -> tuple[Value, ...]:
        self.decodes += 1
        return tuple(None if fact is None else fact.decode() for fact in facts)


def reading_one(value: Value) -> FieldReader:
    """A reader of one field, `order_id`, that has this value in every record."""
    return FieldReader(paths=("order_id",), read=lambda _: (value,), values=lambda facts: facts)


def avro(field_type: str) -> FieldReader:
    """The reader of an Avro record's one field, `a`."""
    text = f'{{"type": "record", "name": "R", "fields": [{{"name": "a", "type": {field_type}}}]}}'
    return compile_avro_reader(parse_avro(text, file="a.avsc"), ["a"])


def record(value: bytes | None = b"", *, key: bytes | None = None, headers: Headers = ()) -> PlainRecord:
    """A record of the broad topic."""
    return PlainRecord(topic="order.status.v1", key=key, value=value, headers=headers)


def by_key(*binding_keys: str, memory: int = 100) -> Decider:
    """Decides by the record's key alone."""
    return Decider(entries=[entry("x")], topology=topology(x=binding_keys), reader=None, memory=memory)


def routing_key_of(template: str | None, given_record: PlainRecord, reader: FieldReader | None = None) -> str:
    """The routing key that one entry makes of a record."""
    decider = Decider(entries=[entry("x", template)], topology=topology(x=[]), reader=reader)
    (message,) = decider.messages(given_record)
    return message.routing_key


class TestRoutingKey:
    """What a template's placeholders stand for."""

    def test_fields_are_read_and_made_text(self) -> None:
        """In the template's order, not the reader's."""
        assert routing_key_of("{b}.{a}.{b}", record(b"2|1"), Reading("b", "a").reader) == "2.1.2"

    @pytest.mark.parametrize(
        ("headers", "word"),
        [
            pytest.param([("region", b"eu")], "eu", id="given"),
            pytest.param([], "", id="missing"),
            pytest.param([("region", None)], "", id="null"),
            pytest.param([("Region", b"eu")], "", id="names-are-case-sensitive"),
            pytest.param([("region", b"eu"), ("other", b"x"), ("region", b"us")], "us", id="of-repeated-the-last"),
            pytest.param([("region", b"eu"), ("region", None)], "", id="of-repeated-the-last-even-null"),
            pytest.param([("region", b"e.u")], "e%2Eu", id="a-dot-is-escaped"),
            pytest.param([("region", b"\xff")], "\udcff", id="not-utf-8"),
        ],
    )
    def test_header_is_a_word(self, headers: Headers, word: str) -> None:
        """Its bytes as text; null and missing are the empty word."""
        assert routing_key_of("h.{header:region}", record(headers=headers)) == f"h.{word}"

    def test_record_key_and_topic_are_words(self) -> None:
        """Their dots are escaped like any value's."""
        assert routing_key_of("{key}.{topic}", record(key=b"ord.1")) == "ord%2E1.order%2Estatus%2Ev1"

    def test_all_kinds_stand_together(self) -> None:
        """Fields, headers and the key don't get into each other's places."""
        given_record = record(b"RU|paid", key=b"k", headers=[("b", b"B"), ("a", b"A")])
        template = "{header:a}.{f}.{key}.{header:b}.{g}.{topic}"
        assert routing_key_of(template, given_record, Reading("f", "g").reader) == "A.RU.k.B.paid.order%2Estatus%2Ev1"

    @pytest.mark.parametrize(
        ("key", "routing_key"),
        [
            pytest.param(b"RU.paid", "RU.paid", id="dots-separate-words"),
            pytest.param(b"", "", id="empty"),
            pytest.param(None, "", id="no-key"),
            pytest.param(b"RU.\xff", "RU.\udcff", id="not-utf-8"),
            pytest.param("заказ".encode(), "заказ", id="utf-8"),
        ],
    )
    def test_without_template_the_key_is_the_routing_key(self, key: bytes | None, routing_key: str) -> None:
        """As it is: its dots do separate words."""
        assert routing_key_of(None, record(key=key)) == routing_key

    def test_what_is_not_utf_8_matches_no_text(self) -> None:
        """A wildcard takes it, since it is a word; no literal does."""
        assert by_key("a.*", "a.\ufffd", "a.ÿ").decide(record(key=b"a.\xff")).topics == ("to:a.*",)


def test_field_paths_are_those_of_all_templates_once() -> None:
    """One reader reads for all entries; headers, key and topic are no fields."""
    entries = [entry("x", "{b}.{header:h}.{a}"), entry("y"), entry("z", "{a}.{key}.{c.d}.{topic}")]
    assert field_paths(entries) == ("b", "a", "c.d")


class TestEntries:
    """A broad topic may feed several exchanges."""

    def test_each_entry_has_its_own_walk(self) -> None:
        """Each exchange gets the routing key of its own template, and a topic one copy in all."""
        decider = Decider(
            entries=[entry("x", "{a}"), entry("y", "{b}.{a}")],
            topology=topology(x=["1", "#"], y=["2.*", "#"]),
            reader=Reading("a", "b").reader,
        )
        decision = decider.decide(record(b"1|2"))
        assert decision.topics == ("to:1", "to:#", "to:2.*")
        assert [(walk.exchange, walk.routing_key) for walk in decision.walks] == [("x", "1"), ("y", "2.1")]
        assert decision.unroutable == ()
        assert not decision.tombstone

    def test_unroutable_names_the_entry_that_led_nowhere(self) -> None:
        """One matches and the other does not: the record is copied, and unroutable for the other."""
        decider = Decider(
            entries=[entry("x", "{a}"), entry("y", "{a}")],
            topology=topology(x=["1"], y=["2"]),
            reader=Reading("a").reader,
        )
        assert decider.decide(record(b"1")).topics == ("to:1",)
        assert decider.decide(record(b"1")).unroutable == ("y",)
        assert decider.decide(record(b"3")).unroutable == ("x", "y")

    def test_match_that_leads_nowhere_is_unroutable(self) -> None:
        """RabbitMQ would drop it without a word; here nothing is silent."""
        decider = Decider(entries=[entry("x")], topology=topology(x=[">y"], y=["never"]), reader=None)
        assert decider.decide(record(key=b"a")).unroutable == ("x",)

    def test_messages_are_listed_by_entry(self) -> None:
        """For people, who want to see what was matched."""
        decider = Decider(
            entries=[entry("x", "{a}"), entry("y")], topology=topology(x=[], y=[]), reader=Reading("a").reader
        )
        messages = decider.messages(record(b"1", key=b"k.k"))
        assert [(each.routing_key, each.words) for each in messages] == [("1", ("1",)), ("k.k", ("k", "k"))]


class TestTombstones:
    """A record without a value has no fields to route by."""

    def test_all_goes_wherever_the_exchange_leads(self) -> None:
        """A compacted narrow topic must see it."""
        decider = Decider(
            entries=[entry("x", "{a}")], topology=topology(x=["1", "2", ">y"], y=["3"]), reader=Reading("a").reader
        )
        decision = decider.decide(record(None, key=b"k"))
        assert decision.topics == ("to:1", "to:2", "to:3")
        assert decision.tombstone
        assert decision.unroutable == ()

    @pytest.mark.parametrize(
        ("mode", "unroutable"),
        [
            pytest.param(Tombstones.DROP, (), id="drop"),
            pytest.param(Tombstones.UNROUTABLE, ("x",), id="unroutable"),
        ],
    )
    def test_other_modes_copy_it_to_nobody(self, mode: Tombstones, unroutable: tuple[str, ...]) -> None:
        """It is dropped, or goes to the source's unroutable topic."""
        decider = Decider(entries=[entry("x", "1", mode)], topology=topology(x=["#"]), reader=None)
        decision = decider.decide(record(None))
        assert (decision.topics, decision.unroutable, decision.tombstone) == ((), unroutable, True)
        assert [walk.routing_key for walk in decision.walks] == [""]
        assert decider.messages(record(None)) == ()

    def test_all_of_an_exchange_that_leads_nowhere_is_unroutable(self) -> None:
        """Nothing is silent."""
        decider = Decider(entries=[entry("x", "1")], topology=topology(x=[]), reader=None)
        assert decider.decide(record(None)).unroutable == ("x",)

    def test_each_entry_has_its_own_mode(self) -> None:
        """A source may feed a compacted world and one that is not."""
        modes = [Tombstones.ALL, Tombstones.DROP, Tombstones.UNROUTABLE]
        decider = Decider(
            entries=[entry(name, "1", mode) for name, mode in zip("xyz", modes, strict=True)],
            topology=topology(x=["a"], y=["b"], z=["c"]),
            reader=None,
        )
        decision = decider.decide(record(None))
        assert decision.topics == ("to:a",)
        assert decision.unroutable == ("z",)

    def test_tombstone_is_neither_read_nor_verified(self) -> None:
        """There is nothing to read; its key can't be compared."""
        reading = Reading("a")
        decider = Decider(
            entries=[entry("x", "{a}")],
            topology=topology(x=["1"]),
            reader=reading.reader,
            key_readers=[reading.reader],
        )
        assert decider.decide(record(None, key=b"k")).topics == ("to:1",)
        assert reading.reads == 0

    def test_empty_value_is_no_tombstone(self) -> None:
        """It is a value of no bytes, and read as one."""
        assert not by_key("#").decide(record(b"")).tombstone


class TestKeyVerification:
    """Where an exchange says which field the key carries, it is so, record by record."""

    @pytest.mark.parametrize(
        ("declared", "key"),
        [
            pytest.param("ord-1", b"ord-1", id="text"),
            pytest.param("заказ", "заказ".encode(), id="utf-8"),
            pytest.param(42, b"42", id="number"),
            pytest.param(True, b"true", id="boolean"),
            pytest.param(b"\xff\x00", b"\xff\x00", id="bytes-that-are-no-text"),
            pytest.param("a.b%", b"a.b%", id="nothing-is-escaped"),
            pytest.param("", b"", id="empty"),
            pytest.param(None, None, id="null-and-no-key"),
            pytest.param(None, b"", id="null-and-an-empty-key"),
        ],
    )
    def test_key_is_the_text_of_its_field(self, declared: Value, key: bytes | None) -> None:
        """As the text of a routing key would be, in UTF-8."""
        decider = Decider(
            entries=[entry("x", "1")], topology=topology(x=["1"]), reader=None, key_readers=[reading_one(declared)]
        )
        assert decider.decide(record(key=key)).topics == ("to:1",)

    @pytest.mark.parametrize(
        ("declared", "key"),
        [
            pytest.param("ord-1", b"ord-2", id="another"),
            pytest.param("ord-1", b"ORD-1", id="case"),
            pytest.param("ord-1", None, id="no-key"),
            pytest.param("", None, id="no-key-is-not-the-empty-one"),
            pytest.param(None, b"ord-1", id="null"),
            pytest.param(1, b"true", id="number"),
            pytest.param("\udcff", b"\xfe", id="not-utf-8"),
            pytest.param("\ud800", b"a", id="a-surrogate-that-no-bytes-make"),
        ],
    )
    def test_another_key_is_a_mismatch(self, declared: Value, key: bytes | None) -> None:
        """The error says field, key and value; no other exception comes of any text."""
        decider = Decider(
            entries=[entry("x", "1")], topology=topology(x=["1"]), reader=None, key_readers=[reading_one(declared)]
        )
        with pytest.raises(KeyMismatch) as caught:
            decider.decide(record(key=key))
        assert (caught.value.field, caught.value.key, caught.value.value) == ("order_id", key, declared)

    def test_every_key_field_is_verified(self) -> None:
        """Two exchanges may declare two fields; both must be the key."""
        decider = Decider(
            entries=[entry("x", "1")],
            topology=topology(x=["1"]),
            reader=None,
            key_readers=[reading_one("a"), reading_one("b")],
        )
        with pytest.raises(KeyMismatch):
            decider.decide(record(key=b"a"))

    def test_verification_is_not_remembered(self) -> None:
        """Equal routing keys do not vouch for the next record's key."""
        reading = Reading("status", "order_id")
        key_reader = FieldReader(
            paths=("order_id",), read=lambda value: (value.split(b"|")[1],), values=lambda facts: facts
        )
        decider = Decider(
            entries=[entry("x", "{status}")],
            topology=topology(x=["paid"]),
            reader=reading.reader,
            key_readers=[key_reader],
        )
        assert decider.decide(record(b"paid|1", key=b"1")).topics == ("to:paid",)
        with pytest.raises(KeyMismatch):
            decider.decide(record(b"paid|2", key=b"1"))


class TestUnreadable:
    """What cannot be read is the caller's to set aside."""

    def test_unreadable_passes_through(self) -> None:
        """As the reader raised it, and nothing is remembered of it."""
        decider = Decider(entries=[entry("x", "{a}")], topology=topology(x=["1"]), reader=Reading("a").reader)
        for _ in range(2):
            with pytest.raises(Unreadable, match="ends too early"):
                decider.decide(record(b"?"))
        assert decider.decide(record(b"1")).topics == ("to:1",)

    def test_unreadable_key_field_passes_through(self) -> None:
        """Its fault is the value's, not the key's."""
        decider = Decider(
            entries=[entry("x", "1")], topology=topology(x=["1"]), reader=None, key_readers=[Reading("order_id").reader]
        )
        with pytest.raises(Unreadable):
            decider.decide(record(b"?", key=b"1"))

    def test_reader_of_no_fields_still_reads(self) -> None:
        """`validate: whole` checks each value, whether or not a route needs a field, and a memory does not spare it."""
        reading = Reading()
        decider = Decider(entries=[entry("x", "1")], topology=topology(x=["1"]), reader=reading.reader)
        for _ in range(3):
            assert decider.decide(record(b"any")).topics == ("to:1",)
        assert reading.reads == 3


class TestMemory:
    """What was decided for the same facts is not decided again; nothing else shows of it."""

    def test_equal_facts_are_decided_once(self) -> None:
        """The rest of the record plays no part."""
        reading = Reading("a")
        decider = Decider(entries=[entry("x", "{a}")], topology=topology(x=["#"]), reader=reading.reader)
        first = decider.decide(record(b"1|other", key=b"k1", headers=[("h", b"1")]))
        assert decider.decide(record(b"1|fields", key=b"k2")) is first
        assert (reading.reads, reading.decodes) == (2, 1)

    @pytest.mark.parametrize(
        ("template", "one", "other"),
        [
            pytest.param("{a}", record(b"1"), record(b"2"), id="field"),
            pytest.param("{a}", record(b"~"), record(b""), id="null-is-not-the-empty-text"),
            pytest.param("{header:h}", record(headers=[("h", b"1")]), record(headers=[("h", b"2")]), id="header"),
            pytest.param(
                "{header:h}.{header:g}",
                record(headers=[("h", b"1")]),
                record(headers=[("g", b"1")]),
                id="headers-in-turn",
            ),
            pytest.param("{key}", record(key=b"1"), record(key=b"2"), id="key"),
            pytest.param(None, record(key=b"1"), record(key=b"2"), id="key-as-routing-key"),
        ],
    )
    def test_other_facts_are_decided_anew(self, template: str | None, one: PlainRecord, other: PlainRecord) -> None:
        """Whatever a routing key is made of is part of what is remembered."""
        reader = Reading("a").reader if template == "{a}" else None
        decider = Decider(entries=[entry("x", template)], topology=topology(x=["#"]), reader=reader)
        assert decider.decide(one) is not decider.decide(other)

    def test_memory_is_bounded(self) -> None:
        """A full one is emptied."""
        decider = by_key("#", memory=4)
        for number in [*range(4)] * 2 + [4]:
            decider.decide(record(key=b"%d" % number))
        assert decider._memory.active
        assert len(decider._memory.kept) == 1

    def test_memory_that_does_not_hit_is_given_up(self) -> None:
        """An order's number in a routing key hardly ever repeats; decisions stay right without a memory."""
        decider = by_key("7", "#", memory=4)
        for number in range(5):
            decider.decide(record(key=b"%d" % number))
        assert not decider._memory.active
        assert len(decider._memory.kept) == 0
        assert decider.decide(record(key=b"7")).topics == ("to:7", "to:#")
        assert decider.decide(record(key=b"7")) is not decider.decide(record(key=b"7"))

    @pytest.mark.parametrize(("hits", "active"), [(0, False), (3, False), (4, True), (9, True)])
    def test_use_is_a_hit_for_each_that_is_kept(self, hits: int, active: bool) -> None:
        """Judged each time that it is full."""
        memory = Memory(4)
        for number in range(4):
            memory.put((number,), Decision(()))
        memory.hits += hits
        memory.put((4,), Decision(()))
        assert memory.active is active
        assert memory.kept == ({(4,): Decision(())} if active else {})

    def test_earlier_hits_do_not_count_for_ever(self) -> None:
        """A stream that changes its ways is noticed at the next filling."""
        memory = Memory(1)
        memory.put((0,), Decision(()))
        memory.hits += 1
        memory.put((1,), Decision(()))
        assert memory.active
        memory.put((2,), Decision(()))
        assert not memory.active

    def test_no_memory_is_none_from_the_start(self) -> None:
        """`memory=0` decides each record anew."""
        decider = by_key("#", memory=0)
        assert decider.decide(record(key=b"1")) is not decider.decide(record(key=b"1"))
        assert decider.decide(record(key=b"1")) == decider.decide(record(key=b"1"))

    def test_long_routing_keys_are_not_remembered(self) -> None:
        """A memory that is bounded in number must not be filled with megabytes."""
        decider = by_key("#")
        short, long = (record(key=b"k" * length) for length in (LONGEST_REMEMBERED, LONGEST_REMEMBERED + 1))
        assert decider.decide(short) is decider.decide(short)
        assert decider.decide(long) is not decider.decide(long)
        assert decider.decide(long).topics == ("to:#",)

    @pytest.mark.parametrize(
        ("reader", "one", "other"),
        [
            pytest.param(avro('["int", "boolean"]'), b"\x00\x02", b"\x02\x01", id="avro-1-and-true"),
            pytest.param(avro('["boolean", "int"]'), b"\x00\x00", b"\x02\x00", id="avro-false-and-0"),
            pytest.param(avro('["int", "double"]'), b"\x00\x02", b"\x02\0\0\0\0\0\0\xf0\x3f", id="avro-1-and-1.0"),
            pytest.param(avro('"double"'), b"\0\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\x80", id="avro-0.0-and-minus-0.0"),
            pytest.param(
                avro('["int", {"type": "enum", "name": "E", "symbols": ["A", "B"]}]'),
                b"\x00\x02",
                b"\x02\x02",
                id="avro-1-and-the-symbol-of-index-1",
            ),
            pytest.param(json_reader(["a"]), b'{"a": 1}', b'{"a": true}', id="json-1-and-true"),
            pytest.param(json_reader(["a"]), b'{"a": false}', b'{"a": 0}', id="json-false-and-0"),
            pytest.param(json_reader(["a"]), b'{"a": 1}', b'{"a": 1.0}', id="json-1-and-1.0"),
            pytest.param(json_reader(["a"]), b'{"a": 0.0}', b'{"a": -0.0}', id="json-0.0-and-minus-0.0"),
        ],
    )
    def test_equal_numbers_of_other_types_are_other_facts(self, reader: FieldReader, one: bytes, other: bytes) -> None:
        """Python takes 1, true and 1.0 for equal; their texts differ, so that a memory must not."""
        decider = Decider(entries=[entry("x", "{a}")], topology=topology(x=["#"]), reader=reader)
        seen = [decider.decide(record(value)).walks[0].routing_key for value in (one, other, one)]
        assert seen == [routing_key_of("{a}", record(value), reader) for value in (one, other, one)]
        assert seen[0] != seen[1]

    @given(
        st.lists(st.tuples(st.sampled_from(["RU", "KZ", "~", ""]), st.sampled_from("abcdef"), st.booleans())),
        st.integers(0, 5),
    )
    def test_memory_changes_no_answer(self, drawn: list[tuple[str, str, bool]], memory: int) -> None:
        """Over any records, and however little is remembered."""
        entries = [entry("x", "{country}.{header:h}"), entry("y")]
        exchanges = topology(x=["RU.*", "#.a", ".b", "KZ."], y=["a", "*.*"])
        remembering, plain = (
            Decider(entries=entries, topology=exchanges, reader=Reading("country").reader, memory=size)
            for size in (memory, 0)
        )
        for country, letter, headed in drawn:
            each = record(country.encode(), key=letter.encode(), headers=[("h", letter.encode())] if headed else [])
            assert remembering.decide(each) == plain.decide(each)
            assert len(remembering._memory.kept) <= memory


def exchange(
    kind: ExchangeType, *bindings: Binding, cc: bool = False, hash_header: str | None = None, name: str = "x"
) -> Exchange:
    """An exchange with these bindings."""
    return Exchange(name, kind, bindings, None, HERE, "team", cc=cc, hash_header=hash_header)


def to(topic: str, *, key: str | None = None, where: str | None = None, **headers: str | None) -> Binding:
    """A binding to a topic; headers must equal their text, or be there for None."""
    conditions = tuple(
        HeaderCondition(name, HeaderTest(Operator.EQUALS, value) if value is not None else HeaderTest(Operator.PRESENT))
        for name, value in headers.items()
    )
    match = HeadersMatch(XMatch.ALL, conditions) if conditions else None
    return Binding("x", key, Destination(DestinationKind.TOPIC, topic), HERE, "team", headers=match, where=where)


def entering(*exchanges: Exchange, reader: FieldReader | None = None, **others: Any) -> Decider:
    """Decides for records that enter each of the exchanges with an empty routing key."""
    at = Topology({each.name: each for each in exchanges})
    return Decider(entries=[entry(each.name, "") for each in exchanges], topology=at, reader=reader, **others)


class TestHeaders:
    """Headers that bindings look at are facts; any others are not."""

    decider = entering(exchange(ExchangeType.HEADERS, to("one", h="1"), to("any", h=None), to("empty", h="")))

    @pytest.mark.parametrize(
        ("headers", "topics"),
        [
            pytest.param([("h", b"1")], ("one", "any"), id="equal"),
            pytest.param([("h", None)], ("any",), id="null-is-there"),
            pytest.param([], (), id="missing-is-not"),
            pytest.param([("h", b"")], ("any", "empty"), id="empty-is-not-null"),
            pytest.param([("h", b"2"), ("h", b"1")], ("one", "any"), id="of-repeated-the-last"),
            pytest.param([("h", b"1"), ("h", None)], ("any",), id="of-repeated-the-last-even-null"),
            pytest.param([("h", b"\xff")], ("any",), id="not-utf-8"),
            pytest.param([("H", b"1")], (), id="names-are-case-sensitive"),
        ],
    )
    def test_null_and_missing_are_other_facts(self, headers: Headers, topics: tuple[str, ...]) -> None:
        """Decided anew or remembered, whatever was decided before."""
        for _ in range(2):
            assert self.decider.decide(record(headers=headers)).topics == topics

    def test_headers_that_nobody_looks_at_are_no_facts(self) -> None:
        """A trace id in each record must not fill the memory."""
        one, other = (record(headers=[("h", b"1"), ("trace", trace)]) for trace in (b"1", b"2"))
        assert self.decider.decide(one) is self.decider.decide(other)

    def test_headers_of_exchanges_further_on_are_facts(self) -> None:
        """Behind bindings and alternates alike."""
        onward = Binding("w", None, Destination(DestinationKind.EXCHANGE, "x"), HERE, "team")
        first = Exchange("w", ExchangeType.FANOUT, (onward,), None, HERE, "team")
        at = Topology({"w": first, "x": exchange(ExchangeType.HEADERS, to("one", h="1"))})
        decider = Decider(entries=[entry("w", "")], topology=at, reader=None)
        seen = [decider.decide(record(headers=[("h", value)])).topics for value in (b"1", b"2", b"1")]
        assert seen == [("one",), (), ("one",)]

    def test_header_that_is_hashed_is_a_fact(self) -> None:
        """Else the first record's owner would get all."""
        bindings = [to(str(number)) for number in range(10)]
        decider = entering(exchange(ExchangeType.CONSISTENT_HASH, *bindings, hash_header="h"))
        records = [record(headers=[("h", b"%d" % number)]) for number in range(100)]
        first = [decider.decide(each).topics for each in records]
        assert len(set(first)) == 10
        assert [decider.decide(each).topics for each in records] == first

    def test_long_headers_are_not_remembered(self) -> None:
        """A megabyte of a header that a binding looks at must not stay."""
        long = record(headers=[("h", b"1" * (LONGEST_REMEMBERED + 1))])
        assert self.decider.decide(long) is not self.decider.decide(long)


class TestFurtherKeys:
    """The headers CC and BCC of records that enter an exchange with `cc: true`."""

    def decider(self, *, cc: bool = True) -> Decider:
        """Routing key `a`; topics by their key."""
        return entering(exchange(ExchangeType.TOPIC, *(to(key, key=key) for key in ("", "a", "b", "c.*")), cc=cc))

    def test_further_keys_match_besides_the_routing_key(self) -> None:
        """And copies go without BCC."""
        decision = self.decider().decide(record(headers=[("CC", b'["c.d"]'), ("BCC", b"b")]))
        assert decision.topics == ("", "b", "c.*")
        assert decision.takes_off_bcc

    def test_without_cc_they_are_plain_headers(self) -> None:
        """Nothing is taken off."""
        decision = self.decider(cc=False).decide(record(headers=[("CC", b"a"), ("BCC", b"b")]))
        assert decision.topics == ("",)
        assert not decision.takes_off_bcc

    def test_each_repeated_header_is_a_fact(self) -> None:
        """Not the last one alone: the first CC of two decides as much."""
        decider = self.decider()
        one, other = (record(headers=[("CC", first), ("CC", b"b")]) for first in (b"a", b"c.d"))
        for _ in range(2):
            assert decider.decide(one).topics == ("", "a", "b")
            assert decider.decide(other).topics == ("", "b", "c.*")

    def test_bcc_is_not_matched(self) -> None:
        """Nor is it where the exchange that the record enters takes it off; CC is a header like any other."""
        bindings = [to("cc", CC="a"), to("bcc", BCC=None), to("h", h="1")]
        headers = [("CC", b"a"), ("BCC", b"b"), ("h", b"1")]
        taking, leaving = (
            entering(exchange(ExchangeType.HEADERS, *bindings, cc=cc)).decide(record(headers=headers)).topics
            for cc in (True, False)
        )
        assert (taking, leaving) == (("cc", "h"), ("cc", "bcc", "h"))

    def test_entries_may_differ(self) -> None:
        """Each exchange sees what it asks for; the copies of one record are alike, and go without BCC."""
        with_cc = exchange(ExchangeType.DIRECT, to("with", key="b"), cc=True)
        without = exchange(ExchangeType.DIRECT, to("without", key="b"), name="y")
        decision = entering(with_cc, without).decide(record(headers=[("BCC", b"b")]))
        assert decision.topics == ("with",)
        assert decision.unroutable == ("y",)
        assert decision.takes_off_bcc

    def test_many_further_keys_are_not_remembered(self) -> None:
        """They count together."""
        many = record(headers=[("CC", b'["%s"]' % b'","'.join(b"%d" % number for number in range(100)))])
        few = record(headers=[("CC", b'["a","b"]')])
        decider = self.decider()
        assert decider.decide(many) is not decider.decide(many)
        assert decider.decide(few) is decider.decide(few)

    def test_tombstone_says_that_bcc_is_taken_off(self) -> None:
        """Its copies are copies like any other."""
        assert self.decider().decide(record(None)).takes_off_bcc


class Conditions:
    """`big` is whether the value's second part is over 5, and cannot be said of `?`; counts how often it is asked."""

    texts = ("big", "never")

    def __init__(self) -> None:
        self.asked = 0

    def truths(self, record: Record, values: tuple[Value, ...]) -> tuple[bool | None, ...]:
        """As the contract says, from the fields that were read."""
        self.asked += 1
        amount = values[1]
        return (None if amount == "?" else int(str(amount)) > 5, False)


class TestConditions:
    """Truths are facts; what they were made of is not."""

    def decider(self, conditions: Conditions) -> Decider:
        """The value's first part is the routing key."""
        bindings = [to("all", key="RU"), to("big", key="RU", where="big"), to("never", where="never")]
        at = Topology({"x": exchange(ExchangeType.DIRECT, *bindings)})
        reader = Reading("country", "amount").reader
        return Decider(entries=[entry("x", "{country}")], topology=at, reader=reader, conditions=conditions)

    def test_truth_of_a_condition_decides(self) -> None:
        """True alone; what fails is named."""
        decider = self.decider(Conditions())
        assert decider.decide(record(b"RU|6")).topics == ("all", "big")
        assert decider.decide(record(b"RU|5")).topics == ("all",)
        failed = decider.decide(record(b"RU|?"))
        assert failed.topics == ("all",)
        assert [each.where for each in failed.failed] == ["big"]
        assert decider.decide(record(b"KZ|6")).unroutable == ("x",)

    def test_equal_truths_are_decided_once(self) -> None:
        """A million amounts are two facts; each is asked of its own record all the same."""
        conditions = Conditions()
        decider = self.decider(conditions)
        decisions = {id(decider.decide(record(b"RU|%d" % amount))) for amount in range(20)}
        assert len(decisions) == 2
        assert conditions.asked == 20

    def test_truth_that_cannot_be_said_is_a_fact_of_its_own(self) -> None:
        """It is neither true nor false, for a worker counts it."""
        decider = self.decider(Conditions())
        seen = [decider.decide(record(b"RU|" + amount)) for amount in (b"1", b"?", b"9", b"?", b"1")]
        assert len({id(each) for each in seen}) == 3
        assert [len(each.failed) for each in seen] == [0, 1, 0, 1, 0]

    def test_messages_have_the_truths_by_text(self) -> None:
        """For `explain`, which must say what failed."""
        (one,) = self.decider(Conditions()).messages(record(b"RU|?"))
        assert one.truths == {"big": None, "never": False}
        assert one.routing_key == "RU"

    def test_conditions_need_no_fields(self) -> None:
        """They may ask of headers and the key alone; then there is no reader."""

        class OfTheKey:
            texts = ("keyed",)

            def truths(self, record: Record, values: tuple[Value, ...]) -> tuple[bool | None, ...]:
                assert values == ()
                return (record.key is not None,)

        decider = entering(exchange(ExchangeType.FANOUT, to("keyed", where="keyed")), conditions=OfTheKey())
        assert decider.decide(record(key=b"k")).topics == ("keyed",)
        assert decider.decide(record()).topics == ()


def test_records_whose_header_has_the_mark_are_read_behind_it() -> None:
    """Their readers take marked values; tombstones have none, and what has no mark cannot be read."""
    mark = b"0123456789abcdef"
    reader = FieldReader(("a",), lambda value: (value,), lambda facts: facts, in_header=True)
    at = Topology(
        {"x": exchange(ExchangeType.DIRECT, Binding("x", "k", Destination(DestinationKind.TOPIC, "t"), HERE, "team"))}
    )
    decider = MarkedDecider(entries=[entry("x", "{a}")], topology=at, reader=reader)
    value = record(value=b"body", headers=[(SCHEMA_HEADER, mark)])
    assert [message.routing_key for message in decider.messages(value)] == [(mark + b"body").decode()]
    assert decider.decide(value).topics == ()
    assert decider.decide(record(value=None)).topics == ("t",)
    with pytest.raises(UnknownRevision):
        decider.decide(record(value=b"body"))
