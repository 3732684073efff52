"""Which topics a cluster has, asked of the brokers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.client import AIOKafkaClient

from router.errors import BrokerUnavailable
from router.lanes.deliveries import said

__all__ = ["KafkaDirectory"]

_ANSWER_WITHIN_MS = 5_000
"""How long one broker's answer may take before it counts as away."""


class KafkaDirectory:
    """Asks for the cluster's topics over a connection of its own, which it keeps."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any]) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._client: AIOKafkaClient | None = None

    async def partition_counts(self) -> Mapping[str, int]:
        """Every topic that this worker may see; creates none, since it asks for all and names none."""
        try:
            if self._client is None:
                client = AIOKafkaClient(
                    bootstrap_servers=self._bootstrap,
                    client_id="router-directory",
                    request_timeout_ms=_ANSWER_WITHIN_MS,
                    **self._security,
                )
                try:
                    await client.bootstrap()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            cluster = await self._client.fetch_all_metadata()
        except kafka_errors.KafkaError as error:
            # The next question begins from the bootstrap list: brokers may have moved.
            await self.close()
            raise BrokerUnavailable(brokers=self._bootstrap, problem=said(error)) from error
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
