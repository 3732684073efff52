"""Reading definitions files of both kinds."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.definitions import binding, definitions, exchange, policy, queue, text_of

from router.rabbitmq.definitions import (
    BindingDefinition,
    Definitions,
    ExchangeDefinition,
    NotDefinitions,
    PolicyDefinition,
    QueueDefinition,
    UnclearVhost,
    read_definitions,
)
from router.rabbitmq.findings import Kind


def read(**sections: Any) -> Definitions:
    found, findings = read_definitions(text_of(**sections))
    assert findings == ()
    return found


def without_vhosts(value: Any) -> Any:
    """As the export of one virtual host has it."""
    return {name: [{k: v for k, v in each.items() if k != "vhost"} for each in held] for name, held in value.items()}


SECTIONS = {
    "exchanges": [exchange("x", "topic", internal=True)],
    "queues": [queue("q", type="quorum")],
    "bindings": [binding("x", "q", "a.#", n=[1])],
    "policies": [policy("p", "^x", priority=2, apply_to="exchanges", alternate_exchange="y")],
}
READ = (
    (ExchangeDefinition("x", "topic", internal=True, durable=True, auto_delete=False, arguments={}),),
    (QueueDefinition("q", "quorum", durable=True, auto_delete=False, exclusive=False, arguments={}),),
    (BindingDefinition("x", "q", to_exchange=False, routing_key="a.#", arguments={"n": [1]}),),
    (PolicyDefinition("p", "^x", "exchanges", 2, {"alternate-exchange": "y"}),),
)


@pytest.mark.parametrize(
    ("file", "vhost"),
    [
        pytest.param(definitions(**SECTIONS), "/", id="whole"),
        pytest.param(
            {
                **SECTIONS,
                "exchanges": [
                    {"name": "x", "vhost": "/", "type": "topic", "durable": True, "arguments": [], "internal": True}
                ],
            },
            "/",
            id="without a list of virtual hosts",
        ),
        pytest.param(without_vhosts(SECTIONS), None, id="of one virtual host"),
    ],
)
def test_both_kinds_of_export_are_read(file: Any, vhost: str | None) -> None:
    """Whether or not objects name their virtual host, and whatever keys are left out."""
    found, findings = read_definitions(json.dumps(file))
    assert findings == ()
    assert found.vhost == vhost
    assert (found.exchanges, found.queues, found.bindings, found.policies) == READ


def test_what_is_left_out_has_the_usual_value() -> None:
    """A file written by hand may say the least."""
    found = read(
        exchanges=[{"name": "x", "type": "fanout"}],
        queues=[{"name": "q"}, {"name": "s", "arguments": {"x-queue-type": "stream"}}],
        bindings=[{"source": "x", "destination": "q"}],
        policies=[{"name": "p", "pattern": ""}],
    )
    assert found.exchanges[0].durable
    assert [each.type for each in found.queues] == ["classic", "stream"]
    assert found.bindings[0] == BindingDefinition("x", "q", to_exchange=False, routing_key="", arguments={})
    assert found.policies[0] == PolicyDefinition("p", "", "all", 0, {})
    assert found.version == "3.10.8"


@pytest.mark.parametrize(
    ("title", "to", "key"),
    [
        pytest.param("x → queue q by 'k'", "queue", "k", id="queue"),
        pytest.param("x → exchange q", "exchange", "", id="exchange"),
    ],
)
def test_a_binding_is_called_by_its_ends(title: str, to: str, key: str) -> None:
    """A finding says which binding it means."""
    assert read(bindings=[binding("x", "q", key, to=to)]).bindings[0].title == title


TWO = {"vhosts": [{"name": "/"}, {"name": "staging"}], "queues": [queue("a"), {**queue("b"), "vhost": "staging"}]}


def test_one_of_several_virtual_hosts_is_chosen() -> None:
    """Two of them may hold the same names with other meanings."""
    found, _ = read_definitions(json.dumps(TWO), vhost="staging")
    assert [each.name for each in found.queues] == ["b"]
    assert [each["name"] for each in found.others["vhosts"]] == ["staging"]


@pytest.mark.parametrize(
    ("file", "vhost", "problem"),
    [
        pytest.param(
            TWO, None, "the file has 2 virtual hosts, '/', 'staging': choose one with --vhost", id="none chosen"
        ),
        pytest.param(TWO, "s", "the file has no virtual host 's': there are '/', 'staging'", id="unknown"),
        pytest.param(
            {**TWO, "queues": []},
            None,
            "the file has 2 virtual hosts, '/', 'staging': choose one with --vhost",
            id="empty",
        ),
    ],
)
def test_a_choice_that_is_not_clear_is_refused(file: Any, vhost: str | None, problem: str) -> None:
    """The error lists them."""
    with pytest.raises(UnclearVhost) as refused:
        read_definitions(json.dumps(file), vhost=vhost)
    assert str(refused.value) == problem


def test_virtual_hosts_that_hold_nothing_need_no_choice() -> None:
    """The empty one that every broker has is no second meaning of a name."""
    found, _ = read_definitions(json.dumps({**TWO, "queues": TWO["queues"][1:]}))
    assert found.vhost == "staging"


def test_a_file_that_names_none_is_of_the_one_that_is_said() -> None:
    """An export of one virtual host does not name it, and somebody may."""
    assert read_definitions(json.dumps({"queues": []}), vhost="v")[0].vhost == "v"
    assert read_definitions(json.dumps({"queues": []}))[0].vhost is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "is not JSON", id="nothing"),
        pytest.param("[]", "no object", id="a list"),
        pytest.param("{}", "none of its keys is exchanges, queues", id="no section"),
        pytest.param('{"queues": NaN}', "NaN is no number of JSON", id="NaN"),
        pytest.param('{"queues": ' + "[" * 200_000, "nests too deep", id="deep"),
        pytest.param('{"queues": 1' + "0" * 5000 + "}", "is not JSON", id="a number without end"),
    ],
)
def test_what_is_no_definitions_file_is_refused(text: str, problem: str) -> None:
    """With the reason, and the command that writes one."""
    with pytest.raises(NotDefinitions, match=problem) as refused:
        read_definitions(text)
    assert str(refused.value).endswith("A definitions file is what `rabbitmqctl export_definitions FILE` writes")


@pytest.mark.parametrize(
    ("sections", "what", "name", "message"),
    [
        pytest.param({"queues": 5}, "section", "queues", "it is no list", id="section"),
        pytest.param({"queues": [5]}, "section", "queues", "item 1 is no object", id="item"),
        pytest.param({"queues": [{}]}, "queue", "?", "it has no 'name'", id="no name"),
        pytest.param({"queues": [{"name": ""}]}, "queue", "", "'name' is empty", id="empty name"),
        pytest.param({"queues": [{"name": "\ud800"}]}, "queue", "\\ud800", "'name' is no UTF-8", id="no UTF-8"),
        pytest.param(
            {"queues": [{**queue("q"), "durable": 1}]}, "queue", "q", "'durable' is neither true nor false", id="flag"
        ),
        pytest.param(
            {"exchanges": [exchange("x", arguments=["a"])]}, "exchange", "x", "'arguments' is no object", id="arguments"
        ),
        pytest.param(
            {"exchanges": [exchange("x", arguments={"a": "\udc00"})]},
            "exchange",
            "x",
            "an argument is no UTF-8",
            id="text",
        ),
        pytest.param(
            {"exchanges": [exchange("x", arguments={"a": [{"b": 1e999}]})]},
            "exchange",
            "x",
            "an argument is a number beyond all bounds",
            id="number",
        ),
        pytest.param({"exchanges": [{**exchange("x"), "type": 5}]}, "exchange", "x", "'type' is no text", id="type"),
        pytest.param(
            {"bindings": [binding("x", "q", to="topic")]},
            "binding",
            "x → q",
            "'destination_type' is queue or exchange, not 'topic'",
            id="destination",
        ),
        pytest.param(
            {"policies": [policy("p", "", priority=True)]},
            "policy",
            "p",
            "'priority' is no whole number",
            id="priority",
        ),
    ],
)
def test_what_is_malformed_is_left_out_and_told(sections: Any, what: str, name: str, message: str) -> None:
    """The rest of the file counts."""
    text = json.dumps(definitions(**sections)).replace("Infinity", "1e999")
    _, (finding,) = read_definitions(text)
    assert (finding.kind, finding.what, finding.name) == (Kind.MALFORMED, what, name)
    assert finding.message == f"is left out: {message}"


def test_endless_nesting_of_arguments_is_malformed() -> None:
    """What no client sends need not be followed to its end."""
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    _, (finding,) = read_definitions(text_of(exchanges=[exchange("x", arguments={"a": deep})]))
    assert "more than 40 levels" in finding.message


def test_of_two_objects_with_one_name_the_first_counts() -> None:
    """RabbitMQ's import keeps what is there."""
    assert [each.type for each in read(exchanges=[exchange("x", "topic"), exchange("x", "fanout")]).exchanges] == [
        "topic"
    ]


def test_other_sections_are_kept_for_findings() -> None:
    """Those of this virtual host, of all, and those that nobody knows."""
    found = read(
        users=[{"name": "guest"}],
        permissions=[{"user": "guest", "vhost": "/"}, {"user": "guest", "vhost": "other"}],
        parameters=[],
        novelty={"a": 1},
        slogan="hop",
        product_name="RabbitMQ",
    )
    assert found.others == {
        "vhosts": ({"name": "/"},),
        "users": ({"name": "guest"},),
        "permissions": ({"user": "guest", "vhost": "/"},),
        "novelty": ({"a": 1},),
        "slogan": ({"name": "hop"},),
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["name", "vhost", "type", "arguments", "source", "destination", "routing_key", "pattern", "priority"]
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["exchanges", "queues", "bindings", "policies", "users", "vhosts", "parameters", "x"]),
        _JSON | st.lists(st.dictionaries(_KEYS, _JSON)),
        max_size=4,
    )
)
def test_no_json_is_more_than_it_can_take(file: Any) -> None:
    """Whatever the file holds, it is read, or refused with a reason."""
    with suppress(NotDefinitions, UnclearVhost):
        found, _ = read_definitions(json.dumps(file), vhost=None)
        assert all(each.name for each in found.queues)
