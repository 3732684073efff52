"""Why a record goes where it goes, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from router.exchange.deciding import Decider
from router.exchange.explain import Explanation, explain, missed
from router.exchange.header_values import HeaderTest, Operator
from router.exchange.matcher import message
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
from router.records.reader import FieldReader
from router.records.record import PlainRecord

DIRECT, TOPIC, FANOUT, HEADERS, HASH = ExchangeType


def destination(name: str) -> Destination:
    """An exchange if in capitals, else a topic."""
    return Destination(DestinationKind.EXCHANGE if name.isupper() else DestinationKind.TOPIC, name)


def exchange(
    name: str, kind: ExchangeType, bindings: Sequence[tuple[str | None, str]], alternate: str | None = None
) -> Exchange:
    """Its bindings stand on lines of their own, from 11, in `<topic>.yaml`."""
    return Exchange(
        name,
        kind,
        tuple(
            Binding(name, key, destination(to), Place(f"{to.lower()}.yaml", line, 5), f"team-{to.lower()}")
            for line, (key, to) in enumerate(bindings, 11)
        ),
        None if alternate is None else destination(alternate),
        Place("x.yaml", 1, 1),
        "team",
    )


def explanation(
    *exchanges: Exchange,
    template: str | None = None,
    key: bytes | None = None,
    headers: Sequence[tuple[str, bytes | None]] = (),
    tombstone: bool = False,
    reader: FieldReader | None = None,
    enter: Sequence[str] = (),
) -> Explanation:
    """The record is decided and explained; it enters the first exchange, or those of `enter`."""
    topology = Topology({each.name: each for each in exchanges})
    routing_key = None if template is None else parse_routing_key(template)
    entries = [Entry(name, routing_key, None, Tombstones.ALL) for name in enter or [exchanges[0].name]]
    decider = Decider(entries=entries, topology=topology, reader=reader)
    record = PlainRecord(topic="order.status.v1", key=key, value=None if tombstone else b"", headers=headers)
    return explain(decider.decide(record), entries=entries, topology=topology, messages=decider.messages(record))


def why(kind: ExchangeType, binding_key: str, routing_key: str, template: str | None = None) -> str:
    """Why this binding does not take this message: the template's parts come as headers, in its order."""
    (walk,) = explanation(
        exchange("x", kind, [(binding_key, "t")]),
        template=template,
        key=routing_key.encode(),
        headers=[
            (name, value.encode())
            for name, value in zip(["country", "status", "tier"], routing_key.split("."), strict=False)
        ],
    ).walks
    (missed,) = walk.missed
    return str(missed)


@pytest.mark.parametrize(
    ("binding_key", "routing_key", "reason"),
    [
        pytest.param("RU.paid", "RU.new", "word 2 of the routing key is `new`; this binding wants `paid`", id="word"),
        pytest.param("RU.paid", "RU.", "word 2 of the routing key is empty; this binding wants `paid`", id="is-empty"),
        pytest.param(
            "RU.", "RU.paid", "word 2 of the routing key is `paid`; this binding wants it empty", id="to-be-empty"
        ),
        pytest.param(
            "RU", "RU.new", "word 2 of the routing key is `new`; this binding's key ends before it", id="long"
        ),
        pytest.param("", "RU", "word 1 of the routing key is `RU`; this binding's key ends before it", id="no-words"),
        pytest.param("RU.*.x", "RU.a", "the routing key ends after word 2; this binding wants `x` next", id="short"),
        pytest.param("a.", "a", "the routing key ends after word 1; this binding wants an empty word next", id="a-dot"),
        pytest.param("RU", "", "the routing key is empty; this binding wants `RU` next", id="empty-key"),
    ],
)
def test_topic_binding_says_which_word_failed_first(binding_key: str, routing_key: str, reason: str) -> None:
    """What it is, and what the binding wants there."""
    assert why(TOPIC, binding_key, routing_key) == reason


@pytest.mark.parametrize(
    ("binding_key", "routing_key", "reason"),
    [
        pytest.param("a.b", "a.c", "the routing key is `a.c`; this binding wants `a.b`", id="another"),
        pytest.param("a.b", "", "the routing key is empty; this binding wants `a.b`", id="is-empty"),
        pytest.param("", "a.b", "the routing key is `a.b`; this binding wants it empty", id="to-be-empty"),
    ],
)
def test_direct_binding_says_what_key_it_wants(binding_key: str, routing_key: str, reason: str) -> None:
    """A key is compared whole, so no word is to blame."""
    assert why(DIRECT, binding_key, routing_key) == reason


@pytest.mark.parametrize(
    ("template", "binding_key", "reason"),
    [
        pytest.param("{header:country}.{header:status}", "RU.paid", "`header:status` is `new`", id="placeholder"),
        pytest.param(
            "{header:country}.v1.{header:status}", "RU.v2.#", "word 2 of the routing key is `v1`", id="literal"
        ),
        pytest.param("a.b.{header:status}.c", "a.b.paid.c", "`header:status` is `new`", id="between-literals"),
        pytest.param("a.s-{header:status}", "a.s-paid", "word 2 of the routing key is `s-new`", id="part-of-a-word"),
        pytest.param(
            "{header:status}{header:tier}", "paid", "word 1 of the routing key is `newgold`", id="two-in-a-word"
        ),
        pytest.param("{topic}.{header:status}", "#.paid", "the routing key ends after word 2", id="past-the-end"),
        pytest.param("{topic}.x", "order.x", "`topic` is `order%2Estatus%2Ev1`", id="topic"),
        pytest.param("{key}.x", "order.x", "`key` is `RU%2Enew%2Egold`", id="key"),
        pytest.param("{header:tier}..x", "gold.y.x", "word 2 of the routing key is empty", id="empty-literal-word"),
    ],
)
def test_word_is_named_by_the_placeholder_it_comes_from(template: str, binding_key: str, reason: str) -> None:
    """Where a word is one placeholder, its name says more than its number."""
    assert why(TOPIC, binding_key, "RU.new.gold", template).startswith(reason)


def test_field_is_named_by_its_path() -> None:
    """As routes write it, nested ones whole."""
    (walk,) = explanation(
        exchange("x", TOPIC, [("v1.gold", "t")]),
        template="v1.{customer.tier}",
        reader=FieldReader(paths=("customer.tier",), read=lambda _: ("basic",), values=lambda facts: facts),
    ).walks
    (missed,) = walk.missed
    assert missed.part == "customer.tier"
    assert str(missed) == "`customer.tier` is `basic`; this binding wants `gold`"


def test_nearest_miss_comes_first() -> None:
    """The binding that more words of the routing key satisfied is the likelier mistake; else declared order."""
    (walk,) = explanation(
        exchange("x", TOPIC, [("KZ.paid", "a"), ("RU.paid", "b"), ("BY.#", "c"), ("RU.new", "d"), ("RU.x", "e")]),
        key=b"RU.new",
    ).walks
    assert [each.binding.destination.name for each in walk.missed] == ["b", "e", "a", "c"]


def test_lines_tell_the_whole_way() -> None:
    """Destinations, then each walk: what matched, alternates taken, and why the rest did not match."""
    told = explanation(
        exchange("x", TOPIC, [("*.new", "t"), ("RU.*", "B"), (None, "u"), ("KZ.*", "v")]),
        exchange("B", DIRECT, [("RU.paid", "w")], alternate="rest"),
        key=b"RU.new",
    )
    assert list(told.lines()) == [
        "to: t, u, rest",
        "exchange 'x', routing key 'RU.new'",
        "  + '*.new' -> topic 't'  t.yaml:11",
        "  + 'RU.*' -> exchange 'B'  b.yaml:12",
        "  + every key -> topic 'u'  u.yaml:13",
        "  ~ nothing in 'B' matched: its alternate, topic 'rest'",
        "  - 'KZ.*' -> topic 'v'  v.yaml:14: word 1 of the routing key is `RU`; this binding wants `KZ`",
        "  - 'RU.paid' -> topic 'w'  w.yaml:11: the routing key is `RU.new`; this binding wants `RU.paid`",
    ]


class TestAlternatives:
    """The keys of one binding that fail at the same word are told in one sentence."""

    def told(self, *binding_keys: tuple[str, str], key: str) -> Explanation:
        """Of a topic exchange with these keys and destinations, and placeholders for words."""
        words = dict(zip(["country", "status"], key.encode().split(b"."), strict=True))
        return explanation(
            exchange("x", TOPIC, list(binding_keys)),
            template="{header:country}.{header:status}",
            headers=list(words.items()),
        )

    def test_one_line_names_all_that_would_do(self) -> None:
        """Where the first of them stands; in JSON by all their keys, and each by itself as well."""
        told = self.told(("*.paid", "t"), ("*.shipped", "t"), ("*.lost", "t"), key="RU.packed")
        why = "`header:status` is `packed`; this binding wants `paid`, `shipped` or `lost`"
        assert list(told.lines())[2:-1] == [f"  - '*.paid' or '*.shipped' or '*.lost' -> topic 't'  t.yaml:11: {why}"]
        (walk,) = told.to_json()["walks"]
        (miss,) = walk["misses"]
        assert (miss["binding_keys"], miss["line"], miss["why"]) == (["*.paid", "*.shipped", "*.lost"], 11, why)
        assert [each["binding_key"] for each in walk["unmatched"]] == ["*.paid", "*.shipped", "*.lost"]

    def test_what_fails_elsewhere_has_a_line_of_its_own(self) -> None:
        """Another word, a key that ended, another destination: nearest first."""
        told = self.told(
            ("RU.paid", "t"), ("KZ.paid", "t"), ("UA.#", "t"), ("RU", "t"), ("*.paid", "u"), ("RU.sent", "t"),
            key="RU.packed",
        )  # fmt: skip
        assert [str(each) for each in told.walks[0].alternatives] == [
            "`header:status` is `packed`; this binding wants `paid` or `sent`",
            "`header:status` is `packed`; this binding's key ends before it",
            "`header:status` is `packed`; this binding wants `paid`",
            "`header:country` is `RU`; this binding wants `KZ` or `UA`",
        ]
        assert [each.keys for each in told.walks[0].alternatives] == [
            ("RU.paid", "RU.sent"), ("RU",), ("*.paid",), ("KZ.paid", "UA.#"),
        ]  # fmt: skip

    def test_the_same_wish_is_named_once(self) -> None:
        """Two keys may want the same word; one may want none."""
        told = self.told(("*.paid", "t"), ("RU.paid", "t"), ("RU.", "t"), key="RU.packed")
        (both,) = told.walks[0].alternatives
        assert str(both) == "`header:status` is `packed`; this binding wants `paid` or it empty"


def test_lines_say_what_led_nowhere() -> None:
    """By the names of the exchanges that were entered."""
    told = explanation(exchange("x", TOPIC, [("KZ", "t")]), exchange("y", FANOUT, []), key=b"RU", enter=["x", "y"])
    assert list(told.lines()) == [
        "to: nobody",
        "exchange 'x', routing key 'RU'",
        "  - 'KZ' -> topic 't'  t.yaml:11: word 1 of the routing key is `RU`; this binding wants `KZ`",
        "exchange 'y', routing key 'RU'",
        "unroutable: 'x', 'y' led nowhere",
    ]


def test_tombstone_is_said_to_be_one() -> None:
    """It goes by other rules, and no binding can miss it."""
    told = explanation(exchange("x", TOPIC, [("a", "t"), ("b", "u")], alternate="rest"), tombstone=True)
    lines = list(told.lines())
    assert lines[0] == "to: t, u, rest"
    assert lines[1].startswith("a record without a value goes to every topic that its exchange can reach")
    assert [each.missed for each in told.walks] == [()]


def test_explanation_is_of_the_decision_that_is_obeyed() -> None:
    """Its parts are the decision's own walks: nothing is decided twice."""
    told = explanation(exchange("x", TOPIC, [("a", "t")]), exchange("y", FANOUT, []), key=b"a", enter=["x", "y"])
    assert tuple(each.walk for each in told.walks) == told.decision.walks


def test_json_has_the_same_facts() -> None:
    """Plain data with stable names, for programs."""
    told = explanation(
        exchange("x", TOPIC, [("a", "B"), ("b", "t"), (None, "u")]),
        exchange("B", DIRECT, [], alternate="REST"),
        exchange("REST", FANOUT, [], alternate="rest"),
        key=b"a",
    ).to_json()
    assert json.loads(json.dumps(told)) == {
        "to": {"u": 1, "rest": 1},
        "tombstone": False,
        "unroutable": [],
        "walks": [
            {
                "exchange": "x",
                "routing_key": "a",
                "matched": [
                    {
                        "exchange": "x",
                        "binding_key": "a",
                        "to": {"exchange": "B"},
                        "file": "b.yaml",
                        "line": 11,
                        "team": "team-b",
                    },
                    {
                        "exchange": "x",
                        "binding_key": None,
                        "to": {"topic": "u"},
                        "file": "u.yaml",
                        "line": 13,
                        "team": "team-u",
                    },
                ],
                "alternate": [
                    {"exchange": "B", "to": {"exchange": "REST"}},
                    {"exchange": "REST", "to": {"topic": "rest"}},
                ],
                "unmatched": [
                    {
                        "exchange": "x",
                        "binding_key": "b",
                        "to": {"topic": "t"},
                        "file": "t.yaml",
                        "line": 12,
                        "team": "team-t",
                        "why": "word 1 of the routing key is `a`; this binding wants `b`",
                    }
                ],
                "misses": [
                    {
                        "exchange": "x",
                        "binding_keys": ["b"],
                        "to": {"topic": "t"},
                        "file": "t.yaml",
                        "line": 12,
                        "team": "team-t",
                        "why": "word 1 of the routing key is `a`; this binding wants `b`",
                    }
                ],
            }
        ],
    }


def test_json_of_a_record_that_goes_nowhere() -> None:
    """A tombstone says so, and what is unroutable is named."""
    told = explanation(exchange("x", TOPIC, []), tombstone=True).to_json()
    assert (told["to"], told["tombstone"], told["unroutable"]) == ({}, True, ["x"])


def test_binding_reads_as_its_file_says_it() -> None:
    """By key, headers, condition and weight, whichever it has."""
    pdf = HeadersMatch(
        XMatch.ANY,
        (
            HeaderCondition("type", HeaderTest(Operator.EQUALS, "pdf")),
            HeaderCondition("size", HeaderTest(Operator.GT, 5)),
        ),
    )
    topic, place = destination("t"), Place("t.yaml", 11, 5)
    bindings = (
        Binding("x", None, topic, place, "team", headers=pdf),
        Binding("x", None, topic, place, "team", headers=HeadersMatch()),
        Binding("x", "a.*", topic, place, "team", where="amount > 5"),
        Binding("x", None, topic, place, "team", weight=3),
        Binding("x", None, topic, place, "team"),
    )
    told = explanation(Exchange("x", HEADERS, bindings, None, place, "team"), key=b"k")
    assert sorted(line[4:].split(" -> ")[0] for line in told.lines() if " -> " in line) == [
        "'a.*' where amount > 5",
        "every key",
        "weight 3",
        "{x-match: all}",
        "{x-match: any, type: pdf, size: gt 5}",
    ]


def test_nearest_miss_counts_what_was_met() -> None:
    """Conditions on headers like words of a key; a binding that all but its condition met is nearest of all."""
    place = Place("t.yaml", 11, 5)

    def one(topic: str, *names: str, where: str | None = None) -> Binding:
        conditions = tuple(HeaderCondition(name, HeaderTest(Operator.EQUALS, "1")) for name in names)
        match = HeadersMatch(XMatch.ALL, conditions)
        return Binding("x", None, destination(topic), place, "team", headers=match, where=where)

    bindings = (
        one("none", "c"),
        one("two", "a", "b", "c"),
        one("one", "c", "a"),
        one("where", "a", where="amount > 5"),
    )
    (walk,) = explanation(
        Exchange("x", HEADERS, bindings, None, place, "team"), headers=[("a", b"1"), ("b", b"1")]
    ).walks
    assert [(each.binding.destination.name, each.nearness) for each in walk.missed] == [
        ("where", 1_000),
        ("two", 2),
        ("one", 1),
        ("none", 0),
    ]
    assert [str(each) for each in walk.missed[:2]] == [
        "`amount > 5` cannot be evaluated on this record",
        "the header `c` is missing; this binding wants it 1",
    ]


def test_share_of_a_ring_is_explained_by_its_owner() -> None:
    """Each of the others is told whose the record is."""
    told = explanation(exchange("x", HASH, [(None, "t"), (None, "u"), (None, "v")]), key=b"k")
    (owner,) = told.decision.topics
    (walk,) = told.walks
    assert [str(each) for each in walk.missed] == [
        f"its share of the ring has other messages: this one belongs to topic '{owner}'"
    ] * 2


def test_default_exchange_has_nothing_to_miss() -> None:
    """Its walk has a step, but no bindings."""
    at = Topology({}, topics=["t"])
    walk = at.walk("", message("u"))
    assert missed(walk, at, message("u"), None) == ()
