"""The archive that makes Kafka start in half the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.develop import quick_start
from router.develop.broker import DevelopmentKafka
from router.develop.jars import kafka_jars
from router.develop.java import archive_beside


@pytest.mark.kafka
def test_preparing_leaves_an_archive_that_starts_use(tmp_path: Path) -> None:
    """After `prepare` there is an archive beside the jars, a broker starts with it, and a second time does nothing."""
    archive = quick_start.prepare()
    assert archive is not None
    assert archive == archive_beside(kafka_jars()[0].parent)
    made = archive.stat().st_mtime_ns
    with DevelopmentKafka.start(directory=tmp_path) as kafka:
        assert f"-XX:AOTCache={archive}" in Path(f"/proc/{kafka.nodes[0].pid}/cmdline").read_text().split("\0")
    assert quick_start.prepare() == archive
    assert archive.stat().st_mtime_ns == made


def test_what_is_in_the_way_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the cache cannot be used, the reason goes to standard error and the exit code is 1."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert quick_start.main() == 1
    assert "XDG_CACHE_HOME" in capsys.readouterr().err
