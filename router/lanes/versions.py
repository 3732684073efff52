"""Copies in the versions that their consumers read: each record is converted once a version, however many copies it has."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from router.errors import RecordError
from router.records.conversion import ValueConversion
from router.records.marks import with_schema_header
from router.records.record import Record

__all__ = ["Versions"]


class Versions:
    """Converts the records of one source, one after another."""

    def __init__(self, conversions: Mapping[str, ValueConversion]) -> None:
        """`conversions` are by topic; the copies of all other topics are the record as it is."""
        self._conversions = conversions
        self._last: dict[int, tuple[Record, Record | RecordError]] = {}
        """By version, the last record that was converted, and what became of it."""

    @property
    def topics(self) -> AbstractSet[str]:
        """Those whose copies are converted."""
        return self._conversions.keys()

    def headers(self, topic: str, headers: list[Any]) -> list[Any]:
        """Those of a converted copy: where they say which revision wrote it, they say another than the original's."""
        mark = self._conversions[topic].header
        return headers if mark is None else [*with_schema_header(headers, mark)]

    def of(self, topic: str, record: Record) -> Record | RecordError:
        """The record as a topic's consumers want it, or why there is none; a tombstone is the same in every version."""
        conversion = self._conversions.get(topic)
        if conversion is None or record.value is None:
            return record
        last = self._last.get(conversion.target)
        if last is not None and last[0] is record:
            return last[1]
        outcome: Record | RecordError
        try:
            outcome = conversion.converted(record)
        except RecordError as error:
            outcome = error
        self._last[conversion.target] = record, outcome
        return outcome
