"""Several logs as one run: each key's records in the order in which they were written."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from router.migrations.merging import LATENESS_MS, Merge, Run
from router.records.record import PlainRecord, Record


def record(offset: int, at: int, key: str | None = "k") -> Record:
    return PlainRecord(topic="t", offset=offset, timestamp=at, key=None if key is None else key.encode())


def brief(runs: Sequence[Run]) -> list[tuple[int, list[int], int]]:
    """Topic, timestamps and position of each run."""
    return [(each.topic, [one.timestamp for one in each.records], each.position) for each in runs]


def test_a_key_s_records_come_by_their_time_and_a_log_s_in_its_order() -> None:
    """Each run says where its topic stands behind it: before the next record that is not let go."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 1), record(2, 4)], 3)
    merge.read(1, [record(5, 2), record(6, 3)], 9)
    assert merge.held == 4
    assert brief(merge.release(merge.turn(), [3, 9])) == [(0, [1], 2), (1, [2, 3], 9), (0, [4], 3)]
    assert (merge.held, merge.positions, merge.passed) == (0, (3, 9), (3, 9))


def test_within_a_topic_its_log_counts_whatever_the_time() -> None:
    """What one producer dated back stands where it was written."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 9), record(1, 2)], 2)
    merge.read(1, [record(0, 5)], 1)
    assert [each[1] for each in brief(merge.release(merge.turn(), [2, 1]))] == [[5], [9, 2]]


def test_in_the_same_millisecond_the_topics_order_counts() -> None:
    """As split.yaml names them."""
    merge = Merge([0, 0])
    merge.read(1, [record(0, 5)], 1)
    merge.read(0, [record(0, 5)], 1)
    assert [each[0] for each in brief(merge.release(merge.turn(), [1, 1]))] == [0, 1]


def test_keys_wait_for_their_own_alone() -> None:
    """Another key's record, dated long before, waits behind nothing but its own log."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 9, "a"), record(1, 1, "b")], 2)
    merge.read(1, [record(0, 5, "b"), record(1, 8, "a"), record(2, 3, None)], 3)
    assert brief(merge.release(merge.turn(), [2, 3])) == [(1, [5, 8, 3], 3), (0, [9, 1], 2)]


def test_clocks_that_contradict_both_logs_hold_nothing_up() -> None:
    """Each head waits for what stands behind the other: the least time goes first."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 11, "a"), record(1, 5, "b")], 2)
    merge.read(1, [record(0, 12, "b"), record(1, 3, "a")], 2)
    assert sum(len(each.records) for each in merge.release(merge.turn(), [2, 2])) == 4


def test_copies_that_come_late_hold_nothing_up() -> None:
    """With the time of their originals, behind natives, they would have each topic wait for the other."""
    late = {50, 60}
    merge = Merge([0, 0], apart=lambda one: one.timestamp in late)
    merge.read(0, [record(0, 300, "a"), record(1, 60, "b")], 2)
    merge.read(1, [record(0, 250, "b"), record(1, 50, "a"), record(2, 280, "a")], 3)
    assert [each[1] for each in brief(merge.release(merge.turn(), [2, 3]))] == [[250, 50, 280], [300, 60]]


def test_what_was_read_after_the_ends_were_asked_for_waits() -> None:
    """Something earlier may stand behind them; and what waits for it waits as well."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 5)], 1)
    until = merge.turn()
    merge.read(1, [record(0, 2), record(1, 9, "b")], 2)
    assert brief(merge.release(until, [1, 0])) == []
    assert brief(merge.release(merge.turn(), [1, 2])) == [(1, [2], 1), (0, [5], 1), (1, [9], 2)]


def test_one_that_waits_for_the_next_round_holds_up_no_other_key() -> None:
    """Its topic stands still behind it."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 1, "a")], 1)
    until = merge.turn()
    merge.read(1, [record(0, 0, "b")], 1)
    assert brief(merge.release(until, [1, 0])) == [(0, [1], 1)]
    assert merge.passed == (1, 0)


def test_far_behind_what_is_old_enough_is_let_go() -> None:
    """By what every topic that is not at its end was read to; one of which nothing was read holds all."""
    merge = Merge([0, 0])
    merge.read(0, [record(0, 1), record(1, LATENESS_MS)], 2)
    assert brief(merge.release(merge.turn(), [2, 7])) == []
    merge.read(1, [record(0, LATENESS_MS + 1, "b")], 1)
    assert brief(merge.release(merge.turn(), [2, 7])) == [(0, [1], 1)]
    assert brief(merge.release(merge.turn(), [2, 7], all_of_it=True)) == [
        (0, [LATENESS_MS], 2),
        (1, [LATENESS_MS + 1], 1),
    ]


def test_markers_move_a_position_on() -> None:
    """Though there is no record."""
    merge = Merge([4, 0])
    merge.read(0, [], 6)
    assert brief(merge.release(merge.turn(), [6, 0])) == [(0, [], 6)]
    assert brief(merge.release(merge.turn(), [6, 0])) == []


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_read_when_each_key_comes_as_it_was_written(seed: int) -> None:
    """Producers write a key's next event when the last is acknowledged, to any topic; readers get to see parts, in any order."""
    draw = random.Random(seed)
    count, keys = 4, [f"k{number}" for number in range(5)]
    logs: list[list[Record]] = [[] for _ in range(count)]
    merge, got, at = Merge([0] * count), list[Record](), 0
    written: dict[str, list[tuple[int, int]]] = {key: [] for key in keys}
    for _ in range(60):
        for _ in range(draw.randrange(8)):
            at += draw.randrange(1, 3)
            key, topic = draw.choice(keys), draw.randrange(count)
            written[key].append((topic, len(logs[topic])))
            logs[topic].append(record(len(logs[topic]), at, key))
        _read(merge, logs, draw)
        until, ends = merge.turn(), [len(each) for each in logs]
        for number, end in enumerate(ends):
            merge.read(number, logs[number][merge.positions[number] : end], end)
        got += _released(merge, until, ends)
    ends = [len(each) for each in logs]
    got += _released(merge, merge.turn(), ends)
    topics = {id(each): number for number, log in enumerate(logs) for each in log}
    for key in keys:
        assert [(topics[id(each)], each.offset) for each in got if each.key == key.encode()] == written[key]
    for number, log in enumerate(logs):
        assert [each.offset for each in got if topics[id(each)] == number] == list(range(len(log)))


def _read(merge: Merge, logs: list[list[Record]], draw: random.Random) -> None:
    """Some of what there is, of some topics."""
    for number, log in enumerate(logs):
        here = merge.positions[number]
        more = draw.randint(0, len(log) - here)
        merge.read(number, log[here : here + more], here + more)


def _released(merge: Merge, until: int, ends: list[int]) -> list[Record]:
    return [record for run in merge.release(until, ends) for record in run.records]
