"""A consumer that rejects what it cannot process and keeps its key's order."""

import os
import signal

from router.consumer import Received, Reject
from router.consumer.confluent import Consumer


def handle(record: Received) -> None:
    """Process a record; any exception rejects it."""
    value = (record.value or b"").decode()
    if "bad" in value:
        raise Reject("out-of-range", error="integer out of range", place="value:amount")
    print("processed", value, flush=True)


settings = {"bootstrap.servers": os.environ["BOOTSTRAP"], "group.id": os.environ["GROUP"]}
with Consumer(settings, topic=os.environ["TOPIC"]) as consumer:
    signal.signal(signal.SIGTERM, lambda *_: consumer.stop())
    consumer.run(handle)
