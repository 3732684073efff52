"""Sending again by hand what was set aside: once each, to the consumer that failed, in the place of its key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, TopicPartition
from support.proof import Proof
from support.rejecting import RejectingConsumer
from support.stage import Stage, event
from support.waiting import until
from support.worker import Worker

from bench.running import Peak
from router.commands import main
from router.failure.audit import AUDIT
from router.failure.commands import REDRIVEN
from router.failure.ledger import Ledger, ledger_of
from router.language.topics import changelog_of

pytestmark = pytest.mark.process

PARTITIONS = 2
ROUTES = """
version: 1
team: shop
exchanges:
  events: {type: topic, sources: [@event.v1], routing-key: "{colour}"}
topics:
  @all.event.v1: {from: [{exchange: events}]}
  @vip.event.v1:
    failure: {retry: [], then: dead-letter}
    from: [{exchange: events}]
"""
EVENT, VIP, ALL = "@event.v1", "@vip.event.v1", "@all.event.v1"


class Desk:
    """A shop one of whose consumers rejects, and somebody who redrives."""

    def __init__(self, stage: Stage, *, then: str = "dead-letter") -> None:
        self.stage = stage
        stage.routes(shop=ROUTES.replace("then: dead-letter", f"then: {then}"))
        beside = (f"{EVENT}.unroutable", f"{EVENT}.dead-letters", f"{VIP}.rejected", f"{VIP}.dead-letters")
        stage.create(EVENT, VIP, ALL, *beside, partitions=PARTITIONS)
        stage.create(f"{VIP}.parked", partitions=PARTITIONS, cleanup_policy="compact")
        stage.topics.create(
            changelog_of(stage.group, stage.name(EVENT)), partitions=PARTITIONS, cleanup_policy="compact"
        )

    def produce(self, numbers: Iterable[int]) -> None:
        """Produce events: event n has the key n % 10, and partition n % 2."""
        self.stage.topics.produce(
            {"topic": self.stage.name(EVENT), "key": key_of(number), "value": event(number), "partition": number % 2}
            for number in numbers
        )

    def set_aside(self, numbers: Iterable[int], *, beside: str = VIP, reason: str = "failed") -> None:
        """Lay dead letters of these events, as lanes do: event n is at offset n // 2."""
        name = self.stage.name
        of_vip = [
            ("router-destination", name(VIP).encode()),
            *Ledger().died(name(VIP), reason, 1_000).headers(),
        ]
        self.stage.topics.produce(
            {
                "topic": name(f"{beside}.dead-letters"),
                "key": key_of(number),
                "value": event(number),
                "partition": number % 2,
                "headers": [
                    ("number", b"%d" % number),
                    ("router-origin", f"{name(EVENT)}/{number % 2}/{number // 2}".encode()),
                    ("router-hop", b"1;r;w;ZnRQJRamQwuBSbkgKP2Erw;1;1;e49962df;"),
                    ("router-reason", reason.encode()),
                    ("router-error", b"no %d" % number),
                    *(of_vip if beside == VIP else []),
                ],
            }
            for number in numbers
        )

    @property
    def environ(self) -> dict[str, str]:
        """Of somebody who works with this shop."""
        return {
            "USER": "ada",
            "ROUTER_BROKER": self.stage.bootstrap,
            "ROUTER_GROUP": self.stage.group,
            "ROUTER_ROUTES": str(self.stage.home / "routes"),
            "ROUTER_SCHEMAS": str(self.stage.home / "schemas"),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command, as somebody at a terminal does."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
        return subprocess.Popen(
            [sys.executable, "-c", "from router.commands import main; main()", *arguments],
            env=others | self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Run a command in this process; the JSON that it tells."""
        result = CliRunner().invoke(main, arguments, env=self.environ)
        assert result.exit_code == code, (result.output, result.exception)
        return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]

    def redrive(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Redrive what lies beside the topic whose consumer rejects."""
        topic = self.stage.name(VIP)
        return self.run("dead-letters", "redrive", topic, "--json", "--reason", "fixed", *arguments, code=code)

    def audit(self, command: str) -> list[dict[str, Any]]:
        """The events of a command."""
        (log,) = self.stage.read(AUDIT)
        return [json.loads(each.value or b"") for each in log if each.key == command.encode()]

    def redriven(self, topic: str) -> Counter[bytes | None]:
        """By value, how often each was sent again."""
        return Counter(each.value for log in self.stage.read(topic) for each in log if each.header(REDRIVEN))


def key_of(number: int) -> bytes:
    """The key of an event."""
    return b"key-%d" % (number % 10)


def test_dead_letter_reaches_only_the_consumer_that_failed_and_once(stage: Stage) -> None:
    """A dry run changes nothing, the same command twice sends nothing twice, and the audit tells who did what."""
    desk = Desk(stage)
    failing = {event(4), event(7)}
    consumer = RejectingConsumer(
        stage.bootstrap, stage.name(VIP), partitions=PARTITIONS, fails=lambda record: record.value in failing
    )
    stage.worker().until_ready(lanes=PARTITIONS)
    desk.produce(range(20))

    def turned(*numbers: int) -> bool:
        consumer.turn()
        return {event(number) for number in numbers} <= {each.value for each in consumer.looked_at if not each.failed}

    until(lambda: turned(*(n for n in range(20) if n not in {4, 7})), within=40, what="the others are processed")
    until(lambda: sum(map(len, stage.read(f"{VIP}.dead-letters"))) == 2, within=20, what="two died")
    failing.clear()
    (planned,) = desk.redrive("--dry-run")
    assert (planned["plan"]["meant"], planned["plan"]["copies"]) == (2, 2)
    assert planned["plan"]["sending"][0]["by_lanes"]
    told, ended = desk.redrive("--yes", "--key", "key-4")
    assert (told["plan"]["meant"], ended["done"]["letters"]) == (1, 1)
    assert ended["lanes"] == [
        {"topic": stage.name(VIP), "lane": f"{stage.name(EVENT)}/0", "got": 1, "written": 1, "joined": 0}
    ]
    until(lambda: turned(4), within=20, what="the one is processed")
    assert not turned(7)
    _, again = desk.redrive("--yes", "--key", "key-4")
    assert (again["done"]["letters"], again["done"]["sent_before"]) == (0, 1)
    assert desk.redriven(VIP) == {event(4): 1}
    assert desk.redriven(ALL) == {}
    (copy,) = [each for log in stage.read(VIP) for each in log if each.header(REDRIVEN)]
    assert copy.header("router-origin") == f"{stage.name(EVENT)}/0/2".encode()
    assert ledger_of(copy.headers).count(stage.name(VIP)) == 1
    events = desk.audit(told["command"])
    assert [each["type"] for each in events] == [
        "router.redrive.begun", "router.redrive.ended", "router.redrive.carried"
    ]  # fmt: skip
    assert {(each["data"].get("author"), each["data"].get("reason")) for each in events[:2]} == {("ada", "fixed")}


def test_killed_worker_and_interrupted_command_send_each_once(stage: Stage) -> None:
    """Some thousands, with the worker killed in their middle, and the command ended by ctrl-C and taken up again."""
    count = 3_000
    desk = Desk(stage)
    desk.set_aside(range(count))
    worker = stage.worker(standbys="0").until_ready(lanes=PARTITIONS)
    command = desk.start(
        "dead-letters", "redrive", stage.name(VIP), "--yes", "--reason", "fixed", "--rate", "1500", "--json"
    )
    until(lambda: sum(desk.redriven(VIP).values()) > 300, within=30, what="some were sent")
    worker.kill()
    command.send_signal(signal.SIGINT)
    told, _ = command.communicate(timeout=30)
    assert command.returncode == 130, told
    planned, ended = (json.loads(line) for line in told.splitlines() if line.startswith("{"))
    assert ended["interrupted"]
    assert 0 < ended["done"]["letters"] < count
    worker.start().until_ready(lanes=PARTITIONS)
    _, resumed = desk.run("dead-letters", "redrive", "--resume", planned["command"], "--yes", "--json", "--rate", "0")
    assert resumed["done"]["letters"] == count - ended["done"]["letters"]
    assert resumed["done"]["sent_before"] == ended["done"]["letters"]
    until(lambda: sum(desk.redriven(VIP).values()) >= count, within=30, what="all were sent")
    assert desk.redriven(VIP) == dict.fromkeys((event(number) for number in range(count)), 1)
    assert sum(lane["written"] for lane in resumed["lanes"]) == count
    _, again = desk.redrive("--yes")
    assert (again["done"]["letters"], again["done"]["sent_before"]) == (0, count)
    types = [each["type"] for each in desk.audit(planned["command"])]
    assert types[:3] == ["router.redrive.begun", "router.redrive.interrupted", "router.redrive.begun"]


def test_whole_records_go_where_the_routes_of_today_say(stage: Stage) -> None:
    """Directly where nothing is kept back, by its lane where a consumer may reject; and what was skipped stays."""
    desk = Desk(stage)
    desk.set_aside(range(6), beside=EVENT, reason="unreadable")
    stage.worker().until_ready(lanes=PARTITIONS)
    name = stage.name(EVENT)
    usual = (name, "--yes", "--json", "--reason", "the schema was late")
    _, skipped = desk.run("dead-letters", "skip", *usual, "--key", "key-3")
    assert skipped["done"]["letters"] == 1
    _, ended = desk.run("dead-letters", "redrive", *usual)
    assert (ended["done"]["letters"], ended["done"]["copies"], ended["done"]["skipped_before"]) == (5, 10, 1)
    wanted = {event(number): 1 for number in range(6) if number != 3}
    until(lambda: desk.redriven(VIP) == wanted, within=20, what="the lanes have sent theirs")
    assert desk.redriven(ALL) == wanted
    assert desk.run("dead-letters", "redrive", *usual)[1]["done"]["letters"] == 0
    assert [desk.run("dead-letters", "list", name, *more, "--json")[0]["deaths"] for more in ((), ("--open",))] == [
        6,
        0,
    ]


def test_changed_value_is_checked_and_sent(stage: Stage) -> None:
    """One that does not fit says so; one that does reaches the consumer, and the audit."""
    desk = Desk(stage)
    desk.set_aside([4])
    stage.worker().until_ready(lanes=PARTITIONS)
    place = f"{stage.name(VIP)}.dead-letters/0/0"
    file = stage.home / "value.json"
    file.write_text('{"number": "many", "colour": "red"}')
    usual = ("dead-letters", "edit", place, "--value", str(file), "--reason", "agreed", "--yes", "--json")
    desk.run(*usual, code=1)
    file.write_text('{"number": 44, "colour": "red"}')
    _, ended = desk.run(*usual)
    assert ended["done"]["letters"] == 1
    until(lambda: desk.redriven(VIP) == {event(44, "red"): 1}, within=20, what="it is sent")
    assert desk.audit(ended["command"])[0]["type"] == "router.edit.begun"


def test_parked_key_is_listed_and_let_go(stage: Stage) -> None:
    """With how much waits; it flows on in order, and a second release finds nothing to do."""
    desk = Desk(stage, then="park")
    failing = {event(4)}
    consumer = RejectingConsumer(
        stage.bootstrap, stage.name(VIP), partitions=PARTITIONS, fails=lambda record: record.value in failing
    )
    stage.worker().until_ready(lanes=PARTITIONS)
    desk.produce([4, 14])

    def listed() -> list[dict[str, Any]]:
        consumer.turn()
        return desk.run("parked", "list", stage.name(VIP), "--json")

    until(lambda: [each["came_back"] for each in listed()] == [2], within=30, what="the key is parked")
    desk.produce([24])
    until(lambda: [each["held"] for each in listed()] == [1], within=20, what="what comes later waits")
    (told,) = listed()
    assert (told["key"], told["state"], told["lane"]) == ("key-4", "parked", f"{stage.name(EVENT)}/0")
    failing.clear()
    usual = ("parked", "release", stage.name(VIP), "--key", "key-4", "--yes", "--reason", "fixed")
    desk.run(*usual)

    def processed() -> list[bytes | None]:
        consumer.turn()
        return [each.value for each in consumer.looked_at if not each.failed]

    until(lambda: len(processed()) == 3, within=20, what="all are processed")
    assert processed() == [event(4), event(14), event(24)]
    until(lambda: listed() == [], within=20, what="no key waits")
    (log,) = stage.read(AUDIT)
    last = [json.loads(each.value or b"") for each in log if each.header("content-type")][-1]
    assert (last["type"], last["data"]["author"], last["subject"]) == ("router.parked.released", "ada", stage.name(VIP))


def test_record_is_skipped_for_a_group_whose_consumers_are_stopped(stage: Stage) -> None:
    """While they run, its members are named and nothing is moved; then a dry run, the deed, and nothing more to do."""
    desk, topic, group = Desk(stage), stage.name("@plain"), f"{stage.group}-plain"
    stage.create("@plain")
    stage.topics.produce({"topic": topic, "key": b"k", "value": b"%d" % number} for number in range(5))
    consumer = Consumer(
        {"bootstrap.servers": stage.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
         "enable.auto.commit": False, "session.timeout.ms": 6_000, "client.id": "the-app"}
    )  # fmt: skip
    consumer.subscribe([topic])
    read = until(lambda: consumer.poll(0.5), within=30, what="the group reads")
    consumer.commit(message=read, asynchronous=False)
    usual = ("offsets", "skip", group, topic, "0", "1", "--reason", "does not fit", "--yes")
    refused = CliRunner().invoke(main, usual, env=desk.environ)
    assert refused.exit_code == 1
    assert "is active (Stable)" in refused.output
    assert "the-app on 127.0.0.1" in refused.output
    consumer.close()

    def standing() -> dict[str, Any]:
        (told,) = desk.run("offsets", "show", group, topic, "0", "--json")
        return told

    until(lambda: not standing()["active"], within=20, what="the group is left")
    desk.run(*usual, "--dry-run")
    assert standing()["committed"] == 1
    done = CliRunner().invoke(main, usual, env=desk.environ)
    assert "will read on at 2" in done.output, done.output
    assert standing()["committed"] == 2
    assert "nothing to do" in CliRunner().invoke(main, usual, env=desk.environ).output
    (log,) = stage.read(AUDIT)
    told = [json.loads(each.value or b"") for each in log]
    (event,) = [each for each in told if each["subject"] == f"{topic}/0/1"]
    assert (event["type"], event["data"]["from"], event["data"]["to"]) == ("router.offsets.skipped", 1, 2)


TOKEN = "a-token-of-24-characters"


def ask(worker: Worker, path: str, body: dict[str, Any] | None = None, *, token: str = TOKEN) -> tuple[int, Any]:
    """Status and answer of a worker's API; a body makes it a POST."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{worker.port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_commands_over_http_want_the_token_a_name_and_a_reason(stage: Stage) -> None:
    """The same plan, deed and audit as from the command line, and the keys that wait."""
    desk = Desk(stage)
    desk.set_aside(range(6))
    worker = stage.worker(api_token=TOKEN).until_ready(lanes=PARTITIONS)
    meant = {"topics": [stage.name(VIP)], "selection": {"key": "key-4"}}
    for path, body in (("/api/dead-letters/redrive", meant), ("/api/parked/release", {}), ("/api/parked", None)):
        assert ask(worker, path, body, token="wrong" * 5)[0] == 401
    status, told = ask(worker, "/api/dead-letters/plan", meant)
    assert (status, told["plan"]["meant"], told["plan"]["looked_at"]) == (200, 1, 6)
    status, told = ask(worker, "/api/dead-letters/redrive", meant | {"reason": "fixed"})
    assert (status, told["reason"]) == (400, "wrong-question")
    assert "nobody is known" in told["message"]
    status, begun = ask(worker, "/api/dead-letters/redrive", meant | {"reason": "fixed", "author": "ada"})
    assert (status, begun["author"]) == (202, "ada")

    def ended() -> Any:
        told = ask(worker, f"/api/commands/{begun['command']}")[1]
        return told if told["state"] != "running" else None

    told = until(ended, within=30, what="the command has ended")
    assert (told["state"], told["done"]["letters"], told["lanes"][0]["written"]) == ("ended", 1, 1)
    assert desk.redriven(VIP) == {event(4): 1}
    assert desk.audit(begun["command"])[0]["type"] == "router.redrive.begun"
    assert ask(worker, "/api/parked") == (200, {"keys": []})
    assert ask(worker, "/api/commands/nowhere")[0] == 404
    group = f"/api/offsets?group={stage.group}&topic={stage.name(EVENT)}&partition=0"
    assert ask(worker, group, token="wrong" * 5)[0] == 401
    status, told = ask(worker, group)
    assert (status, told["standing"]["active"]) == (200, True)
    place = f"{stage.name(VIP)}.dead-letters/0/0"
    status, told = ask(
        worker, "/api/dead-letters/plan", {"kind": "edit", "at": place, "value": '{"number": 1, "colour": "red"}'}
    )
    assert (status, told["plan"]["letters"]) == (200, 1)
    status, told = ask(worker, "/api/replays/plan", {"topic": stage.name(VIP), "from": "0"})
    assert (status, told["plan"]["meant"]) == (200, 0)
    assert ask(worker, "/api/replays/ff")[0] == 404


FEW, MANY = 100_000, 300_000
"""Of fewer, no partition has as many as are held at a time."""


@pytest.mark.proof
def test_many_are_sent_once_each_in_order_and_in_constant_memory(stage: Stage, proof: Proof) -> None:
    """First a third, then all: each once at the consumer's topic, each key's in its order, in as much memory."""
    desk = Desk(stage)
    desk.set_aside(range(FEW))
    stage.worker().until_ready(lanes=PARTITIONS)
    few = _without_a_cap(desk, FEW)
    desk.set_aside(range(FEW, FEW + MANY))
    many = _without_a_cap(desk, MANY)
    sent, met = Counter[bytes](), dict[bytes, int]()
    for key, value, number in _all_of(stage, VIP):
        sent[value] += 1
        assert met.get(key, -1) < number, f"{key!r}: {number} behind {met[key]}"
        met[key] = number
    assert sent == dict.fromkeys((event(number) for number in range(FEW + MANY)), 1)
    assert len(met) == 10
    assert desk.redriven(ALL) == {}
    # How much is held at a time differs from run to run; 200,000 records more would be 200 MB.
    assert many.memory < few.memory + 64, "memory grows with the letters"
    rows = [
        f"| {count:,} | {found.seconds:.2f} | {count / found.seconds:,.0f} | {found.cpu / count * 1e6:.0f} | {found.memory:.0f} MB |"
        for count, found in ((FEW, few), (MANY, many))
    ]
    head = "| dead letters | seconds | letters/s | command, CPU µs a letter, dry run included | its memory at most |"
    lines = [
        head,
        "|--:|--:|--:|--:|--:|",
        *rows,
        "",
        f"Each of the {FEW + MANY:,} is once in the consumer's topic, and no key's are out of order; no other topic has any of them. Seconds go",
        "from the command's first event to the last lane's answer. One worker, one broker, on the same machine; its load was",
        f"{os.getloadavg()[0]:.1f} at the end.",
    ]
    proof.write("redrive", "\n".join(lines))


def _all_of(stage: Stage, topic: str) -> Iterator[tuple[bytes, bytes, int]]:
    """Key, value and number of every committed record, a partition's in their order: as many as this are not read in seconds."""
    consumer = Consumer(
        {
            "bootstrap.servers": stage.bootstrap,
            "group.id": "books",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(stage.name(topic), number, 0) for number in range(PARTITIONS)])
    ended = 0
    while ended < PARTITIONS:
        for message in consumer.consume(5_000, 20.0):
            if message.error() is not None:
                ended += 1
                continue
            number = dict(message.headers() or [])["number"]
            yield message.key() or b"", message.value() or b"", int(number)
    consumer.close()


@dataclass(frozen=True)
class _Found:
    seconds: float
    cpu: float
    memory: float
    """MB."""


def _without_a_cap(desk: Desk, count: int) -> _Found:
    """Redrive so many, as a process of its own."""
    topic = desk.stage.name(VIP)
    process = desk.start("dead-letters", "redrive", topic, "--yes", "--reason", "fixed", "--rate", "0", "--json")
    assert process.stdout is not None
    peak = Peak(process.pid)
    told = process.stdout.read()
    memory = peak.end()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, told
    planned, ended = (json.loads(line) for line in told.splitlines() if line.startswith("{"))
    assert ended["done"]["letters"] == sum(lane["written"] for lane in ended["lanes"]) == count
    times = [datetime.fromisoformat(each["time"]) for each in desk.audit(planned["command"])]
    seconds = (max(times) - min(times)).total_seconds()
    return _Found(seconds, usage.ru_utime + usage.ru_stime, memory / 1e6)
