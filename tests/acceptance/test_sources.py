"""Broad topics as they come: compressed by any codec, or created after the worker was started."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from support.books import balance
from support.stage import event

if TYPE_CHECKING:
    from pathlib import Path

    from support.stage import Stage

pytestmark = pytest.mark.process

NEEDS_LIBRARY = pytest.mark.skipif(
    find_spec("cramjam") is None, reason="cramjam, which reads this codec, is not installed"
)


@pytest.mark.parametrize(
    "codecs", ["none gzip", pytest.param("snappy lz4 zstd", marks=NEEDS_LIBRARY)], ids=["gzip", "snappy-lz4-zstd"]
)
def test_compressed_records_are_read(stage: Stage, codecs: str) -> None:
    """Producers choose, batch by batch."""
    stage.coloured(partitions=1)
    record = {"topic": stage.name("@event.v1"), "partition": 0, "key": b"k"}
    for codec in codecs.split():
        stage.topics.produce(({**record, "value": event(n)} for n in range(100)), **{"compression.type": codec})
    stage.worker()
    stage.until_routed()
    places = [(0, offset) for offset in range(100 * len(codecs.split()))]
    balance(places, stage.read("@all.event.v1")).assert_exact("all")


def test_a_codec_without_its_library_is_told(stage: Stage, tmp_path: Path) -> None:
    """Its lane carries, but nothing arrives: a worker that stands still so must not pass for ready."""
    (tmp_path / "cramjam.py").write_text("raise ImportError('as if it were not installed')\n", encoding="utf-8")
    stage.coloured(partitions=1)
    record = {"topic": stage.name("@event.v1"), "partition": 0, "key": b"k", "value": event(1, note="n" * 500)}
    stage.topics.produce([record], **{"compression.type": "zstd"})
    problem = stage.worker().until_problem("fetch-failed")
    assert "zstd" in problem["message"]
    assert stage.behind()


def test_a_broad_topic_that_is_created_late_is_found(stage: Stage) -> None:
    """Until then the worker is no spare, and says what it lacks."""
    stage.coloured()
    source = stage.name("@event.v1")
    stage.topics.drop(source)
    worker = stage.worker()
    assert f"'{source}'" in worker.until_problem("source-unavailable")["message"]
    stage.create("@event.v1", partitions=2)
    wanted = stage.feed(40)
    stage.until_routed(within=40)
    worker.until_ready(lanes=2)
    for topic, books in stage.balance(wanted).items():
        books.assert_exact(topic)
