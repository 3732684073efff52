"""What an import or export cannot carry over, or carries over otherwise than it looks: one finding an object. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from router.language.findings import Level

__all__ = ["LEVELS", "Finding", "Kind", "Level", "found"]

_LONGEST = 600
"""Characters of a message; the rest of a longer one is names that are longer than any name may be."""


class Kind(StrEnum):
    """Stable names of what can be found; docs/rabbitmq.md says what each means."""

    MALFORMED = "malformed"
    UNSUPPORTED_EXCHANGE = "unsupported-exchange"
    INVALID_BINDING = "invalid-binding"
    INVALID_PATTERN = "invalid-pattern"
    TOO_LARGE = "too-large"

    PLUGIN_EXCHANGE = "plugin-exchange"
    MISSING_EXCHANGE = "missing-exchange"
    MISSING_QUEUE = "missing-queue"
    MISSING_ALTERNATE = "missing-alternate"
    RENAMED = "renamed"
    AMBIGUOUS_VOID = "ambiguous-void"
    NULL_ARGUMENT = "null-argument"
    NOTHING_TO_MATCH = "nothing-to-match"
    REPEATED_RING_BINDING = "repeated-ring-binding"
    SCALED_WEIGHT = "scaled-weight"
    OTHER_RING = "other-ring"
    HASH_PROPERTY = "hash-property"
    LIFETIME = "lifetime"
    STREAM = "stream"
    DEAD_LETTERING = "dead-lettering"
    QUEUE_ARGUMENT = "queue-argument"
    EXCHANGE_ARGUMENT = "exchange-argument"
    BINDING_ARGUMENT = "binding-argument"
    POLICY = "policy"
    POLICY_TIE = "policy-tie"
    USER = "user"
    PERMISSION = "permission"
    PARAMETER = "parameter"
    VHOST_SETTING = "vhost-setting"
    UNKNOWN_SECTION = "unknown-section"

    CONDITION = "condition"
    HEADER_OPERATOR = "header-operator"
    FIRST_MATCH = "first-match"
    KEYLESS_BINDING = "keyless-binding"
    ALTERNATE_TOPIC = "alternate-topic"
    BUILT_IN_EXCHANGE = "built-in-exchange"
    SOURCE = "source"
    CC_KEYS = "cc-keys"
    ORDER = "order"
    TOPIC_SETTING = "topic-setting"
    NAME = "name"


_ERRORS = frozenset(
    {
        *(Kind.MALFORMED, Kind.UNSUPPORTED_EXCHANGE, Kind.INVALID_BINDING, Kind.INVALID_PATTERN, Kind.TOO_LARGE),
        *(Kind.CONDITION, Kind.HEADER_OPERATOR, Kind.FIRST_MATCH, Kind.KEYLESS_BINDING, Kind.BUILT_IN_EXCHANGE),
        Kind.NAME,
    }
)
LEVELS: Mapping[Kind, Level] = {kind: Level.ERROR if kind in _ERRORS else Level.WARNING for kind in Kind}
"""An error: something could not be taken over at all, so that records go elsewhere. A warning: records go the same ways."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not carried over as it stands."""

    level: Level
    kind: Kind
    what: str
    """The kind of object: queue, exchange, binding, policy, user …"""
    name: str
    """Which one; a binding by where it comes from and leads to."""
    message: str
    suggestion: str = ""
    """A way out; empty where there is none."""

    def __str__(self) -> str:
        hint = f": {self.suggestion}" if self.suggestion else ""
        return f"{self.what} '{self.name}' {self.kind} {self.message}{hint}"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "level": str(self.level),
            "kind": str(self.kind),
            "object": self.what,
            "name": self.name,
            "message": self.message,
            "suggestion": self.suggestion,
        }


def found(kind: Kind, *, what: str, name: str, message: str, suggestion: str = "") -> Finding:
    """A finding at the level that its kind has."""
    return Finding(LEVELS[kind], kind, what, _line(name), _line(message), _line(suggestion))


def _line(text: str) -> str:
    """One printable line, whatever names a file has come up with: findings go to terminals and logs."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in short)
