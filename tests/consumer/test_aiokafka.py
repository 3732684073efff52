"""The ready-made consumer over aiokafka."""

from __future__ import annotations

import pytest
from support.consumer_contract import Contract
from support.consuming import Plan

pytestmark = pytest.mark.process


class TestAiokafka(Contract):
    """Keeps the contract."""

    hand = "aiokafka"

    def transactional_id(self, plan: Plan) -> str:
        """See Contract."""
        return f"{plan.group}-{plan.topic}-0"
