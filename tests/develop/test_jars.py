"""Kafka's jars: fetched once, checked always, and told about when they are not what the lock file says."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from router.develop import jars as jars_module
from router.develop.errors import JarsUnavailable
from router.develop.jars import JarLock, LockedJar, cache_directory, kafka_jars, read_lock

CONTENTS = {"a-1.jar": b"first" * 100, "b-2.jar": b"second" * 50}


def locked(name: str, content: bytes) -> LockedJar:
    artifact, _, version = name.removesuffix(".jar").partition("-")
    return LockedJar(
        file=name,
        group="g",
        artifact=artifact,
        version=version,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


LOCK = JarLock(kafka="0.1", jars=tuple(locked(name, content) for name, content in CONTENTS.items()))


@dataclass
class ScriptedSource:
    """Gives out what it is told to, and remembers what it was asked for."""

    contents: dict[str, bytes] = field(default_factory=lambda: dict(CONTENTS))
    failures: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def fetch(self, jar: LockedJar, *, into: Path, advance: Callable[[int], None]) -> Path:
        self.asked.append(jar.file)
        into.mkdir()
        advance(1)
        if self.failures:
            raise self.failures.pop(0)
        place = into / jar.file
        place.write_bytes(self.contents[jar.file])
        advance(jar.size - 1)
        return place


class Seen:
    """A progress that counts."""

    def __init__(self) -> None:
        self.title, self.total, self.done = "", 0, 0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, title: str, total: int, /):  # noqa: ANN204  # a generator behind a decorator
        self.title, self.total = title, total
        yield self._advance

    def _advance(self, size: int) -> None:
        with self._lock:
            self.done += size


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars_module, "_PAUSE_S", 0)


def test_missing_jars_are_fetched_and_kept(tmp_path: Path) -> None:
    """All jars are in the folder of their Kafka afterwards, in the lock file's order, and nothing else is left."""
    seen = Seen()
    found = kafka_jars(lock=LOCK, cache=tmp_path, source=ScriptedSource(), progress=seen)
    assert [jar.read_bytes() for jar in found] == list(CONTENTS.values())
    assert {one.name for one in (tmp_path / "kafka-0.1").iterdir()} == {*CONTENTS, ".fetching"}
    assert (seen.total, seen.done) == (LOCK.size, LOCK.size)
    assert "Kafka 0.1" in seen.title


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    """A second start asks nobody, and a start after a loss asks for the lost jar only."""
    first = kafka_jars(lock=LOCK, cache=tmp_path, source=ScriptedSource(), progress=Seen())
    source = ScriptedSource()
    assert kafka_jars(lock=LOCK, cache=tmp_path, source=source, progress=Seen()) == first
    assert source.asked == []
    first[1].unlink()
    kafka_jars(lock=LOCK, cache=tmp_path, source=source, progress=Seen())
    assert source.asked == ["b-2.jar"]


@pytest.mark.parametrize("bytes_found", [b"x" * 500, b"short"], ids=["same size", "other size"])
def test_a_tampered_jar_is_named_and_not_replaced(tmp_path: Path, bytes_found: bytes) -> None:
    """A kept jar with other bytes stops the start: the error says which one and what to do about it."""
    jar = kafka_jars(lock=LOCK, cache=tmp_path, source=ScriptedSource(), progress=Seen())[0]
    jar.write_bytes(bytes_found)
    source = ScriptedSource()
    with pytest.raises(JarsUnavailable, match=r"(?s)a-1\.jar.*Delete it and run again"):
        kafka_jars(lock=LOCK, cache=tmp_path, source=source, progress=Seen())
    assert source.asked == []
    jar.unlink()
    assert kafka_jars(lock=LOCK, cache=tmp_path, source=source, progress=Seen())[0] == jar


def test_a_wrong_download_is_refused_and_not_kept(tmp_path: Path) -> None:
    """Other bytes than the lock file's never reach the folder that the class path is made of."""
    source = ScriptedSource(contents={**CONTENTS, "a-1.jar": b"somebody else's"})
    with pytest.raises(JarsUnavailable, match=r"'a-1\.jar' has SHA-256 [0-9a-f]{64}, the lock file says"):
        kafka_jars(lock=LOCK, cache=tmp_path, source=source, progress=Seen())
    assert not (tmp_path / "kafka-0.1" / "a-1.jar").exists()
    assert not list(tmp_path.rglob(".fetch-*"))


def test_a_failure_in_passing_is_tried_again(tmp_path: Path) -> None:
    """Two failures of the network cost two attempts, and the bytes that came in vain do not count as progress."""
    only = replace(LOCK, jars=LOCK.jars[:1])
    source, seen = ScriptedSource(failures=[OSError("reset"), RuntimeError("not found")]), Seen()
    kafka_jars(lock=only, cache=tmp_path, source=source, progress=seen)
    assert source.asked == ["a-1.jar"] * 3
    assert seen.done == only.size


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    """After three attempts the error names the jar, the cause and the ways out."""
    only = replace(LOCK, jars=LOCK.jars[:1])
    source = ScriptedSource(failures=[OSError("Network is unreachable")] * 3)
    with pytest.raises(JarsUnavailable) as caught:
        kafka_jars(lock=only, cache=tmp_path, source=source, progress=Seen())
    text = str(caught.value)
    assert "'a-1.jar' could not be fetched from Maven Central: Network is unreachable" in text
    assert "HTTPS_PROXY" in text
    assert "ROUTER_BROKER" in text


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    """No attempt is repeated on a full disk, and the way out is room, not the network."""
    source = ScriptedSource(failures=[OSError(errno.ENOSPC, "No space left on device")] * 9)
    with pytest.raises(JarsUnavailable, match=r"(?s)no space is left.*XDG_CACHE_HOME"):
        kafka_jars(lock=replace(LOCK, jars=LOCK.jars[:1]), cache=tmp_path, source=source, progress=Seen())
    assert source.asked == ["a-1.jar"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A cache folder that is a file is told with the variable that moves it."""
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(JarsUnavailable, match=r"(?s)cannot be used.*XDG_CACHE_HOME"):
        kafka_jars(lock=LOCK, cache=tmp_path / "cache", source=ScriptedSource(), progress=Seen())


def test_two_at_the_same_time_fetch_once(tmp_path: Path) -> None:
    """Whoever comes second waits for the first and finds everything there."""
    source = ScriptedSource()
    gate = threading.Barrier(2)

    def go() -> None:
        gate.wait()
        kafka_jars(lock=LOCK, cache=tmp_path, source=source, progress=Seen())

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(source.asked) == sorted(CONTENTS)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_CACHE_HOME": "/var/cache/me"}, Path("/var/cache/me/topic-router")),
        ({"XDG_CACHE_HOME": "relative"}, Path("~/.cache/topic-router").expanduser()),
        ({}, Path("~/.cache/topic-router").expanduser()),
    ],
    ids=["set", "relative is ignored", "not set"],
)
def test_the_cache_is_where_the_user_keeps_caches(environ: dict[str, str], expected: Path) -> None:
    """XDG_CACHE_HOME decides, as far as it is an absolute path."""
    assert cache_directory(environ) == expected


def test_the_lock_file_is_whole() -> None:
    """It names the broker, its tools and the binding that makes it log, each once, all of the version it states."""
    lock = read_lock()
    files = [jar.file for jar in lock.jars]
    assert len(files) == len(set(files))
    assert {f"kafka_2.13-{lock.kafka}.jar", f"kafka-tools-{lock.kafka}.jar", f"kafka-clients-{lock.kafka}.jar"} <= set(
        files
    )
    assert any(file.startswith("log4j-slf4j-impl-") for file in files)
    assert lock.kafka == jars_module.KAFKA_VERSION
    assert {jar.version for jar in lock.jars if jar.group == "org.apache.kafka"} == {lock.kafka}


def test_locked_jars_need_no_jgo(tmp_path: Path) -> None:
    """With all jars in place a start imports neither jgo nor a client for the network."""
    for name, content in CONTENTS.items():
        place = tmp_path / "kafka-0.1" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
    program = (
        "import sys, pathlib\n"
        "from router.develop.jars import JarLock, LockedJar, kafka_jars\n"
        f"kafka_jars(lock={LOCK!r}, cache=pathlib.Path({str(tmp_path)!r}))\n"
        "print({'jgo', 'requests'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
