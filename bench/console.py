"""How long the console's pages take with a table of very many keys, through its web server, on tables that real workers hold.

A changelog of so many keys in four partitions, as lanes would have written it: a tenth of them hold a record and have waited for up to
an hour, a hundredth went on without something, a twentieth are parked; and dead letters in thousands. Two workers restore it onto their disks and carry;
each page is then asked for through the console, as people do, several times; the first time counts as well, and the worst is told.
`python -m bench console` runs it.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

import fastavro
from confluent_kafka import Producer

from bench.errors import BenchError
from bench.feeding import create, delete
from bench.report import markdown
from bench.session import Shown
from bench.watched import Watched
from router.failure import stored as kept
from router.failure.parking import Back, KeyState, Phase
from router.failure.topics import parked_of, rejected_of
from router.language.topics import changelog_of
from router.order.effects import Held
from router.order.sequence import SequenceState
from router.order.stored import encode_record, encode_state, record_key, state_key
from router.records.record import PlainRecord

__all__ = ["LIST_MS", "ORDER_MS", "PREFIX_MS", "Looked", "looked", "table"]

LIST_MS, PREFIX_MS, ORDER_MS = 300.0, 1_000.0, 1_000.0
"""Milliseconds that a list's first page may take, one that is filtered by prefix, and all about one key."""
_PARTITIONS = 4
_WAIT = 24 * 3_600_000
_EACH = 5
_LETTERS = 20_000
_TRANSACTION = 50_000
_WAITS_EACH, _LATE_EACH, _PARKED_EACH = 10, 100, 20
_SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "string"}, {"name": "number", "type": "long"}],
}
_ROUTES = """
version: 1
team: bench
exchanges:
  orders: {{type: topic, sources: [{source}], key: id, routing-key: "{{id}}", order: {{by: id, sequence: number, wait: 24h}}}}
topics:
  all.{source}:
    failure: {{retry: [], then: park}}
    from: [{{exchange: orders}}]
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """One page."""

    what: str
    most: float
    """Milliseconds that it may take."""
    took: Sequence[float]
    """Milliseconds, in turn."""
    found: str
    """What it had, in words."""


def _key(number: int) -> bytes:
    return b"order-%012d" % number


def _entries(source: str, number: int, now: int) -> list[tuple[bytes, bytes]]:
    """What a table keeps of a key."""
    key, partition = _key(number), number % _PARTITIONS
    if number % _PARKED_EACH == 1:
        return [(state_key(key), encode_state(SequenceState(5, now - number))), *_parked(source, number, now)]
    skipped = ((2, 3),) if number % _LATE_EACH == 0 else ()
    if number % _WAITS_EACH:
        return [(state_key(key), encode_state(SequenceState(number % 7 + 4, now - number, skipped=skipped)))]
    # They come in no order of their keys.
    since = now - number * 7_919 % 3_600_000
    state = SequenceState(5, since, skipped=skipped, held=(Held(6, number, since),))
    record = PlainRecord(
        topic=source, partition=partition, offset=number, timestamp=since, key=key, value=_value(number)
    )
    return [(state_key(key), encode_state(state)), (record_key(key, number), encode_record(record))]


def _parked(source: str, number: int, now: int) -> list[tuple[bytes, bytes]]:
    """What a table keeps of a key whose consumer rejected a copy."""
    at, place = kept.state_key(f"all.{source}", kept.by_key(_key(number))), (number % _PARTITIONS, number)
    back = Back(place, number, None, parked=True)
    record = PlainRecord(
        topic=f"all.{source}", partition=place[0], offset=number, timestamp=now - number, key=_key(number), value=b"x"
    )
    state = KeyState(phase=Phase.PARKED, awaited=True, first=place, back=(back,), handled=(place,), active=now)
    return [(at, kept.encode_state(state)), (kept.back_key(at, place), encode_record(record))]


def _value(number: int) -> bytes:
    text = b"order-%012d" % number
    return bytes([2 * len(text)]) + text + b"\x0c"


def _produce(producer: Producer, topic: str, partition: int, key: bytes, value: bytes, headers: object = None) -> None:
    while True:
        try:
            producer.produce(topic, key=key, value=value, partition=partition, headers=headers)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def _fill(watched: Watched, source: str, *, keys: int, done: Callable[[int], None]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": watched.bootstrap, "transactional.id": f"bench-console-{source}", "linger.ms": 20,
            "batch.num.messages": 10_000, "queue.buffering.max.messages": 200_000, "log_level": 3,
        }
    )  # fmt: skip
    changelog, letters = changelog_of(watched.group, source), f"{source}.dead-letters"
    now = round(time.time() * 1000)
    producer.init_transactions(60)
    for first in range(0, keys, _TRANSACTION):
        producer.begin_transaction()
        for number in range(first, min(keys, first + _TRANSACTION)):
            for entry, value in _entries(source, number, now):
                _produce(producer, changelog, number % _PARTITIONS, entry, value)
        producer.commit_transaction(60)
        done(min(keys, first + _TRANSACTION))
    producer.begin_transaction()
    for number in range(_LETTERS):
        headers = [
            ("router-reason", b"unreadable"), ("router-origin", f"{source}/{number % _PARTITIONS}/{number}".encode()),
            ("router-error", b"value ends after %d bytes" % (number % 97)),
        ]  # fmt: skip
        _produce(producer, letters, number % _PARTITIONS, _key(number), _value(number)[:5], headers)
    producer.commit_transaction(60)


def _prepare(watched: Watched, source: str) -> list[str]:
    (watched.home / "routes").mkdir()
    (watched.home / "schemas" / "order").mkdir(parents=True)
    (watched.home / "routes" / "bench.yaml").write_text(_ROUTES.format(source=source), encoding="utf-8")
    (watched.home / "schemas" / "order" / "v1.avsc").write_text(json.dumps(_SCHEMA), encoding="utf-8")
    fastavro.parse_schema(_SCHEMA)
    copies = f"all.{source}"
    plain = [source, copies, rejected_of(copies), f"{source}.dead-letters", f"{source}.unroutable"]
    create(watched.bootstrap, [*plain, f"{copies}.dead-letters"], partitions=_PARTITIONS)
    compacted = [changelog_of(watched.group, source), parked_of(copies)]
    create(watched.bootstrap, compacted, partitions=_PARTITIONS, config={"cleanup.policy": "compact"})
    return [*plain, f"{copies}.dead-letters", *compacted]


def looked(bootstrap: str, *, keys: int, show: Shown) -> list[Looked]:
    """All pages. Raises BenchError where one does not answer, or does not have what it must."""
    word = f"bench{time.time_ns() % 10**9}"
    source = f"{word}.order.v1"
    with tempfile.TemporaryDirectory(prefix="router-console-", ignore_cleanup_errors=True) as directory:
        watched = Watched(bootstrap, word, Path(directory), settings={"ROUTER_STANDBYS": "0"})
        topics = _prepare(watched, source)
        try:
            with show(f"a changelog of {keys:,} keys", keys) as done:
                _fill(watched, source, keys=keys, done=done)
            with show("two workers restore them", 1) as done, watched:
                watched.until_ready(lanes=_PARTITIONS)
                watched.start_console()
                path = f"/api/v1/tables/{source}?state=waiting&limit=1"
                watched.until(lambda: not json.loads(watched.get(path)[2]).get("unanswered", [1]), "all answer")
                done(1)
                return _look(watched, source, keys=keys, show=show)
        finally:
            delete(bootstrap, topics)


def _look(watched: Watched, source: str, *, keys: int, show: Shown) -> list[Looked]:
    at, waits = f"/tables/{source}", random.Random(7).randrange(keys // 10) * 10
    some, one = _key(keys * 7 // 8).decode()[:-3], _key(waits).decode()
    rare = _key(keys * 3 // 4).decode()[:-1]
    pages: Sequence[tuple[str, float, str]] = (
        ("a table's first page", LIST_MS, at),
        ("… a page of 500", LIST_MS, f"{at}?limit=500"),
        ("… those that wait longest", LIST_MS, f"{at}?sort=waiting"),
        ("… of these, those that begin so", PREFIX_MS, f"{at}?sort=waiting&prefix={some}"),
        ("… that begin so", PREFIX_MS, f"{at}?prefix={some}"),
        ("… that begin so, ten of all", PREFIX_MS, f"{at}?prefix={rare}"),
        ("… that begin so and wait", PREFIX_MS, f"{at}?prefix={some}&state=waiting"),
        ("… that begin as none does", PREFIX_MS, f"{at}?prefix=nobody&state=waiting"),
        ("… that wait", LIST_MS, f"{at}?state=waiting"),
        ("… that are overdue", LIST_MS, f"{at}?state=overdue"),
        ("… that are idle", LIST_MS, f"{at}?state=idle"),
        ("… that are late", LIST_MS, f"{at}?state=late"),
        ("… that are unreadable: none is", LIST_MS, f"{at}?state=unreadable"),
        ("… by CEL: `last > 8`", LIST_MS, f"{at}?where={quote('last > 8')}"),
        ("… by CEL, of those that wait longest", LIST_MS, f"{at}?sort=waiting&where={quote('partition == 2')}"),
        ("… by CEL, that none is", LIST_MS, f"{at}?where={quote('holds > 3')}"),
        ("the tables", LIST_MS, "/tables"),
        ("the overview", LIST_MS, "/"),
        ("the topics", LIST_MS, "/topics"),
        ("dead letters by cause", LIST_MS, "/dead-letters"),
        ("parked keys", LIST_MS, "/parked"),
        ("all about one key that waits", ORDER_MS, f"/keys/{one}"),
        ("all about a key that is not there", ORDER_MS, "/keys/nobody"),
    )
    found = []
    with show("pages", len(pages)) as done:
        for number, (what, most, path) in enumerate(pages, 1):
            took = []
            for _ in range(_EACH):
                status, seconds, body = watched.get(path)
                if status != 200:
                    raise BenchError(f"{path} was answered with {status}: {body[:500]!r}")
                took.append(seconds * 1e3)
            found.append(Looked(what, most, took, _found(watched, path)))
            done(number)
    return found


def _found(watched: Watched, path: str) -> str:
    """What the same question has as JSON."""
    status, _, body = watched.get(f"/api/v1{'/overview' if path == '/' else path}")
    told = json.loads(body) if status == 200 else {}
    if told.get("unanswered") or told.get("problem"):
        raise BenchError(f"{path} is not whole: {told.get('unanswered') or told.get('problem')}")
    if "looked" in told and isinstance(told["looked"], int):
        more = ", there are more" if told["cursor"] else ""
        return f"{len(told['keys']):,} keys; looked at {told['looked']:,}{more}"
    for name in ("events", "deaths", "keys", "topics", "tables"):
        if name in told:
            count = told[name] if isinstance(told[name], int) else len(told[name])
            return f"{count:,} {name}"
    return ""


def table(columns: Mapping[int, Sequence[Looked]]) -> str:
    """As Markdown, a row a page."""
    texts = []
    for keys, pages in columns.items():
        head = {f"with {keys:,} keys": "---", "median, ms": "--:", "worst, ms": "--:", "may take": "--:", "has": "---"}
        rows = [
            [each.what, f"{median(each.took):,.0f}", f"{max(each.took):,.0f}", f"{each.most:,.0f}", each.found]
            for each in pages
        ]
        texts.append(markdown(head, rows))
    return "\n\n".join(texts)
