"""What a Kafka holds: the ends of topics, how far a group has come, and the records themselves. Adapts confluent-kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from router.develop.errors import KafkaUnreachable
from router.develop.reconcile import Ledger, Tally, fingerprint

__all__ = ["KafkaWatch", "Offsets"]

Offsets = dict[tuple[str, int], int]
"""An offset for each topic and partition."""

_ANSWER_WITHIN_S = 10.0
_ASK_AGAIN_S = 0.1
_LED_WITHIN_S = 30.0
"""How long a Kafka that does answer may be finding out who leads what: on a busy machine it takes its time over new topics."""
_AT_ONCE = 5_000
_PASSING = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)


class KafkaWatch:
    """Looks at one Kafka and changes nothing in it. Every method raises `KafkaUnreachable` when it does not answer."""

    def __init__(self, bootstrap: str, *, within: float = _ANSWER_WITHIN_S) -> None:
        """Each question is given `within` seconds to be answered."""
        self._bootstrap = bootstrap
        self._within = within
        # Silent: what goes wrong is told by our own errors, and librdkafka would write into the middle of the picture.
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._groups: dict[str, Consumer] = {}
        """One to ask for each group's offsets; none of them ever joins its group."""

    def partitions(self, topics: Collection[str]) -> dict[str, int]:
        """How many partitions each of these topics has; those that do not exist are left out."""
        try:
            known = self._admin.list_topics(timeout=self._within).topics
        except KafkaException as error:
            raise self._unreachable(error) from error
        return {topic: len(known[topic].partitions) for topic in topics if topic in known}

    def ends(self, partitions: Mapping[str, int]) -> Offsets:
        """The offset behind the last record of each partition of these topics."""
        return self._offsets(partitions, OffsetSpec.latest())

    def lag(self, group: str, partitions: Mapping[str, int]) -> dict[str, int]:
        """For each topic, how many records it has behind what the group has committed."""
        first = self._offsets(partitions, OffsetSpec.earliest())
        committed = self._answer(lambda: self._committed(group, first))
        lags = dict.fromkeys(partitions, 0)
        # After the committed offsets, so that a record which is committed meanwhile never counts as a negative lag.
        for each, end in self.ends(partitions).items():
            position = committed.get(each, OFFSET_INVALID)
            lags[each[0]] += max(0, end - max(position, first[each]))
        return lags

    def tallies(self, since: Offsets) -> dict[str, Tally]:
        """Read every committed record from these offsets to the partitions' ends, and count and sum them by topic."""
        ledger = Ledger()
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "router-reckoning",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 20,
                "log_level": 0,
            }
        )
        open_ends = set(since)
        deadline = time.monotonic() + _LED_WITHIN_S
        try:
            consumer.assign([TopicPartition(*each, offset) for each, offset in since.items()])
            while open_ends:
                messages = consumer.consume(_AT_ONCE, timeout=0.1)
                for message in messages:
                    error = message.error()
                    if error is None:
                        ledger.enter(message.topic(), _mark(message))
                        deadline = time.monotonic() + _LED_WITHIN_S
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name in this client
                        open_ends.discard((message.topic(), message.partition()))
                    elif error.code() not in _PASSING or time.monotonic() > deadline:
                        raise KafkaUnreachable(broker=self._bootstrap, words=error.str())
        finally:
            consumer.close()
        return ledger.tallies

    def _offsets(self, partitions: Mapping[str, int], spec: Any) -> Offsets:
        asked = {TopicPartition(topic, number): spec for topic, count in partitions.items() for number in range(count)}
        if not asked:
            return {}

        def answer() -> Offsets:
            answers = self._admin.list_offsets(asked, request_timeout=self._within)
            return {(each.topic, each.partition): found.result().offset for each, found in answers.items()}

        return self._answer(answer)

    def _committed(self, group: str, partitions: Collection[tuple[str, int]]) -> Offsets:
        # The admin client has a call for this, but where no group ever committed, confluent-kafka 2.16.1 crashes in it.
        if group not in self._groups:
            self._groups[group] = Consumer(
                {
                    "bootstrap.servers": self._bootstrap,
                    "group.id": group,
                    # Else a broker answers only while no transaction of the group is open: under load there always is one.
                    "isolation.level": "read_uncommitted",
                    "log_level": 0,
                }
            )
        found = self._groups[group].committed([TopicPartition(*each) for each in partitions], timeout=self._within)
        return {(each.topic, each.partition): each.offset for each in found}

    def _answer(self, ask: Callable[[], Offsets]) -> Offsets:
        """Ask again while the Kafka is only finding out who leads what, as it does when topics are new."""
        deadline = time.monotonic() + _LED_WITHIN_S
        while True:
            try:
                return ask()
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                    raise self._unreachable(error) from error
                time.sleep(_ASK_AGAIN_S)

    def _unreachable(self, error: KafkaException) -> KafkaUnreachable:
        return KafkaUnreachable(broker=self._bootstrap, words=error.args[0].str())


def _mark(message: Any) -> int:
    return fingerprint(
        key=message.key(), value=message.value(), timestamp=message.timestamp()[1], headers=message.headers() or ()
    )
