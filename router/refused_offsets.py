"""A group's offsets, where its coordinator refuses to tell them: an error, and not a group that has none.

From version 2 of OffsetFetch on (KIP-88), a broker that cannot answer for a group says so once, for the request as a whole, and names
no partition: while it loads the group after another broker's death (COORDINATOR_LOAD_IN_PROGRESS), or once another coordinates it
(NOT_COORDINATOR). aiokafka 0.14 looks at partitions only, in its consumer and in its admin client. So it takes what was refused for a
group that has committed nothing, and whoever asks begins at the start of the log.
"""

from __future__ import annotations

from typing import Any

from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest

__all__ = ["REFUSALS", "expect_told", "heed_refusals"]

REFUSALS = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
"""What a coordinator refuses for a while: whoever asks again is told."""


def expect_told(answer: Any, group: str) -> None:
    """Raise what an OffsetFetch was refused for as a whole. Versions that have no error of their own say it with each partition."""
    if code := getattr(answer, "error_code", 0):
        raise for_code(code)(f"the offsets of group {group} are not told")


def heed_refusals(asker: Any) -> None:
    """Have a consumer or an admin client of aiokafka's raise what a coordinator refuses OffsetFetch for; called before it asks.

    A consumer's `committed` then asks again, by itself, until it is answered; the admin client raises the error.
    """
    client = asker._client  # noqa: SLF001 - what all its requests go through
    send = client.send

    async def heeding(node: Any, request: Any, **more: Any) -> Any:
        response = await send(node, request, **more)
        if isinstance(request, OffsetFetchRequest):
            expect_told(response, request._consumer_group)  # noqa: SLF001 - it has no reader
        return response

    client.send = heeding
