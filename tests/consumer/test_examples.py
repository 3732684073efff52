"""The examples of docs/examples do what docs/consumer.md says, each where its toolchain is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hand_lane import HandLane
from support.source import ROOT
from support.topics import Topics
from support.waiting import until

from router.develop.children import start_child
from router.develop.jars import kafka_jars
from router.failure.policy import FailurePolicy, Then

pytestmark = pytest.mark.process

EXAMPLES = ROOT / "docs" / "examples"
POLICY = FailurePolicy(retry_ms=(100,), then=Then.DEAD_LETTER)


def python(_home: Path) -> list[str]:
    """Our own consumer."""
    return [sys.executable, str(EXAMPLES / "python" / "consumer.py")]


def asyncio_python(_home: Path) -> list[str]:
    """The same over aiokafka."""
    return [sys.executable, str(EXAMPLES / "python" / "async_consumer.py")]


def go(home: Path) -> list[str]:
    """Built with the modules that its go.sum names."""
    tool = needed("go")
    fetched = subprocess.run(
        [tool, "mod", "download"], cwd=EXAMPLES / "go", capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        pytest.skip(f"the modules of the example in Go cannot be had: {fetched.stderr.strip()[-200:]}")
    subprocess.run([tool, "build", "-o", str(home / "example"), "."], cwd=EXAMPLES / "go", check=True)
    return [str(home / "example")]


def java(home: Path) -> list[str]:
    """With the jars of the Kafka that we develop on."""
    compiler, runtime = needed("javac"), needed("java")
    jars = os.pathsep.join(str(jar) for jar in kafka_jars())
    subprocess.run(
        [compiler, "-Werror", "-cp", jars, "-d", str(home), str(EXAMPLES / "java" / "Main.java")], check=True
    )
    return [runtime, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join([str(home), jars]), "Main"]


def php(_home: Path) -> list[str]:
    """With the extension rdkafka."""
    tool = needed("php")
    if "rdkafka" not in subprocess.run([tool, "-m"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("php lacks its extension rdkafka")
    return [tool, str(EXAMPLES / "php" / "consumer.php")]


def needed(tool: str) -> str:
    """Return where a tool is; without it the test is skipped, by name."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"there is no {tool} here")
    return found


@pytest.mark.parametrize(
    ("command", "keeps_order"),
    [
        pytest.param(python, True, id="python"),
        pytest.param(asyncio_python, True, id="python-asyncio"),
        pytest.param(java, True, id="java"),
        pytest.param(go, False, id="go"),
        pytest.param(php, False, id="php"),
    ],
)
def test_example_rejects_what_it_cannot_process(
    command: Callable[[Path], list[str]], kafka: str, unique: str, tmp_path: Path, *, keeps_order: bool
) -> None:
    """It is retried, then set aside; those that keep order process what follows of its key only then."""
    lane = HandLane(Topics(kafka), f"{unique}.vip.v1", 2, POLICY)
    lane.carry([(b"k", b"0"), (b"k", b"1 bad"), (b"k", b"2"), (b"other", b"3")])
    environ = {**os.environ, "BOOTSTRAP": kafka, "GROUP": unique, "TOPIC": lane.topic, "PYTHONPATH": str(ROOT)}
    log = tmp_path / "log"
    with log.open("ab") as output:
        process = start_child(command(tmp_path), directory=ROOT, output=output, environ=environ)
    try:

        def done() -> bool:
            assert process.poll() is None, log.read_text()
            lines = log.read_text().splitlines()
            return {f"processed {n}" for n in (0, 2, 3)} <= set(lines) and lane.dead == [b"1 bad"] and lane.quiet

        lane.until(done, within=40, what="all is processed or set aside")
        process.terminate()
        until(lambda: process.poll() is not None, within=20, what="it has ended")
    finally:
        process.kill()
        process.wait()
        lane.close()
    failed = [each for each in lane.rejections if not each.behind]
    assert [(each.record.value, each.error, each.parks) for each in failed] == [
        (b"1 bad", "integer out of range", keeps_order)
    ] * 2
    behind = [each.record.value for each in lane.rejections if each.behind]
    assert set(behind) == ({b"2"} if keeps_order else set())
    assert log.read_text().count("processed 2") == 1
