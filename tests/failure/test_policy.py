"""What becomes of a rejected record, by how often it has died."""

from __future__ import annotations

import pytest

from router.failure.policy import FailurePolicy, GiveUp, Kept, Park, Retry, Then, Verdict

DAY = 86_400_000


@pytest.mark.parametrize(
    ("policy", "verdicts"),
    [
        pytest.param(
            FailurePolicy(),
            [Retry(10_000), Retry(60_000), Retry(600_000), GiveUp(silently=False), GiveUp(silently=False)],
            id="defaults",
        ),
        pytest.param(FailurePolicy(retry_ms=(), then=Then.SKIP), [GiveUp(silently=True)], id="no retries"),
        pytest.param(FailurePolicy(retry_ms=(5,), then=Then.PARK), [Retry(5), Park(7 * DAY), Park(7 * DAY)], id="park"),
        pytest.param(FailurePolicy(retry_ms=(), then=Then.PARK, park_for_ms=None), [Park(None)], id="park for ever"),
    ],
)
def test_retries_come_first_and_then_what_the_policy_says(policy: FailurePolicy, verdicts: list[Verdict]) -> None:
    """A death for each delay, and one more; dying again changes nothing."""
    assert [policy.verdict(deaths) for deaths in range(1, len(verdicts) + 1)] == verdicts


@pytest.mark.parametrize(
    ("topic", "timestamp", "renews"),
    [
        pytest.param("vip.v1", 899, True, id="older"),
        pytest.param("vip.v1", 900, False, id="as old as it may be"),
        pytest.param("vip.v1", -1, False, id="without a time"),
        pytest.param("other.v1", 0, False, id="kept for ever"),
    ],
)
def test_copy_is_renewed_where_retention_would_take_it(topic: str, timestamp: int, *, renews: bool) -> None:
    """By its age and its topic."""
    kept = Kept(policies={}, retention_ms={}, renew_ms={"vip.v1": 100})
    assert kept.renews(topic, timestamp, now=1_000) is renews
