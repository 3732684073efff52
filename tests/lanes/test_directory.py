"""The directory over a real client; tests/contracts has what it promises."""

from __future__ import annotations

import pytest

from router.errors import BrokerUnavailable
from router.lanes.directory import KafkaDirectory


async def test_unreachable_broker_is_named_each_time() -> None:
    """And closing is possible in any state."""
    directory = KafkaDirectory("127.0.0.1:1", {})
    for _ in range(2):
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
            await directory.partition_counts()
    await directory.close()
