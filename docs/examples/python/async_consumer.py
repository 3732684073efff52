"""The same over aiokafka."""

import asyncio
import os
import signal

from router.consumer import Received, Reject
from router.consumer.aiokafka import Consumer


async def handle(record: Received) -> None:
    """Process a record; any exception rejects it."""
    value = (record.value or b"").decode()
    if "bad" in value:
        raise Reject("out-of-range", error="integer out of range", place="value:amount")
    print("processed", value, flush=True)


async def main() -> None:
    """Run until told to stop."""
    settings = {"bootstrap_servers": os.environ["BOOTSTRAP"], "group_id": os.environ["GROUP"]}
    async with Consumer(topic=os.environ["TOPIC"], **settings) as consumer:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, consumer.stop)
        await consumer.run(handle)


asyncio.run(main())
