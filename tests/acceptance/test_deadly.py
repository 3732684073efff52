"""A record that ends the process of every worker that works on it: found, and set aside."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stage import Stage, event
from support.waiting import until

pytestmark = pytest.mark.process

APP = """
import os
from dataclasses import dataclass
from typing import Any

from agents.app import app

TOPIC, DEADLY = {topic!r}, {deadly!r}


@dataclass
class Mortal:
    inner: Any

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def decide(self, record):
        if record.value == DEADLY:
            os._exit(9)
        return self.inner.decide(record)


app.deciders[TOPIC] = Mortal(app.deciders[TOPIC])
"""


def test_record_that_ends_workers_is_set_aside(stage: Stage, tmp_path: Path) -> None:
    """After some deaths by it; all others are copied, once, in order, and the dead letter has its bytes."""
    stage.coloured(partitions=1)
    deadly = event(5)
    folder = tmp_path / "apps"
    folder.mkdir()
    (folder / "mortal.py").write_text(APP.format(topic=stage.name("@event.v1"), deadly=deadly), encoding="utf-8")
    wanted = stage.feed(12, partitions=1)
    worker = stage.worker(app="mortal", fetch_records="2", environ={"PYTHONPATH": f"{folder}:{Path.cwd()}"})
    deaths = 0
    while stage.behind():
        until(lambda: not worker.running or not stage.behind(), within=40, what=worker.tail)
        if not worker.running:
            deaths += 1
            assert deaths < 8, "it is never found"
            worker.start()
    assert 3 <= deaths <= 5
    worker.terminate()
    ((letter,),) = stage.read("@event.v1.dead-letters")
    assert (letter.value, letter.header("router-reason")) == (deadly, b"deadly")
    copied = [copy.value for log in stage.read("@all.event.v1") for copy in log]
    assert copied == [event(number) for number in range(12) if number != 5]
    assert len(wanted["all"]) == 12
