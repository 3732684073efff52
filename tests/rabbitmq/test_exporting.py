"""Routes become definitions; what RabbitMQ does not have is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.language import catalogue

from router.language.load import load_routes
from router.rabbitmq.exporting import Export, export_routes
from router.rabbitmq.findings import Kind
from router.rabbitmq.importing import import_definitions
from router.records.catalogue import Catalogue


def export(routes: dict[str, Any], *, schemas: Catalogue | None = None, vhost: str = "/") -> Export:
    """Of routes as plain data, which is YAML too."""
    text = json.dumps({"version": 1, "team": "t", **routes})
    route_set, findings = load_routes({"t.yaml": text}, schemas or Catalogue.from_texts({}))
    assert route_set is not None, [*map(str, findings)]
    return export_routes(route_set, vhost=vhost)


def bound(exported: Export) -> list[tuple[str, str, str, str, Any]]:
    keys = ("source", "destination_type", "destination", "routing_key", "arguments")
    return [tuple(each[key] for key in keys) for each in exported.definitions["bindings"]]


def told(exported: Export) -> list[tuple[str, str, str]]:
    return [(each.kind, each.what, each.name) for each in exported.findings]


def exchange(type_: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "cc": True, **{key.replace("_", "-"): value for key, value in more.items()}}


def test_exchanges_bindings_and_alternates_are_rabbitmqs() -> None:
    """In the form of the management plugin's export, for one virtual host."""
    exported = export(
        {
            "exchanges": {
                "a": exchange("topic", alternate={"exchange": "b"}),
                "b": exchange("fanout", **{"from": [{"exchange": "a", "binding-key": "x.#"}]}),
                "c": exchange("consistent-hash", hash_on={"header": "h"}),
            },
            "topics": {
                "q": {"from": [{"exchange": "a"}, {"exchange": "b"}, {"exchange": "c", "weight": 3}]},
                "lonely": {},
            },
        },
        vhost="v",
    )
    assert exported.findings == ()
    definitions = exported.definitions
    assert definitions["vhosts"] == [{"name": "v"}]
    assert {
        each["vhost"] for each in [*definitions["exchanges"], *definitions["queues"], *definitions["bindings"]]
    } == {"v"}
    assert [(each["name"], each["type"], each["arguments"]) for each in definitions["exchanges"]] == [
        ("a", "topic", {"alternate-exchange": "b"}),
        ("b", "fanout", {}),
        ("c", "x-consistent-hash", {"hash-header": "h"}),
    ]
    assert [each["name"] for each in definitions["queues"]] == ["lonely", "q"]
    assert sorted(bound(exported)) == [
        ("a", "exchange", "b", "x.#", {}),
        ("a", "queue", "q", "#", {}),
        ("b", "queue", "q", "", {}),
        ("c", "queue", "q", "3", {}),
    ]


def test_several_bindings_on_a_ring_become_one() -> None:
    """Of several RabbitMQ would count the first only, so one has all their weight."""
    exported = export(
        {
            "exchanges": {"r": exchange("consistent-hash")},
            "topics": {"q": {"from": [{"exchange": "r", "weight": 2}, {"exchange": "r", "weight": 5}]}},
        }
    )
    assert bound(exported) == [("r", "queue", "q", "7", {})]


def test_a_headers_binding_says_its_arguments() -> None:
    """Plain values, lists and mappings; one without headers takes everything."""
    headers = {"x-match": "any", "a": 5.0, "b": {"equals": [1, {"c": True}]}}
    exported = export(
        {
            "exchanges": {"h": exchange("headers")},
            "topics": {"q": {"from": [{"exchange": "h", "headers": headers}]}, "p": {"from": [{"exchange": "h"}]}},
        }
    )
    assert sorted(bound(exported), key=str) == [
        ("h", "queue", "p", "", {"x-match": "all"}),
        ("h", "queue", "q", "", {"x-match": "any", "a": 5.0, "b": [1, {"c": True}]}),
    ]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        pytest.param(None, "by hand", id="present"),
        pytest.param({"exists": True}, "by hand", id="exists"),
        pytest.param({"exists": False}, "equality only", id="absent"),
        pytest.param({"gt": 5}, "equality only", id="greater"),
        pytest.param({"equals": None}, "null cannot", id="null"),
        pytest.param({"equals": [{"a": None}]}, "null cannot", id="null inside"),
    ],
)
def test_what_headers_cannot_say_leaves_the_binding_out(test: Any, words: str) -> None:
    """An error: rather nothing than something else."""
    exported = export(
        {
            "exchanges": {"h": exchange("headers")},
            "topics": {"q": {"from": [{"exchange": "h", "headers": {"a": test}}]}},
        }
    )
    assert bound(exported) == []
    (finding,) = exported.findings
    assert (finding.kind, finding.name) == (Kind.HEADER_OPERATOR, "h → topic q")
    assert words in finding.message


@pytest.mark.parametrize(
    ("routes", "kind", "what", "name"),
    [
        pytest.param(
            {"exchanges": {"d": exchange("direct")}, "topics": {"q": {"from": [{"exchange": "d"}]}}},
            Kind.KEYLESS_BINDING,
            "binding",
            "d → topic q",
            id="every key of a direct exchange",
        ),
        pytest.param(
            {
                "exchanges": {"d": exchange("direct")},
                "topics": {"q": {"from": [{"exchange": "d", "binding-key": "k" * 256}]}},
            },
            Kind.NAME,
            "binding",
            f"d → topic q by '{'k' * 256}'",
            id="a long key",
        ),
        pytest.param(
            {"exchanges": {"é" * 128: exchange("direct")}}, Kind.NAME, "exchange", "é" * 128, id="a long name"
        ),
        pytest.param(
            {"exchanges": {"amq.topic": exchange("fanout")}},
            Kind.BUILT_IN_EXCHANGE,
            "exchange",
            "amq.topic",
            id="another amq.topic",
        ),
        pytest.param(
            {
                "exchanges": {"f": exchange("fanout", limit="first")},
                "topics": {"q": {"from": [{"exchange": "f"}]}},
            },
            Kind.FIRST_MATCH,
            "exchange",
            "f",
            id="the first match",
        ),
        pytest.param({"exchanges": {"f": {"type": "fanout"}}}, Kind.CC_KEYS, "exchange", "f", id="no CC"),
        pytest.param({"topics": {"q": {"retention": "7d"}}}, Kind.TOPIC_SETTING, "topic", "q", id="retention"),
        pytest.param({"topics": {"q": {"partitions": 3}}}, Kind.TOPIC_SETTING, "topic", "q", id="partitions"),
    ],
)
def test_what_rabbitmq_does_not_have_is_told(routes: Any, kind: Kind, what: str, name: str) -> None:
    """With the object's name."""
    exported = export(routes)
    assert told(exported) == [(kind, what, name)]
    assert bound(exported) == []


def test_sources_and_conditions_stay_behind() -> None:
    """Publishers choose an exchange themselves there, and bindings with a condition are left out."""
    exported = export(
        {
            "exchanges": {"orders": exchange("topic", sources=["order.status.v1"], routing_key="{country}")},
            "topics": {"vip.order.status.v1": {"from": [{"exchange": "orders", "where": "amount > 5"}]}},
        },
        schemas=catalogue(),
    )
    assert told(exported) == [
        ("condition", "binding", "orders → topic vip.order.status.v1"),
        ("source", "source", "order.status.v1"),
    ]
    assert [each["name"] for each in exported.definitions["queues"]] == ["vip.order.status.v1"]


def test_an_alternate_that_is_a_topic_gets_an_exchange_before_it() -> None:
    """Only an exchange can be an alternate in RabbitMQ; its name is one that nobody has."""
    exported = export(
        {
            "exchanges": {
                "a": exchange("fanout", alternate={"topic": "late"}),
                "a.alternate": exchange("fanout"),
            }
        }
    )
    assert told(exported) == [("alternate-topic", "exchange", "a")]
    assert bound(exported) == [("a.alternate-", "queue", "late", "", {})]
    assert [each["name"] for each in exported.definitions["queues"]] == ["late"]


def test_a_built_in_exchange_gets_its_alternate_by_a_policy() -> None:
    """It takes arguments from nobody; the way back reads the policy."""
    exported = export(
        {"exchanges": {"amq.topic": exchange("topic", alternate={"exchange": "b"}), "b": exchange("fanout")}}
    )
    assert [each["name"] for each in exported.definitions["exchanges"]] == ["b"]
    assert exported.definitions["policies"][0]["pattern"] == r"^amq\.topic$"
    again = import_definitions(json.dumps(exported.definitions))
    assert [(each.name, each.alternate) for each in again.declarations.exchanges] == [("amq.topic", "b"), ("b", None)]


def test_a_built_in_exchange_without_alternate_needs_no_policy() -> None:
    """It is there."""
    exported = export({"exchanges": {"amq.topic": exchange("topic")}})
    assert exported.definitions["policies"] == exported.definitions["exchanges"] == []


def test_order_stays_behind() -> None:
    """Its exchange is exported as any other, and it is told what consumers have to do without."""
    order = {"by": "order_id", "state": "status", "states": {"created": ["paid"], "paid": ["delivered"]}}
    with_order = exchange("topic", sources=["order.status.v1"], routing_key="{status}", order=order, key="order_id")
    topics = {"q.order.status.v1": {"from": [{"exchange": "orders", "binding-key": "paid"}]}}
    exported = export({"exchanges": {"orders": with_order}, "topics": topics}, schemas=catalogue())
    assert [each for each in told(exported) if each[0] == Kind.ORDER] == [("order", "exchange", "orders")]
    assert bound(exported) == [("orders", "queue", "q.order.status.v1", "paid", {})]
