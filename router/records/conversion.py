"""How a value becomes one of another version, as those see it who only need it done, and what stands against it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from router.errors import ConfigError, RecordError
from router.records.marks import Encoding, marked_value, with_schema_header
from router.records.record import PlainRecord, Record

__all__ = ["NoConversion", "NotConverted", "ValueConversion"]


class NoConversion(ConfigError):
    """A subject's versions have no conversion between them."""

    reason = "no-conversion"

    def __init__(self, *, subject: str, source: int, target: int, problem: str = "") -> None:
        super().__init__(subject, source, target, problem)
        self.subject = subject
        self.source = source
        self.target = target
        self.problem = problem
        """Why what there is cannot be used; empty where there is nothing."""

    def __str__(self) -> str:
        what = f"no conversion leads from v{self.source} of '{self.subject}' to v{self.target}"
        file = f"schemas/{self.subject}/v{self.source}_to_v{self.target}.yaml"
        return f"{what}: {self.problem or f'write {file}'}"


class NotConverted(RecordError):
    """A copy is for a consumer of another version of the subject, and the record has no counterpart there."""

    reason = "not-converted"

    def __init__(self, *, topic: str, problem: str) -> None:
        super().__init__(topic, problem)
        self.topic = topic
        self.problem = problem

    def __str__(self) -> str:
        return f"there is no copy for {self.topic} in its version: {self.problem}"


@dataclass(frozen=True, slots=True)
class ValueConversion:
    """How values of one version of a subject become those of another."""

    subject: str
    source: int
    target: int
    files: tuple[str, ...]
    """Where its steps are written down; those where all fields carry over by themselves are nowhere."""
    text: str
    """The schemas and steps that it is made of: two of the same text do the same."""
    convert: Callable[[bytes], bytes] = field(compare=False, repr=False)
    """The other version's value of a value; where headers say which revision wrote it, of a marked one (`router.records.marks`),
    and without a mark of its own. Raises RecordError."""
    header: bytes | None = None
    """Where headers say it: what `router-schema` says of what is made."""

    def converted(self, record: Record) -> PlainRecord:
        """The record in the other version; one with a value. Raises RecordError."""
        value, headers = record.value, record.headers
        assert value is not None, "a tombstone is the same in every version"
        if self.header is not None:
            value, headers = marked_value(Encoding.HEADER, value, headers), with_schema_header(headers, self.header)
        return PlainRecord(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            key=record.key,
            value=self.convert(value),
            headers=headers,
        )

    def __str__(self) -> str:
        by = f" by {', '.join(self.files)}" if self.files else ""
        return f"v{self.source} to v{self.target}{by}"
