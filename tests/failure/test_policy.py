"""What becomes of a rejected record, by how often it has died."""

from __future__ import annotations

import pytest

from router.failure.policy import FailurePolicy, GiveUp, Park, Retry, Then, Verdict

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
