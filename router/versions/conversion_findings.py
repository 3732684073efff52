"""What can be wrong with the catalogue's versions: places, kinds that programs match on, and words for people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.exchange.model import Place
from router.language.findings import Finding, Level

__all__ = ["VersionFinding", "VersionKind", "of_language"]


class VersionKind(StrEnum):
    """docs/versions.md says what each means."""

    INVALID_SCHEMA = "invalid-schema"
    INVALID_SUBJECT = "invalid-subject"
    BREAKING_CHANGE = "breaking-change"
    BARE_CHANGE = "bare-change"
    VALUE_CHANGE = "value-change"
    LOST_REVISION = "lost-revision"
    DELETED_VERSION = "deleted-version"
    UNKNOWN_COMPATIBILITY = "unknown-compatibility"

    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    MISFIT = "misfit"
    INVALID_EXPRESSION = "invalid-expression"
    INVALID_STEP = "invalid-step"
    UNKNOWN_SYMBOL = "unknown-symbol"
    UNDECLARED_LOSS = "undeclared-loss"
    INVALID_SPLIT = "invalid-split"


@dataclass(frozen=True, slots=True, order=True)
class VersionFinding:
    """One thing wrong, or doubtful, at one place; as the findings of route files are."""

    place: Place
    level: Level
    kind: str
    """A VersionKind, or the language's own kind where YAML or the shape is at fault."""
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f": {self.suggestion}" if self.suggestion else ""
        return f"{self.place} {self.kind} {self.message}{hint}"


def of_language(finding: Finding) -> VersionFinding:
    """A finding of YAML or of a shape."""
    return VersionFinding(finding.place, finding.level, finding.kind, finding.message, finding.suggestion)
