"""The ready-made consumer over confluent-kafka."""

from __future__ import annotations

import pytest
from support.consumer_contract import Contract
from support.consuming import Plan

pytestmark = pytest.mark.process


class TestConfluent(Contract):
    """Keeps the contract."""

    hand = "confluent"

    def transactional_id(self, plan: Plan) -> str:
        """See Contract."""
        return f"{plan.group}-{plan.name}"
