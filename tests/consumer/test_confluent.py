"""The ready-made consumer over confluent-kafka."""

from __future__ import annotations

import pytest
from support.consumer_contract import Contract

pytestmark = pytest.mark.process


class TestConfluent(Contract):
    """Keeps the contract."""

    hand = "confluent"
