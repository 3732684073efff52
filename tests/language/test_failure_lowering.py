"""From what is said of rejected records to what lanes obey."""

from __future__ import annotations

from support.language import OWNER, load

from router.failure.deaths import Dialect
from router.failure.policy import FailurePolicy, Keep, OnExpiry, Then
from router.language.failure_lowering import failure_policy
from router.language.shapes import FailureShape


def test_what_is_not_said_has_the_policy_s_defaults() -> None:
    """The language and the policy agree on them."""
    assert failure_policy(FailureShape()) == FailurePolicy()


def test_everything_that_is_said_counts() -> None:
    """Each option to its own."""
    said = FailureShape.model_validate(
        {
            "retry": ["250ms", "2h"],
            "then": "park",
            "park-for": "forever",
            "on-expiry": "release",
            "keep": "nothing",
            "dialect": "share-group",
        }
    )
    assert failure_policy(said) == FailurePolicy(
        retry_ms=(250, 7_200_000),
        then=Then.PARK,
        park_for_ms=None,
        on_expiry=OnExpiry.RELEASE,
        keep=Keep.NOTHING,
        dialect=Dialect.SHARE_GROUP,
    )


def test_a_topic_carries_its_policy() -> None:
    """And the fingerprint changes with it, and only where one is said."""
    plain, _ = load(OWNER)
    said, findings = load(OWNER.replace("    from: [", "    failure: {retry: []}\n    from: ["))
    assert plain is not None
    assert said is not None, findings
    assert plain.topics["all.order.status.v1"].failure is None
    assert said.topics["all.order.status.v1"].failure == FailurePolicy(retry_ms=())
    assert plain.fingerprint != said.fingerprint
