"""What keeps a consumer from going on."""

from __future__ import annotations

import pytest

from router.consumer.errors import GroupLost, TopicMissing, UnfitClient, Unrejectable
from router.errors import RouterError


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (UnfitClient(setting="group.id", problem="is missing"), "unfit-client", "'group.id' is missing"),
        (TopicMissing(topic="vip.v1.parked", problem="is not there"), "topic-missing", "`router topics --apply`"),
        (Unrejectable(place="v/0/1", problem="it has no origin", cause="x"), "unrejectable", "`router offsets skip`"),
        (GroupLost(problem="nothing could be committed"), "group-lost", "nothing could be committed"),
    ],
)
def test_each_names_the_thing_and_the_way_out(error: RouterError, reason: str, words: str) -> None:
    """With a slug for programs."""
    assert error.reason == reason
    assert words in str(error)
