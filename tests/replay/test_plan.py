"""Which records a replay means, and how it is kept."""

import json

import pytest

from router.records.record import PlainRecord
from router.replay.plan import Replay, read_replay

ASKED = Replay(
    id="a1", group="shop", topic="vip.order.v1", source="order.v1", starts={0: 5}, ends={0: 9}, at=7, by="ada", reason="why",
    since=100, until=200, key=b"\xff", where="n > 1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("timestamp", "key", "holds", "means"),
    [
        (100, b"\xff", True, True),
        (199, b"\xff", True, True),
        (99, b"\xff", True, False),
        (200, b"\xff", True, False),
        (150, b"k", True, False),
        (150, None, True, False),
        (150, b"\xff", False, False),
    ],
)
def test_a_record_is_judged_by_its_own_time_and_key(
    timestamp: int,
    key: bytes | None,
    holds: bool,
    means: bool,
) -> None:
    """From `since` on, before `until`; wherever in the log it stands."""
    record = PlainRecord(topic="order.v1", timestamp=timestamp, key=key)
    assert ASKED.means(record, lambda _: holds) is means


def test_what_is_not_said_is_anything() -> None:
    """And an expression that nobody gave is not asked."""
    asked = Replay(id="a", group="g", topic="t", source="s", starts={}, at=0, by="", reason="")
    assert asked.means(PlainRecord(topic="s", timestamp=-1), lambda _: False)


def test_what_is_kept_is_read_as_it_was() -> None:
    """Whatever bytes its key has."""
    assert read_replay(json.dumps(ASKED.to_json()).encode()) == ASKED
    asked = Replay(id="a", group="g", topic="t", source="s", starts={}, at=0, by="", reason="")
    assert read_replay(json.dumps(asked.to_json()).encode()) == asked


@pytest.mark.parametrize(
    "value",
    [None, b"", b"[]", b"7", b'{"format": 2}', json.dumps(ASKED.to_json() | {"starts": 7}).encode(), b"[" * 100_000],
    ids=lambda value: repr(value)[:20],
)
def test_what_others_write_is_no_replay(value: bytes | None) -> None:
    """It would be begun by lanes."""
    assert read_replay(value) is None
