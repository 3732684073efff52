"""What stops an expression on one record."""

from __future__ import annotations

from typing import Any

from router.errors import RecordError

__all__ = ["WhereFailed", "no_overload"]


class WhereFailed(RecordError):
    """An expression has no value on this record: a division by zero, a missing key, null where a value is needed.

    A binding whose `where` fails does not match; with `on-error: dead-letter` the record becomes a dead letter.
    """

    reason = "where-failed"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


def no_overload(what: str, *values: Any) -> WhereFailed:
    """The failure of a function or operator that does not take such values."""
    from router.language.cel.values import type_name  # noqa: PLC0415 # values need failures, and this needs their names

    return WhereFailed(f"no such overload: {what} of {', '.join(type_name(value) for value in values)}")
