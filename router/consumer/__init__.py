"""The ready-made consumer for Python: a record that fails is rejected, and its key's order is kept.

    from router.consumer import Reject
    from router.consumer.confluent import Consumer      # over confluent-kafka; over aiokafka: router.consumer.aiokafka

    def handle(record):
        if not fits(record.value):
            raise Reject("out-of-range", place="value:amount")
        store(record.value)

    with Consumer({"bootstrap.servers": "…", "group.id": "vip"}, topic="vip.order.status.v1") as consumer:
        consumer.run(handle)

docs/consumer.md has it for users, docs/failure.md the protocol that it follows.
"""

from router.consumer.errors import GroupLost, TopicMissing, UnfitClient, Unrejectable
from router.consumer.gathering import Counts
from router.consumer.reasons import Reject, TryAgain
from router.records.record import PlainRecord as Received

__all__ = ["Counts", "GroupLost", "Received", "Reject", "TopicMissing", "TryAgain", "UnfitClient", "Unrejectable"]
