"""What definitions say beside routing, and what a reader of the findings can do about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from router.rabbitmq.definitions import Definitions, PolicyDefinition, QueueDefinition
from router.rabbitmq.exchanges import ALTERNATE
from router.rabbitmq.findings import Finding, Kind, found
from router.rabbitmq.policies import Policies

__all__ = ["other_losses", "policy_losses", "queue_losses"]

_MOST_NAMES = 5
_DEAD_LETTERS = "what becomes of a rejected record is for `failure:` on the topic, which this version does not have yet"
_QUEUE_ARGUMENTS: Mapping[str, tuple[Kind, str]] = {
    "message-ttl": (Kind.QUEUE_ARGUMENT, "`retention:` on the topic deletes records after a time, whether read or not"),
    "expires": (Kind.QUEUE_ARGUMENT, "an unused topic stays until somebody deletes it"),
    "max-length": (Kind.QUEUE_ARGUMENT, "a topic is bounded by `retention:`, not by a number of records"),
    "max-length-bytes": (
        Kind.QUEUE_ARGUMENT,
        "a topic is bounded by `retention:`; Kafka's retention.bytes is set there",
    ),
    "overflow": (Kind.QUEUE_ARGUMENT, "a topic takes everything, and `retention:` bounds it"),
    "max-priority": (
        Kind.QUEUE_ARGUMENT,
        "a topic keeps the order of its records: bind a topic of its own for what is urgent",
    ),
    "single-active-consumer": (Kind.QUEUE_ARGUMENT, "one consumer a partition is what Kafka's groups give"),
    "delivery-limit": (Kind.DEAD_LETTERING, _DEAD_LETTERS),
    "dead-letter-exchange": (Kind.DEAD_LETTERING, _DEAD_LETTERS),
    "dead-letter-routing-key": (Kind.DEAD_LETTERING, _DEAD_LETTERS),
    "dead-letter-strategy": (Kind.DEAD_LETTERING, _DEAD_LETTERS),
    "max-age": (Kind.STREAM, "say it as `retention:` on the topic"),
    "stream-max-segment-size-bytes": (Kind.STREAM, "Kafka's segment.bytes is set on the topic"),
    "alternate-exchange": (Kind.QUEUE_ARGUMENT, "it means nothing on a queue"),
}
"""By the name that arguments (with `x-`) and policies (without) share."""
_REPLICATION = "where replicas are is Kafka's to decide"
_PLACING = frozenset(
    {
        *("queue-mode", "queue-version", "queue-master-locator", "queue-leader-locator", "initial-cluster-size"),
        *("quorum-initial-group-size", "quorum-target-group-size", "max-in-memory-length", "max-in-memory-bytes"),
        *(
            "ha-mode",
            "ha-params",
            "ha-sync-mode",
            "ha-sync-batch-size",
            "ha-promote-on-failure",
            "ha-promote-on-shutdown",
        ),
    }
)


def queue_losses(queue: QueueDefinition) -> Iterator[Finding]:
    """Of a queue: its arguments, how long it lives, and that it is a stream."""
    for argument in sorted(queue.arguments):
        if argument == "x-queue-type":
            continue
        kind, hint = _loss_of(argument.removeprefix("x-"))
        message = f"has {argument}: {_shown(queue.arguments[argument])}, which is not carried over"
        yield found(kind, what="queue", name=queue.name, message=message, suggestion=hint)
    if queue.type == "stream":
        message = "is a stream: it becomes a topic; its records and its consumers' offsets stay behind"
        yield found(Kind.STREAM, what="queue", name=queue.name, message=message)
    elif queue.type not in {"classic", "quorum"}:
        message = f"is of type {queue.type}: it becomes a topic like any other"
        yield found(Kind.QUEUE_ARGUMENT, what="queue", name=queue.name, message=message)
    for holds, message in (
        (queue.auto_delete, "is deleted with its last consumer (auto-delete): the topic stays"),
        (queue.exclusive, "belongs to one connection (exclusive): anybody can read the topic"),
        (not queue.durable, "is not durable: the topic outlasts every restart"),
    ):
        if holds:
            yield found(Kind.LIFETIME, what="queue", name=queue.name, message=message)


def _loss_of(setting: str) -> tuple[Kind, str]:
    if setting in _PLACING:
        return Kind.QUEUE_ARGUMENT, _REPLICATION
    return _QUEUE_ARGUMENTS.get(setting, (Kind.QUEUE_ARGUMENT, ""))


def policy_losses(definitions: Definitions, policies: Policies) -> Iterator[Finding]:
    """Of policies: all that they say but alternates, and patterns that cannot be read."""
    for policy in definitions.policies:
        if policy.name in policies.faults:
            message = f"has a pattern that cannot be read, and is left out: '{policy.pattern}': {policies.faults[policy.name]}"
            hint = "write the pattern in another way"
            yield found(Kind.INVALID_PATTERN, what="policy", name=policy.name, message=message, suggestion=hint)
            continue
        lost = sorted(policy.definition.keys() - {ALTERNATE})
        if not lost:
            continue
        touched = _touched(policy, definitions, policies)
        for setting in lost:
            kind, hint = _loss_of(setting)
            kind = Kind.DEAD_LETTERING if kind is Kind.DEAD_LETTERING else Kind.POLICY
            value = _shown(policy.definition[setting])
            message = f"gives {touched} {setting}: {value}, which is not carried over"
            yield found(kind, what="policy", name=policy.name, message=message, suggestion=hint)


def _touched(policy: PolicyDefinition, definitions: Definitions, policies: Policies) -> str:
    """In words, the queues that the policy counts for."""
    names = [
        f"'{each.name}'"
        for each in definitions.queues
        if policies.for_queue(each.name, type_=each.type).policy is policy
    ]
    if not names:
        return "no queue of the file"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"queue{'' if len(names) == 1 else 's'} {', '.join(names[:_MOST_NAMES])}{more}"


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _user(item: Mapping[str, Any]) -> Finding:
    hint = "Kafka's own users and access lists say who may read a topic"
    return found(Kind.USER, what="user", name=_named(item), message="is not carried over", suggestion=hint)


def _permission(item: Mapping[str, Any]) -> Finding:
    name = str(item.get("user", "?"))
    where = f"exchange '{item['exchange']}'" if item.get("exchange") else "this virtual host"
    message = f"has permissions on {where}, which are not carried over"
    hint = "write access lists for Kafka's topics"
    return found(Kind.PERMISSION, what="user", name=name, message=message, suggestion=hint)


_COMPONENTS = {
    "shovel": "moves messages between brokers: a binding, or a mirror of Kafka's, does that",
    "federation-upstream": "brings another broker's messages: let its publishers write to Kafka",
    "federation-upstream-set": "brings other brokers' messages: let their publishers write to Kafka",
    "operator_policy": "is an operator's policy",
    "vhost-limits": "limits the virtual host",
}


def _parameter(item: Mapping[str, Any]) -> Finding:
    component = str(item.get("component", ""))
    about = _COMPONENTS.get(component, f"is a parameter of {component}" if component else "is a parameter")
    return found(
        Kind.PARAMETER, what=component or "parameter", name=_named(item), message=f"{about}; it is not carried over"
    )


def _global_parameter(item: Mapping[str, Any]) -> Finding:
    message = "is a parameter of the whole cluster; it is not carried over"
    return found(Kind.PARAMETER, what="global parameter", name=_named(item), message=message)


def _named(item: Mapping[str, Any]) -> str:
    return str(item.get("name", "?"))


_SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], Finding]] = {
    "users": _user,
    "permissions": _permission,
    "topic_permissions": _permission,
    "parameters": _parameter,
    "global_parameters": _global_parameter,
}


def other_losses(definitions: Definitions) -> Iterator[Finding]:
    """Of all sections that have nothing to do with routing, one finding an object."""
    for section, items in sorted(definitions.others.items()):
        if section == "vhosts":
            yield from _vhosts(items)
        elif section in _SECTIONS:
            yield from map(_SECTIONS[section], items)
        else:
            message = f"is not known: {len(items)} of its objects are not carried over"
            yield found(Kind.UNKNOWN_SECTION, what="section", name=section, message=message)


def _vhosts(items: tuple[Mapping[str, Any], ...]) -> Iterator[Finding]:
    for item in items:
        if item.get("limits"):
            message = f"has limits ({_shown(item['limits'])}), which are not carried over"
            yield found(Kind.VHOST_SETTING, what="virtual host", name=_named(item), message=message)
