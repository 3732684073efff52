"""Definitions files as RabbitMQ writes them: what they say of one virtual host, and what the rest of them holds. Pure.

Both kinds are read: `rabbitmqctl export_definitions` (no internal exchanges, a `type` with each queue) and the management
plugin's, whole or of one virtual host, whose objects then do not name it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from router.errors import ConfigError
from router.rabbitmq.findings import Finding, Kind, found

__all__ = [
    "BindingDefinition",
    "Definitions",
    "ExchangeDefinition",
    "NotDefinitions",
    "PolicyDefinition",
    "QueueDefinition",
    "UnclearVhost",
    "read_definitions",
]


class NotDefinitions(ConfigError):
    """The file is no definitions file at all."""

    reason = "not-definitions"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem}. A definitions file is what `rabbitmqctl export_definitions FILE` writes"


class UnclearVhost(ConfigError):
    """The file has several virtual hosts and none was chosen, or one was chosen that it does not have."""

    reason = "unclear-vhost"

    def __init__(self, *, chosen: str | None, known: tuple[str, ...]) -> None:
        super().__init__(chosen, known)
        self.chosen = chosen
        self.known = known

    def __str__(self) -> str:
        there_are = ", ".join(f"'{name}'" for name in self.known)
        if self.chosen is None:
            return f"the file has {len(self.known)} virtual hosts, {there_are}: choose one with --vhost"
        return f"the file has no virtual host '{self.chosen}': there are {there_are}"


@dataclass(frozen=True, slots=True)
class ExchangeDefinition:
    """An exchange."""

    name: str
    type: str
    internal: bool
    durable: bool
    auto_delete: bool
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """A queue."""

    name: str
    type: str
    """classic, quorum, stream or whatever else is said; classic where nothing is."""
    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BindingDefinition:
    """A binding; of an exchange to a queue or to another exchange."""

    source: str
    destination: str
    to_exchange: bool
    routing_key: str
    arguments: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What findings call it."""
        kind = "exchange" if self.to_exchange else "queue"
        key = f" by '{self.routing_key}'" if self.routing_key else ""
        return f"{self.source} → {kind} {self.destination}{key}"


@dataclass(frozen=True, slots=True)
class PolicyDefinition:
    """A policy: what it says for all objects whose name its pattern is found in."""

    name: str
    pattern: str
    apply_to: str
    priority: int
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a file says of one virtual host."""

    version: str
    """Of the RabbitMQ that wrote it; empty where it does not say."""
    vhost: str | None
    """None where the file does not name it."""
    exchanges: tuple[ExchangeDefinition, ...]
    queues: tuple[QueueDefinition, ...]
    bindings: tuple[BindingDefinition, ...]
    policies: tuple[PolicyDefinition, ...]
    others: Mapping[str, tuple[Mapping[str, Any], ...]]
    """All other sections that hold something, by name: users, permissions, parameters …"""


_Definition = TypeVar("_Definition")
_Named = TypeVar("_Named", ExchangeDefinition, QueueDefinition, PolicyDefinition)

_CARRIED = ("exchanges", "queues", "bindings", "policies")
_LISTS = frozenset(
    {*_CARRIED, "users", "vhosts", "permissions", "topic_permissions", "parameters", "global_parameters"}
)
_META = frozenset(
    {
        *("rabbit_version", "rabbitmq_version", "product_name", "product_version", "rabbitmq_definition_format"),
        *("original_cluster_name", "original_vhost_name", "explanation", "metadata", "vhost", "description"),
        *("default_queue_type", "tags", "name"),
    }
)
"""Keys at the top that say where the file comes from, and define nothing."""
_DEEPEST = 40
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_definitions(text: str, *, vhost: str | None = None) -> tuple[Definitions, tuple[Finding, ...]]:
    """The definitions of one virtual host, and what of them is malformed and so left out.

    `vhost` may be None where only one virtual host of the file holds anything; a file whose objects name none is taken
    as it is. Raises NotDefinitions and UnclearVhost.
    """
    root = _parsed(text)
    sections = {name: value for name, value in root.items() if name not in _META}
    if not sections.keys() & {*_CARRIED, "users", "vhosts", "parameters"}:
        raise NotDefinitions(f"none of its keys is {', '.join(_CARRIED)}")
    reader = _Reader()
    objects = {name: tuple(reader.objects(name, value)) for name, value in sections.items()}
    chosen = _choose(objects, vhost)

    def here(section: str) -> Iterator[Mapping[str, Any]]:
        return (each for each in objects.get(section, ()) if each.get("vhost", chosen) == chosen)

    others = {
        name: tuple(each for each in held if name == "vhosts" or each.get("vhost", chosen) == chosen)
        for name, held in objects.items()
        if name not in _CARRIED
    }
    others["vhosts"] = tuple(each for each in others.get("vhosts", ()) if each.get("name", chosen) == chosen)
    definitions = Definitions(
        version=str(root.get("rabbitmq_version") or root.get("rabbit_version") or ""),
        vhost=chosen,
        exchanges=_once(reader.read(here("exchanges"), _exchange, what="exchange")),
        queues=_once(reader.read(here("queues"), _queue, what="queue")),
        bindings=tuple(reader.read(here("bindings"), _binding, what="binding")),
        policies=_once(reader.read(here("policies"), _policy, what="policy")),
        others={name: held for name, held in others.items() if held},
    )
    return definitions, tuple(reader.findings)


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        root = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_constant)
    except RecursionError as error:
        raise NotDefinitions("the file nests too deep") from error
    except ValueError as error:
        raise NotDefinitions(f"the file is not JSON: {error}") from error
    if not isinstance(root, dict):
        raise NotDefinitions("the file is JSON, but no object")
    return root


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _choose(objects: Mapping[str, tuple[Mapping[str, Any], ...]], wanted: str | None) -> str | None:
    held = {str(each["vhost"]) for name in _CARRIED for each in objects.get(name, ()) if "vhost" in each}
    listed = {str(each["name"]) for each in objects.get("vhosts", ()) if "name" in each}
    known = tuple(sorted(held | listed))
    if wanted is not None:
        if known and wanted not in known:
            raise UnclearVhost(chosen=wanted, known=known)
        return wanted
    filled = tuple(sorted(held)) or known
    if len(filled) > 1:
        raise UnclearVhost(chosen=None, known=filled)
    return filled[0] if filled else None


def _once(objects: Iterator[_Named]) -> tuple[_Named, ...]:
    """Of several objects with one name the first: RabbitMQ's import keeps what is there."""
    named: dict[str, _Named] = {}
    for each in objects:
        named.setdefault(each.name, each)
    return tuple(named.values())


class _Wrong(Exception):
    """An object says something that it cannot."""


class _Reader:
    """Objects to values; what is malformed is gathered and left out."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def objects(self, section: str, value: object) -> Iterator[Mapping[str, Any]]:
        """The objects of a section, as they are."""
        if isinstance(value, dict):
            value = [value] if value else []
        elif isinstance(value, str | int | float) and section not in _LISTS:
            value = [{"name": str(value)}]
        if not isinstance(value, list):
            self._malformed("section", section, "it is no list")
            return
        for number, each in enumerate(value):
            if isinstance(each, dict):
                yield each
            else:
                self._malformed("section", section, f"item {number + 1} is no object")

    def read(
        self, items: Iterable[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], _Definition], *, what: str
    ) -> Iterator[_Definition]:
        """The values of those that can be read."""
        for item in items:
            try:
                yield make(item)
            except _Wrong as wrong:
                ends = f"{item.get('source', '?')} → {item.get('destination', '?')}"
                self._malformed(what, ends if what == "binding" else str(item.get("name", "?")), str(wrong))

    def _malformed(self, what: str, name: str, message: str) -> None:
        self.findings.append(found(Kind.MALFORMED, what=what, name=name, message=f"is left out: {message}"))


def _exchange(item: Mapping[str, Any]) -> ExchangeDefinition:
    return ExchangeDefinition(
        name=_name(item, "name"),
        type=_text(item, "type"),
        internal=_flag(item, "internal"),
        durable=_flag(item, "durable", default=True),
        auto_delete=_flag(item, "auto_delete"),
        arguments=_arguments(item),
    )


def _queue(item: Mapping[str, Any]) -> QueueDefinition:
    arguments = _arguments(item)
    stated = arguments.get("x-queue-type") or item.get("type") or "classic"
    return QueueDefinition(
        name=_name(item, "name"),
        type=str(stated),
        durable=_flag(item, "durable", default=True),
        auto_delete=_flag(item, "auto_delete"),
        exclusive=_flag(item, "exclusive"),
        arguments=arguments,
    )


def _binding(item: Mapping[str, Any]) -> BindingDefinition:
    kind = _text(item, "destination_type", default="queue")
    if kind not in {"queue", "exchange"}:
        raise _Wrong(f"'destination_type' is queue or exchange, not '{kind}'")
    return BindingDefinition(
        source=_text(item, "source"),
        destination=_name(item, "destination"),
        to_exchange=kind == "exchange",
        routing_key=_text(item, "routing_key", default=""),
        arguments=_arguments(item),
    )


def _policy(item: Mapping[str, Any]) -> PolicyDefinition:
    priority = item.get("priority", 0)
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise _Wrong("'priority' is no whole number")
    return PolicyDefinition(
        name=_name(item, "name"),
        pattern=_text(item, "pattern"),
        apply_to=_text(item, "apply-to", default="all"),
        priority=priority,
        definition=_arguments(item, "definition"),
    )


def _text(item: Mapping[str, Any], key: str, *, default: str | None = None) -> str:
    value = item.get(key, default)
    if not isinstance(value, str):
        raise _Wrong(f"it has no '{key}'" if value is None else f"'{key}' is no text")
    if _SURROGATE.search(value):
        raise _Wrong(f"'{key}' is no UTF-8")
    return value


def _name(item: Mapping[str, Any], key: str) -> str:
    value = _text(item, key)
    if not value:
        raise _Wrong(f"'{key}' is empty")
    return value


def _flag(item: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    value = item.get(key, default)
    if not isinstance(value, bool):
        raise _Wrong(f"'{key}' is neither true nor false")
    return value


def _arguments(item: Mapping[str, Any], key: str = "arguments") -> Mapping[str, Any]:
    value = item.get(key)
    if value is None or value == []:  # an empty table, as older versions wrote it
        return {}
    if not isinstance(value, dict):
        raise _Wrong(f"'{key}' is no object")
    _check(value, depth=0)
    return value


def _check(value: object, *, depth: int) -> None:
    """What a header's value can be: no text that is no UTF-8, no number beyond all bounds, no endless nesting."""
    if depth > _DEEPEST:
        raise _Wrong(f"its arguments nest more than {_DEEPEST} levels deep")
    match value:
        case str() if _SURROGATE.search(value):
            raise _Wrong("an argument is no UTF-8")
        case float() if value in {float("inf"), float("-inf")}:
            raise _Wrong("an argument is a number beyond all bounds")
        case list():
            for each in value:
                _check(each, depth=depth + 1)
        case dict():
            for name, each in value.items():
                _check(name, depth=depth + 1)
                _check(each, depth=depth + 1)
