"""Definitions become a route file that decides the same; what does not carry over is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.definitions import (
    BUILT_IN,
    MESSAGE_HEADERS,
    WORDS,
    binding,
    definitions,
    exchange,
    files,
    policy,
    queue,
    reached,
    text_of,
)

from router.exchange.matcher import Message, words_of
from router.exchange.topology import Topology
from router.language.load import load_routes
from router.language.routes import RouteSet
from router.rabbitmq.definitions import read_definitions
from router.rabbitmq.exporting import export_routes
from router.rabbitmq.findings import Finding, Kind, Level
from router.rabbitmq.importing import Import, import_definitions, imported
from router.rabbitmq.names import exchange_names, topic_names
from router.rabbitmq.route_text import LARGEST
from router.records.catalogue import Catalogue

NOTHING = Catalogue.from_texts({})


def load(text: str) -> RouteSet:
    """The compiled routes of a file that has no errors."""
    route_set, findings = load_routes({"imported.yaml": text}, NOTHING)
    assert route_set is not None, [*map(str, findings), text]
    return route_set


def run(**sections: Any) -> Import:
    return import_definitions(text_of(**sections))


def told(result: Import) -> list[tuple[str, str, str]]:
    return [(finding.kind, finding.what, finding.name) for finding in result.findings]


def only(result: Import) -> Finding:
    (finding,) = result.findings
    return finding


def topics_of(route_set: RouteSet, start: str, key: str, headers: dict[str, Any]) -> set[str]:
    return walked(Topology(route_set.exchanges, topics=route_set.topics), start, key, headers)


def walked(topology: Topology, start: str, key: str, headers: dict[str, Any]) -> set[str]:
    """The topics that get a copy of a message whose headers have types, as RabbitMQ's have."""
    further = [each for name in ("CC", "BCC") for each in headers.get(name, [])]
    message = Message(
        key,
        words_of(key),
        further=tuple((each, words_of(each)) for each in further),
        headers={name: value for name, value in headers.items() if name != "BCC"},
        typed=True,
    )
    return {delivery.topic for delivery in topology.walk(start, message).deliveries}


@settings(max_examples=60, deadline=None)
@given(files(), st.lists(st.tuples(WORDS, MESSAGE_HEADERS), min_size=1, max_size=6))
def test_the_routes_decide_as_the_definitions_do(
    file: dict[str, Any], messages: list[tuple[str, dict[str, Any]]]
) -> None:
    """For every exchange and any message, the same queues get a copy as by a plain reading of RabbitMQ's rules."""
    route_set = load(import_definitions(json.dumps(file)).text)
    names = topic_names(each["name"] for each in file["queues"])
    topology = Topology(route_set.exchanges, topics=route_set.topics)
    starts = {each["name"] for each in file["exchanges"]} | {""} | (BUILT_IN.keys() & route_set.exchanges.keys())
    for start in sorted(starts):
        for key, headers in messages:
            # To the default exchange a queue's name is a key, and topics have names of their own.
            wanted = {names[each][0] for each in reached(file, start, key, headers)}
            assert walked(topology, start, key, headers) == wanted, (start, key, headers)


@settings(max_examples=40, deadline=None)
@given(files())
def test_what_was_imported_is_exported_again(file: dict[str, Any]) -> None:
    """The way through a route file and back keeps exchanges, bindings and alternates, so that a second import is the same."""
    first = import_definitions(json.dumps(file))
    exported = export_routes(load(first.text))
    assert [each for each in exported.findings if each.level is Level.ERROR] == []
    second = import_definitions(json.dumps(exported.definitions))
    for declared in (first, second):
        assert len(declared.declarations.topics) == len(file["queues"])
    without_notes = [
        [line for line in declared.text.splitlines() if not line.lstrip().startswith("#")]
        for declared in (first, second)
    ]
    assert without_notes[1] == without_notes[0]


@settings(max_examples=25, deadline=None)
@given(files(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(file: dict[str, Any], chance: Any) -> None:
    """Exports come in the order of a table; the route file is in that of names."""
    shuffled = {
        name: chance.sample(value, len(value)) if isinstance(value, list) else value for name, value in file.items()
    }
    shuffled["policies"] = file["policies"]
    assert import_definitions(json.dumps(shuffled)).text == import_definitions(json.dumps(file)).text


def test_the_file_reads_well() -> None:
    """Comments, order and quotes as a person would write them."""
    result = run(
        exchanges=[
            exchange("orders", "topic", arguments={"alternate-exchange": "unrouted"}),
            exchange("unrouted", "fanout", internal=True),
            exchange("shards", "x-consistent-hash", arguments={"hash-header": "customer"}),
        ],
        queues=[queue("paid"), queue("half", arguments={"x-max-length": 5}), queue("lonely")],
        bindings=[
            binding("orders", "paid", "*.paid"),
            binding("orders", "paid", "#.done"),
            binding("orders", "shards", "#", to="exchange"),
            binding("shards", "half", "2"),
            binding("shards", "paid", "1"),
            binding("amq.headers", "half", x_match="any", type="pdf", copies=2, urgent=True, tags=["a", 1]),
        ],
    )
    assert result.text == (
        '# Imported from the definitions of a RabbitMQ 3.10.8, virtual host "/": exchanges keep their names, queues are topics.\n'
        "# Definitions do not say who publishes: give each exchange that publishers write to its `sources:`, broad topics.\n"
        "# A record's key is then its routing key, unless `routing-key:` makes one of its fields.\n"
        """version: 1
team: imported

exchanges:
  amq.headers:
    type: headers
    cc: true
  orders:
    type: topic
    cc: true
    alternate: {exchange: unrouted}
  shards:
    type: consistent-hash
    hash-on: {header: customer}
    cc: true
    from:
      - {exchange: orders, binding-key: "#"}
  unrouted:
    # internal in RabbitMQ: other exchanges alone lead here
    type: fanout
    cc: true

topics:
  half:
    # not carried over: x-max-length
    from:
      - {exchange: amq.headers, headers: {x-match: any, copies: 2, tags: {equals: [a, 1]}, type: pdf, urgent: true}}
      - {exchange: shards, weight: 2}
  lonely: {}
    # bound to nothing: the default exchange alone leads here
  paid:
    from:
      - {exchange: orders, binding-key: ["#.done", "*.paid"]}
      - {exchange: shards}
"""
    )
    load(result.text)


def test_an_export_without_internal_exchanges_loses_what_rabbitmq_would() -> None:
    """Bindings from and to an exchange that is not there are left out, and each is told."""
    result = run(
        exchanges=[exchange("orders", "fanout")],
        queues=[queue("q")],
        bindings=[binding("orders", "hidden", to="exchange"), binding("hidden", "q"), binding("orders", "q")],
    )
    assert told(result) == [
        ("missing-exchange", "binding", "hidden → queue q"),
        ("missing-exchange", "binding", "orders → exchange hidden"),
    ]
    assert "internal" in result.findings[0].message
    assert "management" in result.findings[0].suggestion
    assert topics_of(load(result.text), "orders", "", {}) == {"q"}


@pytest.mark.parametrize(
    ("sections", "kind", "name"),
    [
        pytest.param(
            {"bindings": [binding("amq.rabbitmq.trace", "q", "#")]},
            Kind.MISSING_EXCHANGE,
            "amq.rabbitmq.trace → queue q by '#'",
            id="the firehose",
        ),
        pytest.param(
            {"bindings": [binding("amq.fanout", "gone")]}, Kind.MISSING_QUEUE, "amq.fanout → queue gone", id="no queue"
        ),
        pytest.param(
            {"bindings": [binding("", "q", "other")]},
            Kind.INVALID_BINDING,
            " → queue q by 'other'",
            id="default exchange",
        ),
    ],
)
def test_a_binding_without_its_ends_is_told(sections: Any, kind: Kind, name: str) -> None:
    """It is left out by its name, and the rest is imported."""
    finding = only(run(queues=[queue("q")], **sections))
    assert (finding.kind, finding.what, finding.name) == (kind, "binding", name)


def test_what_every_queue_has_of_itself_is_no_binding() -> None:
    """The default exchange's own bindings are neither declared nor told."""
    result = run(queues=[queue("q")], bindings=[binding("", "q", "q")])
    assert result.findings == ()
    assert topics_of(load(result.text), "", "q", {}) == {"q"}


def test_an_exchange_of_a_plugin_gets_a_stand_in() -> None:
    """A match on a binding to it still is one, so that no alternate takes what it would have routed."""
    result = run(
        exchanges=[
            exchange("orders", "fanout", arguments={"alternate-exchange": "amq.fanout"}),
            exchange("any", "x-random", arguments={"alternate-exchange": "amq.fanout"}),
        ],
        queues=[queue("q")],
        bindings=[binding("orders", "any", to="exchange"), binding("any", "q"), binding("amq.fanout", "q")],
    )
    assert told(result) == [
        ("unsupported-exchange", "binding", "any → queue q"),
        ("unsupported-exchange", "exchange", "any"),
    ]
    assert all(finding.level is Level.ERROR for finding in result.findings)
    assert "# stands in for an exchange of type x-random, which cannot be imported" in result.text
    assert topics_of(load(result.text), "orders", "", {}) == set()


def test_built_in_exchanges_are_declared_where_they_are_used_only() -> None:
    """Used is what has bindings, is a destination or an alternate, or has an alternate itself."""
    result = run(
        exchanges=[exchange("a", arguments={"alternate-exchange": "amq.match"})],
        queues=[queue("q")],
        bindings=[binding("amq.direct", "q", "k"), binding("a", "amq.topic", to="exchange")],
        policies=[policy("late", r"^amq\.match$", alternate_exchange="amq.fanout")],
    )
    declared = [each.name for each in result.declarations.exchanges]
    assert declared == ["a", "amq.direct", "amq.fanout", "amq.match", "amq.topic"]
    assert result.findings == ()


def test_what_policies_say_of_unused_built_in_exchanges_is_not_told() -> None:
    """A pattern that fits everything fits them, too."""
    result = run(
        exchanges=[exchange("a")], policies=[policy("late", "", alternate_exchange="gone")], queues=[queue("q")]
    )
    assert told(result) == [("missing-alternate", "exchange", "a")]


def test_names_that_kafka_refuses_are_changed_everywhere() -> None:
    """The topic, the exchange and everything that leads there have the new name, and it is told once."""
    result = run(
        exchanges=[exchange("a\tb", "fanout"), exchange("c", arguments={"alternate-exchange": "a\tb"})],
        queues=[queue("to do")],
        bindings=[binding("a\tb", "to do"), binding("c", "a\tb", "k", to="exchange")],
    )
    assert told(result) == [("renamed", "exchange", "a\\tb"), ("renamed", "queue", "to do")]
    assert "# was queue 'to do'" in result.text
    route_set = load(result.text)
    assert topics_of(route_set, "c", "other", {}) == {"to-do"}
    assert topics_of(route_set, "c", "k", {}) == {"to-do"}


def test_of_bindings_that_mean_the_same_here_one_is_left() -> None:
    """A fanout's binding keys make several bindings in RabbitMQ; their key is told, and the copy is one anyway."""
    result = run(
        exchanges=[exchange("f", "fanout")], queues=[queue("q")], bindings=[binding("f", "q", "a"), binding("f", "q")]
    )
    assert told(result) == [("binding-argument", "binding", "f → queue q by 'a'")]
    assert result.text.count("{exchange: f}") == 1


def test_a_refused_weight_leaves_the_binding_out() -> None:
    """RabbitMQ would refuse it, too."""
    result = run(
        exchanges=[exchange("r", "x-consistent-hash")],
        queues=[queue("q"), queue("p")],
        bindings=[binding("r", "q", "many"), binding("r", "p", "2")],
    )
    assert told(result) == [("invalid-binding", "binding", "r → queue q by 'many'"), ("other-ring", "exchange", "r")]
    assert topics_of(load(result.text), "r", "k", {}) == {"p"}


def test_a_refused_x_match_leaves_the_binding_out() -> None:
    """And only that binding."""
    result = run(
        queues=[queue("q")],
        bindings=[binding("amq.match", "q", x_match="ALL"), binding("amq.match", "q", x_match="all", a=1)],
    )
    assert [kind for kind, _, _ in told(result)] == ["invalid-binding"]
    assert topics_of(load(result.text), "amq.match", "", {"a": 1}) == {"q"}


def test_a_file_too_large_to_be_checked_is_told() -> None:
    """`router check` reads up to 1 MiB of a file, so the way out is to split it."""
    bindings = [binding("amq.direct", "q", f"{number}-{'k' * 240}") for number in range(LARGEST // 250)]
    result = run(queues=[queue("q")], bindings=bindings)
    assert told(result) == [("too-large", "virtual host", "/")]


def test_errors_come_first() -> None:
    """Then findings are in order of what they are of."""
    result = run(
        exchanges=[exchange("z", "x-random")],
        queues=[queue("a", durable=False)],
        users=[{"name": "guest"}],
        bindings=[5],
    )
    assert [(finding.level, finding.what) for finding in result.findings] == [
        ("error", "exchange"),
        ("error", "section"),
        ("warning", "queue"),
        ("warning", "user"),
    ]


def test_declarations_can_be_had_without_their_text() -> None:
    """For those who want to write another file of them."""
    read, _ = read_definitions(json.dumps(definitions(queues=[queue("q")])))
    declarations, findings = imported(read)
    assert [topic.name for topic in declarations.topics] == ["q"]
    assert findings == ()


def test_renaming_agrees_with_the_names_of_the_file() -> None:
    """Names that are taken are not given again."""
    result = run(queues=[queue("to do"), queue("to-do")], exchanges=[exchange("x\t"), exchange("x-")])
    assert [topic.name for topic in result.declarations.topics] == ["to-do", "to-do-2"]
    assert exchange_names(["x\t", "x-"]) == {
        "x\t": ("x--2", "an exchange's name has up to 255 printable characters"),
        "x-": ("x-", ""),
    }
