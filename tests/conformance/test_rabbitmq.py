"""The same exchanges, the same messages: where RabbitMQ itself puts them is where we say they go."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pika
import pytest
from conformance.rabbitmq import RabbitMQ, running_rabbitmq, why_not_here
from exchange.declaring import compiled
from exchange.naive import Asked, Bound, Declared, Published, is_exchange, reached
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import UnroutableError

from router.language.messages import decide_message

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(why_not_here() is not None, reason=why_not_here() or "RabbitMQ is here"),
]

WORDS = ["a", "b", "c", "", "*", "#", "é", "a*"]
NAMES = ["h", "g", "H", "x-h", "X-Up", "x-match", "CC", "BCC"]
VALUES = [
    None,
    1,
    1.0,
    2,
    5.0,
    True,
    False,
    "1",
    "true",
    "",
    "a",
    "é",
    [1],
    [1.0],
    ["1"],
    [True],
    [None],
    [],
    {},
    {"a": 1},
]
X_MATCH = ["all", "any", "all-with-x", "any-with-x"]


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """One server for all tests here."""
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as broker:
        yield broker


@pytest.fixture
def channel(rabbitmq: RabbitMQ) -> Iterator[BlockingChannel]:
    """A channel with publisher confirms; its queues go with it."""
    connection = rabbitmq.connect()
    opened = connection.channel()
    opened.confirm_delivery()
    yield opened
    connection.close()


class Drawing:
    """What is drawn at random, and the same for the same seed; of few words and values, so that much matches."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.queues = [f"q{number}" for number in range(8)]
        self.exchanges = [f"{letter}-{seed}" for letter in "ABCDEF"]
        self.words = self.random.sample(WORDS, 4)
        self.names = self.random.sample(NAMES, 3)
        self.values = self.random.sample(VALUES, 6)

    def exchange(self) -> Declared:
        """Any type but the one whose choices differ by design."""
        alternate = self.random.choice([*self.exchanges, "MISSING"]) if self.random.random() < 0.5 else None
        bindings = [self.binding() for _ in range(self.random.choice([0, 2, 4, 8]))]
        return Declared(
            self.random.choice(["direct", "topic", "fanout", "headers", "headers"]), bindings, alternate, cc=True
        )

    def binding(self) -> Bound:
        """To a queue, or less often to an exchange."""
        to = self.random.choice(self.queues if self.random.random() < 0.7 else self.exchanges)
        values = {
            self.random.choice(self.names): self.random.choice(self.values)
            for _ in range(self.random.choice([0, 1, 1, 2, 3]))
        }
        values.pop("x-match", None)  # in a binding's arguments it is the mode
        return Bound(to, self.key(), Asked(self.random.choice(X_MATCH), values))

    def key(self) -> str:
        """Of words that look alike."""
        return ".".join(self.random.choice(self.words) for _ in range(self.random.choice([0, 1, 1, 2, 2, 3])))

    def message(self) -> Published:
        """With headers, and now and then further keys, which may be no keys."""
        names = [name for name in self.names if name not in ("CC", "BCC")]
        headers: dict[str, Any] = {
            name: self.random.choice(self.values) for name in names if self.random.random() < 0.7
        }
        for name in ("CC", "BCC"):
            if self.random.random() < 0.3:
                listed = [self.key(), self.key(), self.random.choice(self.queues), 5, None, True, ["a"]]
                headers[name] = self.random.choices(listed, k=self.random.randrange(4))
        key = self.random.choice(self.queues) if self.random.random() < 0.1 else self.key()
        return Published(key, headers, typed=True)


def declare(channel: BlockingChannel, exchanges: Mapping[str, Declared], queues: Sequence[str]) -> None:
    """Make it so in RabbitMQ."""
    for queue in queues:
        channel.queue_declare(queue, exclusive=True)
    for name, each in exchanges.items():
        arguments = None if each.alternate is None else {"alternate-exchange": each.alternate}
        channel.exchange_declare(name, each.type, arguments=arguments)
    for name, each in exchanges.items():
        for bound in each.bindings:
            asked = bound.headers or Asked()
            arguments = {"x-match": asked.x_match, **asked.values} if each.type == "headers" else None
            if is_exchange(bound.to):
                channel.exchange_bind(bound.to, name, bound.key or "", arguments)
            else:
                channel.queue_bind(bound.to, name, bound.key or "", arguments)


def publish(channel: BlockingChannel, exchange: str, number: int, message: Published) -> bool:
    """Whether RabbitMQ, having confirmed it, says that the message reached a queue."""
    properties = pika.BasicProperties(headers=dict(message.headers), message_id=str(number))
    try:
        channel.basic_publish(exchange, message.key, b"", properties, mandatory=True)
    except UnroutableError:
        return False
    return True


def taken(channel: BlockingChannel, queue: str) -> Iterator[tuple[int, str, str, Any]]:
    """All that a queue has: the message's number, the exchange and key of its envelope, its headers."""
    while True:
        envelope, properties, _ = channel.basic_get(queue, auto_ack=True)
        if envelope is None:
            return
        yield int(properties.message_id), envelope.exchange, envelope.routing_key, properties.headers


@pytest.mark.parametrize("seed", range(20))
def test_every_queue_has_what_we_decide(channel: BlockingChannel, seed: int) -> None:
    """Random exchanges of four types led into one another, with alternates, further keys and typed headers."""
    drawing = Drawing(seed)
    declared = {name: drawing.exchange() for name in drawing.exchanges}
    topology = compiled(declared, drawing.queues)
    declare(channel, declared, drawing.queues)
    published = [(drawing.random.choice([*drawing.exchanges, ""]), drawing.message()) for _ in range(300)]
    delivered: defaultdict[int, Counter[str]] = defaultdict(Counter)
    routed = [publish(channel, exchange, number, message) for number, (exchange, message) in enumerate(published)]
    for queue in drawing.queues:
        for number, exchange, key, headers in taken(channel, queue):
            delivered[number][queue] += 1
            sent_to, sent = published[number]
            assert (exchange, key) == (sent_to, sent.key)
            assert headers == {name: value for name, value in sent.headers.items() if name != "BCC"}
    for number, (exchange, message) in enumerate(published):
        stated = {"routing_key": message.key, "headers": message.headers}
        ours = decide_message(topology, exchange, stated, template=None, truth=lambda *_: None).to_json()["to"]
        assert ours == delivered[number], (seed, exchange, declared, message)
        assert bool(ours) is routed[number]
        model = reached(declared, exchange, message, topics=drawing.queues)
        assert {name for name in model if not is_exchange(name)} == set(ours)


def test_values_are_equal_where_rabbitmq_says_so(channel: BlockingChannel) -> None:
    """Each kind of value against each: numbers, texts, truth, lists, tables, null."""
    values = [
        *VALUES,
        -0.0,
        0,
        [0.0],
        [-0.0],
        [[]],
        [{}],
        {"a": 1.0},
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
        2**53 + 1,
        2.0**53,
    ]
    bindings = [Bound(f"v{index}", headers=Asked("all", {"h": value})) for index, value in enumerate(values)]
    declared = {"VALUES": Declared("headers", bindings)}
    queues = [bound.to for bound in bindings]
    declare(channel, declared, queues)
    topology = compiled(declared)
    for number, value in enumerate(values):
        publish(channel, "VALUES", number, Published("", {"h": value}, typed=True))
    delivered: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for queue in queues:
        for number, *_ in taken(channel, queue):
            delivered[number][queue] = 1
    for number, value in enumerate(values):
        stated = {"headers": {"h": value}}
        ours = decide_message(topology, "VALUES", stated, template=None, truth=lambda *_: None).to_json()["to"]
        assert ours == delivered[number], value


def test_keys_match_where_rabbitmq_says_so(channel: BlockingChannel) -> None:
    """Every pattern of up to three of the words against every key of them: empty words, wildcards, and look-alikes."""
    some = ["", "a", "b", "*", "#", "a*"]
    keys = [".".join(words) for count in range(4) for words in product(some, repeat=count)]
    keys = list(dict.fromkeys(keys))
    declared = {"KEYS": Declared("topic", [Bound(f"k{index}", key) for index, key in enumerate(keys)])}
    queues = [bound.to for bound in declared["KEYS"].bindings]
    declare(channel, declared, queues)
    topology = compiled(declared)
    for number, key in enumerate(keys):
        publish(channel, "KEYS", number, Published(key))
    delivered: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for queue in queues:
        for number, *_ in taken(channel, queue):
            delivered[number][queue] = 1
    for number, key in enumerate(keys):
        ours = decide_message(topology, "KEYS", {"routing_key": key}, template=None, truth=lambda *_: None).to_json()[
            "to"
        ]
        assert ours == delivered[number], key


def test_hash_chooses_one_queue_by_its_weight(channel: BlockingChannel) -> None:
    """Which one is each ring's own affair; how many of all, and that further keys add none, is not."""
    weights = {"light": 1, "middle": 2, "heavy": 3}
    channel.exchange_declare("HASH", "x-consistent-hash")
    for queue, weight in weights.items():
        channel.queue_declare(queue, exclusive=True)
        channel.queue_bind(queue, "HASH", str(weight))
    declared = {
        "HASH": Declared("consistent-hash", [Bound(to, weight=weight) for to, weight in weights.items()], cc=True)
    }
    topology = compiled(declared)
    ours: Counter[str] = Counter()
    for number in range(1_500):
        headers = {"CC": [f"other-{number}"]}
        assert publish(channel, "HASH", number, Published(f"key-{number}", headers))
        stated = {"routing_key": f"key-{number}", "headers": headers}
        ours.update(decide_message(topology, "HASH", stated, template=None, truth=lambda *_: None).to_json()["to"])
    theirs = {queue: len(list(taken(channel, queue))) for queue in weights}
    for counts in (ours, theirs):
        assert sum(counts.values()) == 1_500
        assert counts == {queue: pytest.approx(250 * weight, rel=0.2) for queue, weight in weights.items()}
