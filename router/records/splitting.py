"""A topic of several meanings as those see it who only need it split: which subject a record belongs to, and how it gets there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.errors import ConfigError, RecordError
from router.records.conversion import ValueConversion
from router.records.record import Record

__all__ = ["Branch", "NoSplit", "Otherwise", "UnknownType", "ValueSplit"]


class Otherwise(StrEnum):
    """What becomes of a record whose type nobody named."""

    DEAD_LETTER = "dead-letter"
    KEEP = "keep"
    """It stays where it is, and goes nowhere else."""
    REFUSE = "refuse"
    """Nothing of its partition goes on, until somebody names its type."""


class NoSplit(ConfigError):
    """A subject is not to be split, or not by what was written."""

    reason = "no-split"

    def __init__(self, *, subject: str, problem: str = "") -> None:
        super().__init__(subject, problem)
        self.subject = subject
        self.problem = problem
        """Why what there is cannot be used; empty where there is nothing."""

    def __str__(self) -> str:
        what = f"nothing says how '{self.subject}' is split"
        return f"{what}: {self.problem or f'write schemas/{self.subject}/split.yaml'}"


class UnknownType(RecordError):
    """A record says that it is of a type which its topic's split does not name."""

    reason = "unknown-type"

    def __init__(self, *, field: str, type: str | None) -> None:  # noqa: A002 -- the word of those who write the file
        super().__init__(field, type)
        self.field = field
        self.type = type
        """None where the field is null, or not there."""

    def __str__(self) -> str:
        said = "nothing" if self.type is None else f"'{self.type}'"
        return f"field '{self.field}' says {said}, which split.yaml does not name"


@dataclass(frozen=True, slots=True)
class Branch:
    """One meaning."""

    subject: str
    version: int
    types: tuple[str, ...]
    forth: ValueConversion
    """From the old topic's records to the subject's."""
    back: ValueConversion | None
    """The other way; None where those who stay on the old topic get none of what is written to the subject."""

    @property
    def name(self) -> str:
        """`refund.paid.v1`."""
        return f"{self.subject}.v{self.version}"


@dataclass(frozen=True, slots=True)
class ValueSplit:
    """How one version of a subject is split."""

    subject: str
    version: int
    by: str
    otherwise: Otherwise
    branches: tuple[Branch, ...]
    """As they stand in the file."""
    file: str
    type_of: Callable[[Record], str | None] = field(compare=False, repr=False)
    """What a record with a value says it is. Raises Unreadable."""

    @property
    def by_type(self) -> Mapping[str, Branch]:
        """Which meaning a type has."""
        return {each: branch for branch in self.branches for each in branch.types}

    @property
    def text(self) -> str:
        """All that it is made of: two of the same text do the same."""
        parts = [self.subject, str(self.version), self.by, str(self.otherwise)]
        for each in self.branches:
            parts += [each.name, *each.types, each.forth.text, "" if each.back is None else each.back.text]
        return "\n".join(parts)
