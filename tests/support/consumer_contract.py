"""What every ready-made consumer promises, on a real Kafka: one suite, run over each client.

The consumer is a process of its own, whose journal says what it has processed; the router's side is played by `HandLane`.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from dataclasses import replace
from functools import partial
from itertools import count, islice, pairwise
from pathlib import Path

from confluent_kafka import Consumer as Client
from confluent_kafka import TopicPartition

from router.failure.policy import FailurePolicy, Then
from router.failure.skipping import skip_mark
from router.failure.topics import parked_of, rejected_of
from router.records.headers import Origin
from support.consuming import Plan, Service
from support.hand_lane import HandLane
from support.topics import Topics
from support.waiting import until

STEPS = (
    *("open", "process 2", "processed 3", "begin", "write 2", "send-offsets 2", "end", "committed 2", "offset"),
    "processed",
)
"""Where a consumer is killed, one life after the other: `process 2` is when it comes there for the second time."""

POLICY = FailurePolicy(retry_ms=(100, 100), then=Then.DEAD_LETTER)


class Contract:
    """Inherited by the tests of each client, which say which one it is."""

    hand = ""

    def transactional_id(self, plan: Plan) -> str:
        """That of the producer of the first partition."""
        raise NotImplementedError

    def stage(self, kafka: str, unique: str, home: Path, *, partitions: int = 2) -> tuple[HandLane, Plan]:
        """Topics, a lane, and what a first instance is told."""
        lane = HandLane(Topics(kafka), f"{unique}.vip.v1", partitions, POLICY)
        plan = Plan(
            hand=self.hand, bootstrap=kafka, group=unique, topic=lane.topic, home=str(home), name="one"
        )  # fmt: skip
        return lane, plan

    def test_killed_between_any_two_steps_nothing_is_lost_or_overtakes(
        self, kafka: str, unique: str, tmp_path: Path
    ) -> None:
        """Of each key, every record is processed or set aside, none before those in front of it."""
        lane, plan = self.stage(kafka, unique, tmp_path)
        lane.carry([(b"k%d" % (n % 4), _value(n)) for n in range(40)])
        deaths = 0
        for step in STEPS:
            service = Service(replace(plan, dies_at=step))
            lane.until(partial(_ended, service, plan, lane, 40), within=20, what=f"dies at {step}")
            deaths += service.process.returncode == -9 if not service.running else 0
            service.kill()
        service = Service(plan)
        lane.until(lambda: _done(plan, lane, 40), what="all is processed")
        service.stop()
        lane.close()
        assert deaths >= 8
        assert sorted(lane.dead) == [_value(n) for n in sorted(range(40), key=_value) if n % 20 == 7]
        _assert_in_order(plan, repeats=True)
        assert not _parked(lane, plan)

    def test_partitions_change_hands_without_a_repeat(self, kafka: str, unique: str, tmp_path: Path) -> None:
        """While a transaction takes its time, and a record is in work: each is processed once, by one of the two."""
        lane, plan = self.stage(kafka, unique, tmp_path)
        plan = replace(plan, dawdles={"end": 0.5}, session=4_000)
        numbers = count()

        def carry(how_many: int) -> None:
            lane.carry(
                [
                    (b"k%d" % (n % 4), b"%d%b" % (n, b" takes=0.02" if n % 16 else b" fails=1"))
                    for n in islice(numbers, how_many)
                ]
            )

        def second_works() -> bool:
            lane.look(0.1)
            carry(2)
            return any(line[0] == "two" for line in _journal(plan))

        carry(20)
        first = Service(plan)
        lane.until(lambda: len(_journal(plan)) > 3, what="the first is at work")
        second = Service(replace(plan, name="two"))
        until(second_works, within=30, what="the second is at work")
        carry(20)
        first.stop()
        total = next(numbers)
        lane.until(lambda: _done(plan, lane, total), within=30, what="all is processed")
        second.stop()
        lane.close()
        _assert_in_order(plan, repeats=False)
        assert not _parked(lane, plan)

    def test_a_producer_that_was_shut_out_is_followed_by_another(self, kafka: str, unique: str, tmp_path: Path) -> None:
        """Whatever was in its transaction, the brokers are asked, and nothing is lost or rejected twice."""
        lane, plan = self.stage(kafka, unique, tmp_path, partitions=1)
        lane.carry([(b"k%d" % (n % 4), _value(n)) for n in range(5)])
        service = Service(plan)
        lane.until(lambda: _done(plan, lane, 5), what="the first are processed")
        other = lane.topics.producer(**{"transactional.id": self.transactional_id(plan)})
        other.init_transactions(10)
        lane.carry([(b"k%d" % (n % 4), _value(n)) for n in range(5, 40)])
        lane.until(lambda: _done(plan, lane, 40), what="all are processed")
        service.until_says("nobody knows whether a transaction came about")
        service.stop()
        lane.close()
        _assert_in_order(plan, repeats=True)
        assert len(lane.rejections) == len({each.copy for each in lane.rejections})
        assert not _parked(lane, plan)

    def test_a_member_that_the_group_has_given_up_commits_nothing(
        self, kafka: str, unique: str, tmp_path: Path
    ) -> None:
        """It is stopped in the middle of its work, wakes when another has its partitions, and comes back as a new member."""
        lane, plan = self.stage(kafka, unique, tmp_path)
        plan = replace(plan, fixed=False, dawdles={"end": 0.1}, transaction=3_000)
        numbers = count()

        def carry(how_many: int) -> None:
            lane.carry(
                [
                    (b"k%d" % (n % 4), b"%d%b" % (n, b" takes=0.02" if n % 5 else b" fails=1"))
                    for n in islice(numbers, how_many)
                ]
            )

        carry(20)
        first = Service(plan)
        lane.until(lambda: len(_journal(plan)) > 5, what="the first is at work")
        first.process.send_signal(signal.SIGSTOP)
        second = Service(replace(plan, name="two"))
        lane.until(lambda: any(line[0] == "two" for line in _journal(plan)), what="the second is at work")
        carry(20)
        first.process.send_signal(signal.SIGCONT)
        total = next(numbers)
        lane.until(lambda: _done(plan, lane, total), within=40, what="all are processed")
        first.stop()
        second.stop()
        lane.close()
        _assert_in_order(plan, repeats=True)
        assert len(lane.rejections) == len({each.copy for each in lane.rejections})
        assert not _parked(lane, plan)

    def test_long_work_keeps_its_partition_and_moves_no_offset(self, kafka: str, unique: str, tmp_path: Path) -> None:
        """A record that takes longer than a group waits for a poll, and another whose database is away at first."""
        lane, plan = self.stage(kafka, unique, tmp_path, partitions=1)
        lane.carry([(b"k", b"0"), (b"k", b"1 takes=3"), (b"k", b"2 waits=3"), (b"k", b"3")])
        service = Service(plan)
        lane.until(lambda: len(_journal(plan)) == 1, what="the first is processed")
        until(lambda: _committed(plan) == [1], within=5, what="the first is committed")
        lane.until(lambda: len(_journal(plan)) == 4, what="all are processed")
        service.stop()
        lane.close()
        assert [line[2] for line in _journal(plan)] == [0, 1, 2, 3]
        assert _committed(plan) == [4]
        assert lane.rejections == []
        assert (tmp_path / "tries-2").read_bytes() == b"...."

    def test_skip_marks_are_honoured_at_once(self, kafka: str, unique: str, tmp_path: Path) -> None:
        """That of a record in work, and that of one to come: neither processed nor rejected."""
        lane, plan = self.stage(kafka, unique, tmp_path, partitions=1)
        lane.carry([(b"k", b"0"), (b"k", b"1 hangs"), (b"k", b"2"), (b"k", b"3 fails=9"), (b"k", b"4")])
        service = Service(plan)
        lane.until(lambda: len(_journal(plan)) == 1, what="the first is processed")
        _skip(lane, 3)
        _skip(lane, 1)
        lane.until(lambda: len(_journal(plan)) == 3, what="what is not skipped is processed")
        service.stop()
        lane.close()
        assert [line[2] for line in _journal(plan)] == [0, 2, 4]
        assert lane.rejections == []
        assert _committed(plan) == [5]

    def test_a_rejection_carries_all_that_the_record_had(self, kafka: str, unique: str, tmp_path: Path) -> None:
        """Bytes and headers, and why; a predecessor's parking is known to its successor, which rejects what is behind."""
        lane, plan = self.stage(kafka, unique, tmp_path, partitions=1)
        lane.policy = FailurePolicy(retry_ms=(), then=Then.PARK, park_for_ms=None)
        lane.carry([(b"k", b"0 fails=1"), (b"other", b"1"), (b"k", b"2")])
        service = Service(plan)
        lane.until(lambda: len(lane.rejections) == 2, what="both of the key are rejected")
        service.kill()
        failed, behind = lane.rejections
        assert (failed.reason, failed.error, failed.place) == ("out-of-range", "integer out of range", "value:amount")
        assert failed.parks
        assert (failed.record.key, failed.record.value) == (b"k", b"0 fails=1")
        assert dict(failed.record.headers)["tenant"] == b"shop"
        assert behind.behind
        assert behind.copy == Origin(lane.topic, 0, 2)
        # What is written past the lane is in flight when the key is parked.
        lane.topics.produce(
            [{"topic": lane.topic, "partition": 0, "key": "k", "value": "3", "headers": list(behind.record.headers)}]
        )
        service = Service(plan)
        lane.until(lambda: len(lane.rejections) == 3, what="the next of the key is rejected by the successor")
        assert lane.rejections[2].behind
        service.stop()
        lane.close()
        assert [line[2] for line in _journal(plan)] == [1]


def _value(number: int) -> bytes:
    """Every 20th is never processed, some fail once or twice, some find their database away."""
    told = {7: " fails=99", 2: " fails=1", 11: " fails=2", 15: " waits=1"}
    return f"{number}{told.get(number % 20, '')}".encode()


def _journal(plan: Plan) -> list[tuple[str, str, int]]:
    """Who processed what: instance, key, number."""
    path = Path(plan.home) / "journal"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(who, key, int(number)) for _, who, key, number, _ in (line.split() for line in lines)]


def _ended(service: Service, plan: Plan, lane: HandLane, count: int) -> bool:
    return not service.running or _done(plan, lane, count)


def _done(plan: Plan, lane: HandLane, count: int) -> bool:
    """Everything is processed or set aside, and nothing waits."""
    seen = {number for _, _, number in _journal(plan)}
    dead = {int(value.split()[0]) for value in lane.dead}
    return lane.quiet and seen | dead == set(range(count))


def _assert_in_order(plan: Plan, *, repeats: bool) -> None:
    """The first processing of each record comes behind those of all before it of its key."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for _, key, number in _journal(plan):
        by_key[key].append(number)
    for key, found in by_key.items():
        firsts = list(dict.fromkeys(found))
        assert firsts == sorted(firsts), f"{key}: {found}"
        if not repeats:
            assert firsts == found, f"{key}: {found}"
        # A repeat goes back by what was not committed, and on from there without a hole.
        for before, after in pairwise(found):
            known = [number for number in firsts if number <= max(found[: found.index(after) + 1])]
            assert after > before or after in known, f"{key}: {found}"


def _committed(plan: Plan) -> list[int]:
    """The group's stable offsets, by partition."""
    client = Client({"bootstrap.servers": plan.bootstrap, "group.id": plan.group, "log_level": 0})
    try:
        count = len(client.list_topics(plan.topic, timeout=10).topics[plan.topic].partitions)
        return [each.offset for each in client.committed([TopicPartition(plan.topic, n) for n in range(count)], 10)]
    finally:
        client.close()


def _parked(lane: HandLane, plan: Plan) -> dict[bytes | None, bytes]:
    """The keys that are parked, as a new consumer would learn it; all rejections of it are read."""
    found: dict[bytes | None, bytes] = {}
    for log in lane.topics.read(parked_of(plan.topic)):
        for mark in log:
            found.pop(mark.key, None)
            if mark.value is not None:
                found[mark.key] = mark.value
    assert sum(map(len, lane.topics.read(rejected_of(plan.topic)))) == len(lane.rejections) + len(lane.acknowledgements)
    return found


def _skip(lane: HandLane, offset: int) -> None:
    mark = skip_mark(Origin(lane.topic, 0, offset), reason="it kills its consumer", author="ops")
    lane.topics.produce(
        [
            {
                "topic": parked_of(lane.topic),
                "partition": mark.partition,
                "key": mark.key,
                "value": mark.value,
                "headers": list(mark.headers),
            }
        ]
    )
