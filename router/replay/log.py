"""The topic in which replays are asked for: `router.replays`, compacted, a record a replay. Workers read it, and it is theirs to do."""

from __future__ import annotations

import json

from router.errors import TransientError
from router.lanes.kept_values import KeptValues
from router.replay.plan import Replay, read_replay
from router.settings import Settings

__all__ = ["REPLAYS", "ReplayExists", "ReplayLog"]

REPLAYS = "router.replays"
"""The topic; it has one partition."""


class ReplayExists(TransientError):
    """A replay of this id was asked for already."""

    reason = "replay-exists"

    def __init__(self, *, replay: str) -> None:
        super().__init__(replay)
        self.replay = replay

    def __str__(self) -> str:
        return f"replay {self.replay} was asked for already"


class _Form:
    """Fulfils `Form`."""

    topic = REPLAYS

    def read(self, value: bytes | None) -> Replay | None:
        return read_replay(value)

    def key(self, value: Replay) -> str:
        return value.id

    def written(self, value: Replay) -> bytes:
        return json.dumps(value.to_json(), ensure_ascii=False).encode()

    def moved(self, value: Replay) -> TransientError:
        return ReplayExists(replay=value.id)


class ReplayLog(KeptValues[Replay]):
    """All replays that were ever asked for. Its errors are BrokerUnavailable and ReplayExists."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, _Form())
