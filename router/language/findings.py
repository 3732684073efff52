"""What `check` finds in route files: a place, a kind that programs match on, and words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from router.errors import ConfigError
from router.exchange.model import Place

__all__ = ["Finding", "InvalidRoutes", "Kind", "Level"]


class Level(StrEnum):
    """An error keeps the whole set from taking effect; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """Stable names of what can be found; `kinds.DESCRIPTIONS` says what each means, and docs/findings.md is made from it."""

    YAML_SYNTAX = "yaml-syntax"
    YAML_TRAP = "yaml-trap"
    NOT_UTF_8 = "not-utf-8"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    DUPLICATE_KEY = "duplicate-key"
    EMPTY_FILE = "empty-file"

    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    WRONG_VALUE = "wrong-value"
    INVALID_DURATION = "invalid-duration"
    NOT_YET_SUPPORTED = "not-yet-supported"

    DUPLICATE_TEAM = "duplicate-team"
    DUPLICATE_EXCHANGE = "duplicate-exchange"
    DUPLICATE_TOPIC = "duplicate-topic"
    DUPLICATE_BINDING = "duplicate-binding"
    UNKNOWN_EXCHANGE = "unknown-exchange"
    UNUSED_EXCHANGE = "unused-exchange"
    UNREACHABLE_EXCHANGE = "unreachable-exchange"
    ALTERNATE_LOOP = "alternate-loop"
    EXCHANGE_CYCLE = "exchange-cycle"
    FOREIGN_BINDING = "foreign-binding"

    MALFORMED_ROUTING_KEY = "malformed-routing-key"
    INVALID_SCHEMA = "invalid-schema"
    NO_SCHEMA = "no-schema"
    UNKNOWN_FIELD = "unknown-field"
    FIELD_NOT_SCALAR = "field-not-scalar"
    IGNORED_KEY = "ignored-key"
    LITERAL_WILDCARD = "literal-wildcard"
    MISPLACED_HEADERS = "misplaced-headers"
    INVALID_PATTERN = "invalid-pattern"
    INVALID_WHERE = "invalid-where"
    CONSTANT_WHERE = "constant-where"
    UNKNOWN_SYMBOL = "unknown-symbol"
    NULL_IN_SAMPLE = "null-in-sample"
    NEVER_MATCHES = "never-matches"
    COVERED_BINDING = "covered-binding"

    NEEDS_REPARTITION = "needs-repartition"
    MISPLACED_ORDER = "misplaced-order"
    ORDER_FIELD = "order-field"
    DEAD_STATE = "dead-state"

    INVALID_TOPIC_NAME = "invalid-topic-name"
    UNKNOWN_SUBJECT = "unknown-subject"
    NO_SUBJECT = "no-subject"
    OTHER_SUBJECT = "other-subject"
    NO_CONVERSION = "no-conversion"
    MIXED_SOURCE = "mixed-source"
    FORMAT_MISMATCH = "format-mismatch"
    RESERVED_TOPIC = "reserved-topic"
    FED_SOURCE = "fed-source"
    TOPIC_CYCLE = "topic-cycle"
    UNEQUAL_PARTITIONS = "unequal-partitions"

    UNKNOWN_SOURCE = "unknown-source"
    INVALID_VALUE = "invalid-value"
    UNKNOWN_DESTINATION = "unknown-destination"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing wrong, or doubtful, at one place."""

    place: Place
    level: Level
    kind: Kind
    message: str
    suggestion: str = ""
    """A way out that can be pasted or followed; empty where we have none."""

    def __str__(self) -> str:
        hint = f": {self.suggestion}" if self.suggestion else ""
        return f"{self.place} {self.kind} {self.message}{hint}"


class InvalidRoutes(ConfigError):
    """The set has errors and is refused whole; `findings` has all of them, warnings too, in order of place."""

    reason = "invalid-routes"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__(self.findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)
