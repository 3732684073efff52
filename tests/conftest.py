"""What all tests share: one real Kafka for the whole run, and names that no other test uses.

The Kafka starts when the first test needs it, in whichever process, and ends with the controller; `ROUTER_BROKER` names an
existing one to use instead. A run that cannot have one fails and says why; it never skips.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from support.proof import ROOT, Proof

from router.develop.broker import SHORT_LIVED, DevelopmentKafka
from router.develop.keeper import end_kept_kafka, kept_kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How long an example takes depends on the machine and on what else runs there; what hangs, the run's own limit ends.
hypothesis.settings.register_profile("router", deadline=None, print_blob=True)
hypothesis.settings.load_profile("router")

_NEED_KAFKA = frozenset({"kafka", "kafka_cluster"})


@dataclass(frozen=True)
class KafkaHome:
    """Where this run keeps its Kafka, and the process that it lasts as long as."""

    directory: Path
    owner: int


_HOME = pytest.StashKey[KafkaHome]()


def pytest_configure(config: pytest.Config) -> None:
    """Agree on one home in the controller; a worker is told it."""
    told = getattr(config, "workerinput", None)
    if told is None:
        config.stash[_HOME] = KafkaHome(Path(tempfile.mkdtemp(prefix="router-tests-")), os.getpid())
        # The controller alone has every report.
        config.pluginmanager.register(_MissedDeadlines())
    else:
        config.stash[_HOME] = KafkaHome(Path(told["kafka_directory"]), told["kafka_owner"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the Kafka is."""
    home = node.config.stash[_HOME]
    node.workerinput["kafka_directory"] = str(home.directory)
    node.workerinput["kafka_owner"] = home.owner


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the Kafka, in the controller only."""
    home = config.stash.get(_HOME, None)
    if home is None or hasattr(config, "workerinput"):
        return
    end_kept_kafka(home.directory)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a Kafka before `-m` selects."""
    for item in items:
        if _NEED_KAFKA.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """The bootstrap address of a real Kafka, shared by the whole run: use `topic_names` to stay out of others' way."""
    home = pytestconfig.stash[_HOME]
    return os.environ.get("ROUTER_BROKER") or kept_kafka(directory=home.directory, owner=home.owner)


@pytest.fixture
def kafka_cluster(tmp_path: Path) -> Iterator[Callable[..., DevelopmentKafka]]:
    """Starts a Kafka of the test's own, of three brokers unless told otherwise, to kill, pause and start them again."""
    started = []

    def start(*, brokers: int = 3) -> DevelopmentKafka:
        directory = tmp_path / f"kafka-{len(started)}"
        started.append(DevelopmentKafka.start(directory=directory, brokers=brokers, java_options=SHORT_LIVED))
        return started[-1]

    yield start
    for kafka in started:
        kafka.kill()
        shutil.rmtree(kafka.nodes[0].directory.parent, ignore_errors=True)


@pytest.fixture
def unique() -> str:
    """A word that no other test has: for groups, instances and transactional ids."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def topic_names(unique: str) -> Callable[[str], str]:
    """Gives a topic a prefix that no other test has; its subject and version are still those of the catalogue."""
    return lambda name: f"{unique}.{name}"


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Proof:
    """Keeps what a full-size proof found."""
    return Proof(ROOT / "docs" / "proof", request.node.nodeid, time.monotonic())


class _MissedDeadlines:
    """Tells a run in which nothing was wrong but that something took too long: such a run ends with a code of its own."""

    CODE = 10
    _SAID = ("AssertionError: not within ", "subprocess.TimeoutExpired: ")

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what each failure said first."""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failed.append("" if crash is None else crash.message)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Change the code of such a run."""
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED and self.failed and all(map(self._late, self.failed)):
            session.exitstatus = self.CODE

    def _late(self, said: str) -> bool:
        return said.startswith(self._SAID)
