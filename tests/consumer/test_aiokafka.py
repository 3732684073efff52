"""The ready-made consumer over aiokafka."""

from __future__ import annotations

import pytest
from support.consumer_contract import Contract

pytestmark = pytest.mark.process


class TestAiokafka(Contract):
    """Keeps the contract."""

    hand = "aiokafka"
