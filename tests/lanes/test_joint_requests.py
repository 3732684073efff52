"""Small produce requests of several lanes as one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from router.lanes import joint_requests
from router.lanes.joint_requests import Apart, JointRequests, Sharing
from router.lanes.produce_requests import LightProduceRequest

NODE = 1


class Broker:
    """Answers what reaches it when it is told to; the offset of each batch is its bytes as a number."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[tuple[str, int]]]] = []
        """By whose connection, and for which partitions."""
        self.came: asyncio.Queue[str] = asyncio.Queue()
        """By whose connection, again, for whoever waits for the next."""
        self.fails: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    def client(self, name: str) -> Any:
        """A lane's own."""

        async def send(node_id: int, request: Any) -> Any:
            assert node_id == NODE
            self.requests.append(
                (name, [(topic, partition) for topic, batches in request._topics for partition, _ in batches])
            )
            self.came.put_nowait(name)
            await self.answers.wait()
            if self.fails is not None:
                raise self.fails
            topics = [
                (topic, [(partition, 0, int(batch), -1, 0) for partition, batch in batches])
                for topic, batches in request._topics
            ]
            return SimpleNamespace(API_VERSION=7, topics=topics)

        return SimpleNamespace(send=send)


def request(*batches: tuple[str, int, bytes]) -> Any:
    """For these partitions, as aiokafka's handler makes it."""
    topics: dict[str, list[tuple[int, bytes]]] = {}
    for topic, partition, batch in batches:
        topics.setdefault(topic, []).append((partition, batch))
    return LightProduceRequest(transactional_id=None, required_acks=-1, timeout=30_000, topics=list(topics.items()))


def offsets(answer: Any) -> list[tuple[str, int, int]]:
    """By topic and partition."""
    return [(topic, about[0], about[2]) for topic, partitions in answer.topics for about in partitions]


class Lanes:
    """Of one worker, each with a client by its name."""

    def __init__(self, *names: str) -> None:
        self.broker = Broker()
        self.joint = JointRequests()
        self.of = {name: Sharing(self.broker.client(name), self.joint) for name in names}

    def send(self, name: str, *batches: tuple[str, int, bytes]) -> asyncio.Task[Any]:
        """Begin to."""
        return asyncio.create_task(self.of[name].send(NODE, request(*batches)))

    async def turn(self) -> None:
        """All that can happen by itself has happened."""
        for _ in range(10):
            await asyncio.sleep(0)


async def test_what_several_lanes_have_at_once_is_one_request() -> None:
    """Each gets the answers for its own batches, by topic, and none of the others'."""
    lanes = Lanes("a", "b")
    first = lanes.send("a", ("x", 0, b"1"), ("y", 0, b"2"))
    second = lanes.send("b", ("y", 1, b"3"), ("x", 1, b"4"), ("x", 5, b"5"))
    assert offsets(await first) == [("x", 0, 1), ("y", 0, 2)]
    assert offsets(await second) == [("x", 1, 4), ("x", 5, 5), ("y", 1, 3)]
    assert lanes.broker.requests == [("a", [("x", 0), ("x", 1), ("x", 5), ("y", 0), ("y", 1)])]


async def test_what_comes_while_one_is_on_its_way_goes_together_behind_it() -> None:
    """However many come."""
    lanes = Lanes("a", "b", "c")
    lanes.broker.answers.clear()
    sent = [lanes.send("a", ("x", 0, b"1"))]
    await lanes.turn()
    sent += [lanes.send("b", ("x", 1, b"2")), lanes.send("c", ("x", 2, b"3"))]
    await lanes.turn()
    assert lanes.broker.requests == [("a", [("x", 0)])]
    lanes.broker.answers.set()
    assert [offsets(each) for each in await asyncio.gather(*sent)] == [[("x", 0, 1)], [("x", 1, 2)], [("x", 2, 3)]]
    assert lanes.broker.requests[1:] == [("b", [("x", 1), ("x", 2)])]


async def test_a_partition_is_in_a_request_once() -> None:
    """A broker refuses one that has two batches of it: the second lane's goes next."""
    lanes = Lanes("a", "b", "c")
    sent = [lanes.send("a", ("x", 0, b"1")), lanes.send("b", ("x", 0, b"2")), lanes.send("c", ("x", 1, b"3"))]
    assert [offsets(each) for each in await asyncio.gather(*sent)] == [[("x", 0, 1)], [("x", 0, 2)], [("x", 1, 3)]]
    assert lanes.broker.requests == [("a", [("x", 0), ("x", 1)]), ("b", [("x", 0)])]


async def test_a_large_request_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its own connection, whatever is on its way."""
    monkeypatch.setattr(joint_requests, "_SMALL", 3)
    lanes = Lanes("a", "b")
    lanes.broker.answers.clear()
    sent = [lanes.send("a", ("x", 0, b"1")), lanes.send("b", ("x", 1, b"22"), ("y", 1, b"33"))]
    await lanes.turn()
    assert sorted(lanes.broker.requests) == [("a", [("x", 0)]), ("b", [("x", 1), ("y", 1)])]
    lanes.broker.answers.set()
    assert offsets((await asyncio.gather(*sent))[1]) == [("x", 1, 22), ("y", 1, 33)]


async def test_a_slow_answer_holds_nobody_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits behind it sends by itself, and so does everybody for a while; then they go together again."""
    monkeypatch.setattr(joint_requests, "_SLOW", 0.01)
    clock = asyncio.get_running_loop().time
    lanes = Lanes("a", "b", "c")
    lanes.broker.answers.clear()
    slow = lanes.send("a", ("x", 0, b"1"))
    assert await asyncio.wait_for(lanes.broker.came.get(), 5) == "a"
    behind = lanes.send("b", ("x", 1, b"2"))
    assert await asyncio.wait_for(lanes.broker.came.get(), 5) == "b"
    after = lanes.send("c", ("x", 2, b"3"))
    await lanes.turn()
    assert [name for name, _ in lanes.broker.requests] == ["a", "b", "c"]
    assert not slow.done()
    lanes.broker.answers.set()
    assert [offsets(await each) for each in (slow, behind, after)] == [[("x", 0, 1)], [("x", 1, 2)], [("x", 2, 3)]]
    now = clock() + 1.1
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    await asyncio.gather(lanes.send("a", ("x", 0, b"4")), lanes.send("b", ("x", 1, b"5")))
    assert lanes.broker.requests[3:] == [("a", [("x", 0), ("x", 1)])]


def test_a_broker_that_paused_costs_lanes_a_second() -> None:
    """Not half a minute of requests that are many and small: of all that they send, these seconds are the slowest."""
    apart = Apart()
    assert not apart.lasts(0.0)
    apart.begin(5.0)
    assert [apart.lasts(now) for now in (5.0, 5.9, 6.0, 100.0)] == [True, True, False, False]


def test_lanes_whose_answers_are_always_late_hardly_ever_go_together() -> None:
    """Each time for twice as long, up to half a minute; whoever comes late meanwhile changes nothing."""
    apart, now, lasted = Apart(), 0.0, []
    for _ in range(8):
        apart.begin(now)
        apart.begin(now + 0.5)
        since = now
        while apart.lasts(now):
            now += 0.5
        lasted.append(now - since)
        # Late again, as soon as they go together.
        now += 0.25
    assert lasted == [1, 2, 4, 8, 16, 30, 30, 30]


def test_half_a_minute_of_prompt_answers_begins_anew() -> None:
    """What was late before then has nothing to do with what is now."""
    apart = Apart()
    apart.begin(0.0)
    apart.begin(2.0)
    apart.begin(4.0 + 29.0)
    assert apart.lasts(33.0 + 3.9)
    apart.begin(37.0 + 30.0)
    assert not apart.lasts(68.0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(KafkaConnectionError("gone"), "KafkaConnectionError: gone", id="a connection that breaks"),
        pytest.param(ValueError("no answer"), "no answer", id="an answer that cannot be read"),
    ],
)
async def test_what_goes_wrong_is_told_to_all_whose_batches_it_was_about(error: Exception, told: str) -> None:
    """Each does about it what it would do alone, and the next request goes as ever: a lane that hears nothing waits for ever."""
    lanes = Lanes("a", "b")
    lanes.broker.fails = error
    failed = await asyncio.gather(
        lanes.send("a", ("x", 0, b"1")), lanes.send("b", ("x", 1, b"2")), return_exceptions=True
    )
    assert [str(each) for each in failed] == [told] * 2
    lanes.broker.fails = None
    assert offsets(await lanes.send("b", ("x", 1, b"2"))) == [("x", 1, 2)]


async def test_a_lane_that_is_given_up_waits_no_more() -> None:
    """What is on its way may arrive; what is not, is not sent, and the others get their answers."""
    lanes = Lanes("a", "b")
    lanes.broker.answers.clear()
    sent = [lanes.send("a", ("x", 0, b"1")), lanes.send("b", ("x", 1, b"2"))]
    await lanes.turn()
    behind = lanes.send("b", ("x", 1, b"3"))
    await lanes.turn()
    lanes.of["b"].withdraw()
    for each in (sent[1], behind):
        with pytest.raises(KafkaConnectionError):
            await each
    lanes.broker.answers.set()
    assert offsets(await sent[0]) == [("x", 0, 1)]
    await lanes.turn()
    assert len(lanes.broker.requests) == 1


async def test_a_client_is_let_go_of_when_no_others_batches_are_on_its_connection() -> None:
    """Else they would have to be sent once more."""
    lanes = Lanes("a", "b")
    lanes.broker.answers.clear()
    sent = [lanes.send("a", ("x", 0, b"1")), lanes.send("b", ("x", 1, b"2"))]
    await lanes.turn()
    await lanes.of["b"].settled()
    settled = asyncio.ensure_future(lanes.of["a"].settled())
    await lanes.turn()
    assert not settled.done()
    lanes.broker.answers.set()
    await asyncio.gather(settled, *sent)


async def test_a_loop_that_ends_ends_all_that_wait() -> None:
    """Nobody is left waiting for an answer that cannot come."""
    lanes = Lanes("a", "b")
    lanes.broker.answers.clear()
    sent = [lanes.send("a", ("x", 0, b"1"))]
    await lanes.turn()
    sent += [lanes.send("b", ("x", 1, b"2"))]
    await lanes.turn()
    (task,) = [each for each in asyncio.all_tasks() if each.get_name() == f"joint requests to {NODE}"]
    task.cancel()
    found: Sequence[Any] = await asyncio.gather(*sent, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in found)
