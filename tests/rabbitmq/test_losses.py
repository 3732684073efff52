"""What definitions say beside routing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.definitions import definitions, policy, queue

from router.rabbitmq.definitions import QueueDefinition, read_definitions
from router.rabbitmq.findings import Finding, Kind
from router.rabbitmq.losses import other_losses, policy_losses, queue_losses
from router.rabbitmq.policies import Policies


def losses(**more: Any) -> list[Finding]:
    read, _ = read_definitions(json.dumps(definitions(queues=[queue("q", **more)])))
    (definition,) = read.queues
    assert isinstance(definition, QueueDefinition)
    return list(queue_losses(definition))


@pytest.mark.parametrize(
    ("arguments", "kind", "hint"),
    [
        pytest.param({"x-message-ttl": 60000}, Kind.QUEUE_ARGUMENT, "retention", id="time to live"),
        pytest.param({"x-max-length": 5}, Kind.QUEUE_ARGUMENT, "retention", id="length"),
        pytest.param({"x-max-priority": 5}, Kind.QUEUE_ARGUMENT, "urgent", id="priority"),
        pytest.param({"x-dead-letter-exchange": "dead"}, Kind.DEAD_LETTERING, "`failure:`", id="dead letters"),
        pytest.param({"x-delivery-limit": 5}, Kind.DEAD_LETTERING, "`failure:`", id="delivery limit"),
        pytest.param({"x-queue-mode": "lazy"}, Kind.QUEUE_ARGUMENT, "Kafka's to decide", id="placing"),
        pytest.param({"x-novelty": 5}, Kind.QUEUE_ARGUMENT, "", id="unknown"),
    ],
)
def test_each_argument_of_a_queue_is_told(arguments: dict[str, Any], kind: Kind, hint: str) -> None:
    """With its value, and what there is instead."""
    (finding,) = losses(arguments=arguments)
    ((argument, value),) = arguments.items()
    assert finding.kind is kind
    assert finding.message in {
        f"has {argument}: {value}, which is not carried over",
        f"has {argument}: '{value}', which is not carried over",
    }
    assert hint in finding.suggestion


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        pytest.param({}, [], id="plain"),
        pytest.param({"type": "quorum", "arguments": {"x-queue-type": "quorum"}}, [], id="quorum"),
        pytest.param({"type": "stream"}, [Kind.STREAM], id="stream"),
        pytest.param({"type": "rabbit_mqtt_qos0_queue"}, [Kind.QUEUE_ARGUMENT], id="another type"),
        pytest.param({"auto_delete": True}, [Kind.LIFETIME], id="auto-delete"),
        pytest.param({"exclusive": True}, [Kind.LIFETIME], id="exclusive"),
        pytest.param({"durable": False}, [Kind.LIFETIME], id="transient"),
    ],
)
def test_how_long_a_queue_lives_is_told(more: dict[str, Any], kinds: list[Kind]) -> None:
    """A topic stays, whoever reads it; what a quorum queue promises a topic does anyway."""
    assert [each.kind for each in losses(**more)] == kinds


def policies_told(*policies: dict[str, Any], queues: int = 0) -> list[Finding]:
    file = definitions(policies=list(policies), queues=[queue(f"q{number}") for number in range(queues)])
    read, _ = read_definitions(json.dumps(file))
    return list(policy_losses(read, Policies(read.policies)))


def test_what_a_policy_says_beside_alternates_is_told() -> None:
    """Each setting by itself, with the queues that it counts for."""
    found = policies_told(policy("a", "^q", alternate_exchange="x", message_ttl=5, dead_letter_exchange="d"), queues=1)
    assert [(each.name, each.kind, each.message) for each in found] == [
        ("a", Kind.DEAD_LETTERING, "gives queue 'q0' dead-letter-exchange: 'd', which is not carried over"),
        ("a", Kind.POLICY, "gives queue 'q0' message-ttl: 5, which is not carried over"),
    ]


@pytest.mark.parametrize(
    ("queues", "words"),
    [
        pytest.param(0, "gives no queue of the file", id="none"),
        pytest.param(2, "gives queues 'q0', 'q1' ", id="two"),
        pytest.param(7, "gives queues 'q0', 'q1', 'q2', 'q3', 'q4' and 2 more ", id="many"),
    ],
)
def test_a_policys_queues_are_named_up_to_a_few(queues: int, words: str) -> None:
    """Those for which another policy counts are not among them."""
    (finding,) = policies_told(policy("a", "", expires=5), policy("b", "", priority=-1), queues=queues)
    assert words in finding.message


def test_a_pattern_that_cannot_be_read_is_told() -> None:
    """With the pattern."""
    (finding,) = policies_told(policy("a", "(", alternate_exchange="x"))
    assert finding.kind is Kind.INVALID_PATTERN
    assert "'('" in finding.message


def test_every_other_object_is_told() -> None:
    """Users, permissions, parameters, limits and sections that nobody knows."""
    file = definitions(
        users=[{"name": "guest"}],
        permissions=[{"user": "guest", "vhost": "/"}],
        topic_permissions=[{"user": "guest", "vhost": "/", "exchange": "amq.topic"}],
        parameters=[
            {"component": "shovel", "name": "s", "vhost": "/"},
            {"component": "hens", "name": "h", "vhost": "/"},
            {"name": "n"},
        ],
        global_parameters=[{"name": "cluster_name"}],
        vhosts=[{"name": "/", "limits": {"max-queues": 5}}],
        novelty=[{}, {}],
    )
    found = other_losses(read_definitions(json.dumps(file))[0])
    assert [(each.kind, each.what, each.name, each.message) for each in found] == [
        (
            Kind.PARAMETER,
            "global parameter",
            "cluster_name",
            "is a parameter of the whole cluster; it is not carried over",
        ),
        (Kind.UNKNOWN_SECTION, "section", "novelty", "is not known: 2 of its objects are not carried over"),
        (
            Kind.PARAMETER,
            "shovel",
            "s",
            "moves messages between brokers: a binding, or a mirror of Kafka's, does that; it is not carried over",
        ),
        (Kind.PARAMETER, "hens", "h", "is a parameter of hens; it is not carried over"),
        (Kind.PARAMETER, "parameter", "n", "is a parameter; it is not carried over"),
        (Kind.PERMISSION, "user", "guest", "has permissions on this virtual host, which are not carried over"),
        (Kind.PERMISSION, "user", "guest", "has permissions on exchange 'amq.topic', which are not carried over"),
        (Kind.USER, "user", "guest", "is not carried over"),
        (Kind.VHOST_SETTING, "virtual host", "/", "has limits ({'max-queues': 5}), which are not carried over"),
    ]


def test_a_virtual_host_without_limits_is_nothing_to_tell() -> None:
    """Every file lists them."""
    assert list(other_losses(read_definitions(json.dumps(definitions()))[0])) == []
