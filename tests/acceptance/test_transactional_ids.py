"""Ids that the brokers have forgotten: a lane that was idle for longer than they keep them goes on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from support.stage import Stage

pytestmark = pytest.mark.process

# What a coordinator answers a week (transactional.id.expiration.ms) after a producer's last transaction: nobody waits so long.
FORGOTTEN = """
from aiokafka.errors import InvalidProducerIdMapping
from agents.app import app
from router.lanes import producer

answered = {handler: 0 for handler in (producer._AddPartitions, producer._AddOffsets, producer._CommitOffsets)}

def forgetting(handler):
    answer = handler.handle_response

    def answer_or_forget(self, resp):
        answered[handler] += 1
        if answered[handler] % 7 == 3:
            raise InvalidProducerIdMapping()
        return answer(self, resp)

    handler.handle_response = answer_or_forget

for handler in list(answered):
    forgetting(handler)
"""


def test_an_id_that_was_forgotten_is_taken_anew(stage: Stage, tmp_path: Path) -> None:
    """Whichever request meets it: the lane opens again in place, and copies nothing twice."""
    (tmp_path / "forgotten.py").write_text(FORGOTTEN, encoding="utf-8")
    stage.coloured()
    worker = stage.worker(app="forgotten", fetch_records="20").until_ready(lanes=2)
    # Portion by portion: a worker that has the whole before it commits it in a few transactions.
    for first in range(0, 1_000, 50):
        stage.feed(50, first=first)
        stage.until_routed()
    wanted = stage.wanted(range(1_000))
    for topic, books in stage.balance(wanted).items():
        books.assert_exact(topic)
    source = stage.name("@event.v1")
    stopped = sum(
        worker.metric("router_lane_errors_total", source=source, reason=reason) or 0
        for reason in ("delivery-failed", "commit-failed")
    )
    assert stopped >= 2
    until(lambda: worker.readiness().get("status") == 200, within=20, what=lambda: f"it is ready; {worker.tail()}")
    assert any("InvalidProducerIdMapping" in str(line) for line in worker.lines())
