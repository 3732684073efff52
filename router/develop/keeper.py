"""A Kafka that several processes share and that lasts as long as one of them, its owner.

Who needs it first starts it; the others, in any process, get the same one. A process of its own keeps it, and ends it with
its data when the owner has ended, in whatever way. The test suite uses it: the owner is pytest's controller, the others are
its workers.

    python -m router.develop.keeper DIRECTORY BROKERS OWNER     the process that keeps it; `kept_kafka` starts it
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from router.develop.broker import SHORT_LIVED, DevelopmentKafka
from router.develop.errors import BrokerFailed, DevelopmentError
from router.develop.exclusive import exclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["end_kept_kafka", "kept_kafka"]

_STATE = "kept.json"
_LOOK_EVERY_S = 0.5
_END_WITHIN_S = 15.0


def kept_kafka(*, directory: Path, owner: int, brokers: int = 1) -> str:
    """Return the bootstrap address of the Kafka that is kept in `directory`; start it if this is the first call.

    It lasts until the process `owner` ends or `end_kept_kafka` is called. Raises `BrokerFailed` with the reason when it
    could not be started, to everyone who asks: what failed once is not tried again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with exclusive(directory / ".starting"):
        if not (directory / _STATE).exists():
            _start_keeper(directory, brokers=brokers, owner=owner)
        state = json.loads((directory / _STATE).read_text(encoding="utf-8"))
    if "failure" in state:
        raise BrokerFailed(problem="no Kafka for this run", remedy=state["failure"])
    return str(state["bootstrap"])


def end_kept_kafka(directory: Path) -> None:
    """End the Kafka that is kept in `directory`, if there is one, and delete the directory."""
    if (directory / _STATE).exists():
        keeper = json.loads((directory / _STATE).read_text(encoding="utf-8"))["keeper"]
        with suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGTERM)
        deadline = time.monotonic() + _END_WITHIN_S
        while directory.exists() and time.monotonic() < deadline and not _ended(keeper, within=0.1):
            pass
    shutil.rmtree(directory, ignore_errors=True)


def _start_keeper(directory: Path, *, brokers: int, owner: int) -> None:
    log = directory / "keeper.log"
    command = [sys.executable, "-m", "router.develop.keeper", str(directory), str(brokers), str(owner)]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Out of reach of the terminal's Ctrl-C: tests that wind up still need their Kafka.
            start_new_session=True,
        )
    while not (directory / _STATE).exists():
        if keeper.poll() is not None:
            _write_state(directory, {"failure": log.read_text(errors="replace"), "keeper": keeper.pid})
            return
        time.sleep(0.05)


def _keep(directory: Path, *, brokers: int, owner: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        kafka = DevelopmentKafka.start(directory=directory / "kafka", brokers=brokers, java_options=SHORT_LIVED)
    except DevelopmentError as error:
        _write_state(directory, {"failure": str(error), "keeper": os.getpid()})
        return
    try:
        _write_state(directory, {"bootstrap": kafka.bootstrap, "keeper": os.getpid()})
        while not _ended(owner, within=_LOOK_EVERY_S):
            pass
    finally:
        kafka.kill()
        shutil.rmtree(directory, ignore_errors=True)


def _write_state(directory: Path, state: dict[str, object]) -> None:
    # Others look for the file without holding the lock: it must be whole when it appears.
    draft = directory / f".{_STATE}"
    draft.write_text(json.dumps(state), encoding="utf-8")
    draft.replace(directory / _STATE)


def _ended(process: int, *, within: float) -> bool:
    """Wait for a process that is not our child; return whether it has ended."""
    if sys.platform != "linux":
        time.sleep(within)
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within)[0])
    finally:
        os.close(handle)


def main(arguments: Sequence[str]) -> None:
    """Keep a Kafka until its owner has ended."""
    directory, brokers, owner = arguments
    _keep(Path(directory), brokers=int(brokers), owner=int(owner))


if __name__ == "__main__":
    main(sys.argv[1:])
