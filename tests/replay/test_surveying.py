"""What the command about replays asks of a Kafka."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from router.develop.topics import TopicSpec, ensure_topics
from router.errors import Unreadable
from router.exchange.decision import Decision, Delivery, Walk
from router.records.record import Record
from router.redrive.selection import WrongSelection
from router.replay.plan import Replay
from router.replay.surveying import Progress, ReplaySurvey
from router.settings import Settings

pytestmark = pytest.mark.kafka


def decide(record: Record) -> Decision:
    """Even numbers are the consumer's, 7 cannot be read."""
    if record.value == b"7":
        raise Unreadable(field="", position=0, problem="is seven")
    topic = "vip" if int(record.value or b"0") % 2 == 0 else "other"
    return Decision((Walk("e", "", (), (Delivery(topic, ()),)),))


@pytest.fixture
def survey(kafka: str, unique: str) -> ReplaySurvey:
    """Return one of a cluster whose topic has ten records, whose times do not rise."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=2)])
    producer = Producer({"bootstrap.servers": kafka})
    for number, time in enumerate((100, 300, 200, 400, 150, 500, 600, 700, 250, 900)):
        producer.produce(unique, b"%d" % number, partition=0, timestamp=1_700_000_000_000 + time)
    assert producer.flush(20) == 0
    return ReplaySurvey(Settings.from_environment({"ROUTER_BROKER": kafka}))


async def test_reading_begins_where_nothing_before_is_as_new(survey: ReplaySurvey, unique: str) -> None:
    """Or at an offset, or where the log begins; a partition without anything to read is left out."""
    starts, first, ends = await survey.starts(unique, since=1_700_000_000_250, offset=None, partition=None)
    assert (starts, first, ends) == ({0: 1}, {0: 0, 1: 0}, {0: 10, 1: 0})
    assert (await survey.starts(unique, since=None, offset=4, partition=0))[0] == {0: 4}
    assert (await survey.starts(unique, since=None, offset=None, partition=None))[0] == {0: 0}
    for topic, partition, told in ((unique, 7, "partitions 0 to 1"), (f"{unique}.no", None, "there is no topic")):
        with pytest.raises(WrongSelection, match=told):
            await survey.starts(topic, since=None, offset=None, partition=partition)


async def test_a_dry_run_counts_what_would_be_sent(survey: ReplaySurvey, unique: str) -> None:
    """Each record by its own time, wherever it stands."""
    since, until = 1_700_000_000_200, 1_700_000_000_750
    asked = Replay(
        id="a", group="g", topic="vip", source=unique, starts={0: 1}, at=0, by="", reason="", since=since, until=until
    )
    read: list[int] = []
    counts = await survey.count(asked, {0: 10, 1: 0}, decide=decide, holds=lambda _: True, progress=read.append)
    assert (counts.read, counts.meant, counts.elsewhere, counts.undecided) == (9, 3, 3, 1)
    assert sum(read) == 9


async def test_progress_is_what_lanes_have_committed(survey: ReplaySurvey, unique: str) -> None:
    """Nothing, while none has."""
    asked = Replay(id="a", group=f"g-{unique}", topic="vip", source=unique, starts={0: 1}, at=0, by="", reason="")
    assert await survey.progress(asked) == Progress(0, {})
    await survey.make_log()
    await survey.make_log()
