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
    """Stable names of what can be found; docs/findings.md has an entry for each, generated from here."""

    NOT_YET_SUPPORTED = "not-yet-supported"


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
