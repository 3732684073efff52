"""A Kafka that several processes share and that ends with its owner."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from router.develop.errors import BrokerFailed
from router.develop.keeper import end_kept_kafka, kept_kafka


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its child, by Linux's means")
def test_everybody_gets_the_same_kafka_until_the_owner_ends(tmp_path: Path) -> None:
    """Two callers share one, and when the owner is killed, the keeper ends and the data is deleted."""
    with subprocess.Popen(["sleep", "120"]) as owner:
        directory = tmp_path / "kept"
        first = kept_kafka(directory=directory, owner=owner.pid)
        assert kept_kafka(directory=directory, owner=owner.pid) == first
        handle = os.pidfd_open(json.loads((directory / "kept.json").read_text())["keeper"])
        owner.kill()
    try:
        assert select.select([handle], [], [], 30)[0], "the keeper outlived its owner by thirty seconds"
    finally:
        os.close(handle)
    assert not directory.exists()


def test_it_can_be_ended_before_its_owner(tmp_path: Path) -> None:
    """`end_kept_kafka` asks the keeper to end and deletes the directory; where nothing was kept it does nothing."""
    directory = tmp_path / "kept"
    directory.mkdir()
    with subprocess.Popen(["sleep", "120"]) as keeper:
        (directory / "kept.json").write_text(json.dumps({"bootstrap": "", "keeper": keeper.pid}))
        end_kept_kafka(directory)
        assert keeper.wait(timeout=30) != 0
    assert not directory.exists()
    end_kept_kafka(tmp_path / "never")


def test_a_failure_is_told_to_everybody_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Kafka can be had, each caller gets the reason, and only the first one waits for it."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    directory = tmp_path / "kept"
    for _ in range(2):
        with pytest.raises(BrokerFailed, match=r"(?s)no Kafka for this run.*XDG_CACHE_HOME"):
            kept_kafka(directory=directory, owner=os.getpid())
    end_kept_kafka(directory)
    assert not directory.exists()
