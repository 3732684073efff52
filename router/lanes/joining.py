"""One JoinGroup request a join, though workers know more than one way to deal partitions out.

A join offers all assignors that a member knows (KIP-62's group protocols), and the group takes one that all of them know. aiokafka
0.14 sends such a request for each: with the first assignor, then with the first two, and only the last is meant (its pull request
1168 says the same). To the coordinator the second is a member whose metadata have changed, for which it begins anew:

    A: join [1] ──► generation n: to A and B ──► A: join [1, 2] ──► "Updating metadata for member A": B's sync fails
    B: (100 ms later) join [1] ──► generation n + 1: to B and A ──► B: join [1, 2] ──► "Updating metadata for member B": A's sync fails …

Two workers that are once out of step go on like this for as long as chance wants, and nobody carries anything meanwhile.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.protocol.group import JoinGroupRequest

__all__ = ["join_once"]

_NOT_SENT = SimpleNamespace(error_code=0)
"""In the place of an answer to what is not sent; what comes behind it is the join."""


def join_once(coordinator: Any) -> None:
    """Have a consumer's coordinator send no request that offers less than all assignors; called before it subscribes."""
    assignors = getattr(coordinator, "_assignors", ())
    send = coordinator._send_req  # noqa: SLF001 - what all its requests to the coordinator go through

    async def send_whole(request: Any) -> Any:
        if isinstance(request, JoinGroupRequest) and len(request._group_protocols) < len(assignors):  # noqa: SLF001 - it has no reader
            return _NOT_SENT
        return await send(request)

    coordinator._send_req = send_whole  # noqa: SLF001
