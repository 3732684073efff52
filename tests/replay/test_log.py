"""`router.replays`: how a replay stands there. That it is kept, tests/lanes/test_kept_values.py holds of all such topics."""

import pytest

from router.replay.log import REPLAYS, ReplayExists, ReplayLog
from router.replay.plan import Replay
from router.settings import Settings

ASKED = Replay(id="a1", group="g", topic="t", source="s", starts={0: 1}, at=5, by="ada", reason="why")


async def test_a_replay_stands_there_by_its_id() -> None:
    """And is asked for once."""
    log = ReplayLog(Settings.from_environment({}))
    form = log._form
    assert (form.topic, form.key(ASKED), form.read(form.written(ASKED))) == (REPLAYS, "a1", ASKED)
    with pytest.raises(ReplayExists, match="replay a1 was asked for already"):
        raise form.moved(ASKED)
    await log.close()
