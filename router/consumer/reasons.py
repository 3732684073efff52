"""What processing says of a record that it does not process: an exception, and what the router is told of it. Pure.

`process` ends in one of four ways:

    returns            the record is processed
    Reject             it is rejected, with this reason
    any other error    it is rejected, as `failed`, with what the error says and where it came from
    TryAgain           nothing is decided: the record is the next one again, after a while; its offset does not move
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass

from router.failure.rejections import BEHIND, FAILED

__all__ = ["Failure", "Reject", "TryAgain", "failure_of"]

_SLUG = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LONGEST = 1_000
_SEPARATOR = re.compile(r"[/\\]")


class Reject(Exception):
    """Raised by `process`: this record cannot be processed here, for a reason that programs know by a name."""

    def __init__(self, reason: str = FAILED, *, error: str = "", place: str = "") -> None:
        """`error` is the same in words; where it is missing, what the error says that this is raised from.

        `place` says where: in the record (`value:amount`), or in the code. Raises ValueError for a reason that is no slug.
        """
        if _SLUG.fullmatch(reason) is None:
            raise ValueError(
                f"{reason!r} is no reason that programs could match on: say it in error=, and here as a slug"
            )
        if reason == BEHIND:
            raise ValueError(f"the reason '{BEHIND}' is kept for records that wait for another: choose another slug")
        super().__init__(reason, error, place)
        self.reason = reason
        self.error = error
        self.place = place

    def __str__(self) -> str:
        return f"{self.reason}: {self.error}" if self.error else self.reason


class TryAgain(Exception):
    """Raised by `process`: not the record is at fault but something it needs. The same record again, after so many seconds."""

    def __init__(self, problem: str = "", *, after: float = 5.0) -> None:
        super().__init__(problem, after)
        self.problem = problem
        self.after = after

    def __str__(self) -> str:
        return self.problem or "what it needs is not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a record is rejected, as its rejection tells it."""

    reason: str = FAILED
    error: str = ""
    error_class: str = ""
    place: str = ""


def failure_of(error: BaseException) -> Failure:
    """What is told of an error that `process` raised: nothing is asked of anybody, the error has it all."""
    if not isinstance(error, Reject):
        return Failure(error=_said(error), error_class=_class(error), place=_place(error))
    cause = error.__cause__ or error.__context__
    if cause is None:
        return Failure(reason=error.reason, error=error.error[:_LONGEST], place=error.place or _place(error))
    return Failure(
        reason=error.reason,
        error=error.error[:_LONGEST] or _said(cause),
        error_class=_class(cause),
        place=error.place or _place(cause),
    )


def _said(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST]
    except Exception:  # noqa: BLE001 - an error that cannot tell itself is still an error, and its record is rejected
        return ""


def _class(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _place(error: BaseException) -> str:
    """The file and line that raised it."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{_SEPARATOR.split(frames[-1].filename)[-1]}:{frames[-1].lineno}" if frames else ""
