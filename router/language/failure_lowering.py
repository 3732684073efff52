"""From what a team says of rejected records to the policy that lanes obey."""

from __future__ import annotations

from router.failure.deaths import Dialect
from router.failure.policy import FailurePolicy, Keep, OnExpiry, Then
from router.language.durations import FOREVER, parse_retention, parse_wait
from router.language.shapes import FailureShape

__all__ = ["failure_policy"]


def failure_policy(failure: FailureShape) -> FailurePolicy:
    """The policy; what is said must have passed `check_failures` without an error."""
    park_for = parse_retention(failure.park_for)
    return FailurePolicy(
        retry_ms=tuple(parse_wait(each) for each in failure.retry),
        then=Then(failure.then),
        park_for_ms=None if park_for == FOREVER else park_for,
        on_expiry=OnExpiry(failure.on_expiry),
        keep=Keep(failure.keep),
        dialect=Dialect(failure.dialect),
    )
