"""Apache Kafka's jars: fetched once from Maven Central, checked against a lock file, kept in the user's cache folder.

`kafka.lock.json` beside this module names every jar with its Maven coordinate, size and SHA-256. The folder of a Kafka
version holds verified jars only: a download goes to a folder of its own and moves in when its bytes are the locked ones.
Once all are there, nothing is fetched and jgo is not even imported, so a second start needs no network.

    python -m router.develop.jars          fetches what is missing
    python -m router.develop.jars --lock   resolves the versions below afresh and writes the lock file
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import tempfile
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from router.develop.errors import ExtraMissing, JarsUnavailable
from router.develop.exclusive import exclusive
from router.develop.progress import Progress, show_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["JarLock", "LockedJar", "cache_directory", "kafka_jars", "read_lock"]

KAFKA_VERSION = "4.2.1"
"""Not 4.3.0, 4.3.1 or 4.4.0, which may end a transaction without its markers (KAFKA-20734)."""
LOG4J_VERSION = "2.25.4"
"""Kafka names Log4j's core only; the binding that makes it write anything comes in its distribution, not in its POM."""
ENDPOINT = "+".join(
    (
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
        # The "!" keeps what Log4j's parent POM recommends from changing the versions that Kafka chose.
        f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}!",
    )
)
LOCK_FILE = Path(__file__).with_name("kafka.lock.json")

_AT_ONCE = 6
_ATTEMPTS = 3
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class LockedJar:
    """One jar as the lock file has it."""

    file: str
    group: str
    artifact: str
    version: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class JarLock:
    """All jars of one Kafka version."""

    kafka: str
    jars: tuple[LockedJar, ...]

    @property
    def size(self) -> int:
        """Bytes of all jars together."""
        return sum(jar.size for jar in self.jars)


class Source(Protocol):
    """Where jars come from."""

    def fetch(self, jar: LockedJar, *, into: Path, advance: Callable[[int], None]) -> Path:
        """Put the jar somewhere below `into` and return its place; report bytes to `advance` as they come.

        Raises OSError or RuntimeError when it cannot.
        """


def read_lock(file: Path = LOCK_FILE) -> JarLock:
    """Return what the lock file says."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return JarLock(kafka=content["kafka"], jars=tuple(LockedJar(**jar) for jar in content["jars"]))


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the router's folder in the user's cache, as the XDG base directory specification places it."""
    base = environ.get("XDG_CACHE_HOME", "")
    # The specification says to ignore a relative path.
    root = Path(base) if base and Path(base).is_absolute() else Path("~/.cache").expanduser()
    return root / "topic-router"


def kafka_jars(
    *,
    lock: JarLock | None = None,
    cache: Path | None = None,
    source: Source | None = None,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Return the places of all locked jars, in the lock file's order, after checking each one's SHA-256.

    Fetches the missing ones first. A jar with other bytes is never replaced silently: `JarsUnavailable` names it.
    """
    lock = lock or read_lock()
    cache = cache or cache_directory()
    directory = cache / f"kafka-{lock.kafka}"
    if missing_jars(lock, directory=directory):
        progress = progress or show_progress
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with exclusive(directory / ".fetching", waiting_for="another process fetches Apache Kafka"):
                # Another process may have fetched them while this one waited.
                missing = missing_jars(lock, directory=directory)
                if missing:
                    _fetch(
                        missing, directory=directory, source=source or jgo_source(), progress=progress, kafka=lock.kafka
                    )
        except OSError as error:
            raise _unavailable(error, directory=directory) from error
    return tuple(directory / jar.file for jar in lock.jars)


def missing_jars(lock: JarLock, *, directory: Path) -> tuple[LockedJar, ...]:
    """Return the jars that are not in the directory; raise `JarsUnavailable` for one that has other bytes."""
    missing = []
    for jar in lock.jars:
        place = directory / jar.file
        if not place.is_file():
            missing.append(jar)
        elif place.stat().st_size != jar.size or _sha256(place) != jar.sha256:
            raise JarsUnavailable(
                problem=f"'{place}' is not the jar that the lock file names (SHA-256 {jar.sha256})",
                remedy="Delete it and run again: it is then fetched anew.",
            )
    return tuple(missing)


def _fetch(jars: Sequence[LockedJar], *, directory: Path, source: Source, progress: Progress, kafka: str) -> None:
    total = sum(jar.size for jar in jars)
    with (
        # In the same folder, so that moving in is a rename and the disk that must have room is this one.
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as scratch,
        progress(f"Fetching Apache Kafka {kafka} ({len(jars)} jars, once)", total) as advance,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        tasks = [
            pool.submit(_fetch_one, jar, source=source, scratch=Path(scratch), directory=directory, advance=advance)
            for jar in jars
        ]
        _await_all(tasks)


def _await_all(tasks: Sequence[Future[None]]) -> None:
    done, waiting = wait(tasks, return_when=FIRST_EXCEPTION)
    for task in waiting:
        task.cancel()
    for task in done:
        task.result()


def _fetch_one(
    jar: LockedJar, *, source: Source, scratch: Path, directory: Path, advance: Callable[[int], None]
) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        received = 0

        def count(size: int) -> None:
            nonlocal received
            received += size
            advance(size)

        try:
            # A folder an attempt: what an earlier one left half-written must not pass for the jar.
            place = source.fetch(jar, into=scratch / f"{jar.file}.{attempt}", advance=count)
            break
        except (OSError, RuntimeError) as error:
            advance(-received)
            if attempt == _ATTEMPTS or getattr(error, "errno", None) == errno.ENOSPC:
                raise _unavailable(error, directory=directory, jar=jar) from error
            time.sleep(_PAUSE_S * attempt)
    found = _sha256(place)
    if found != jar.sha256:
        raise JarsUnavailable(
            problem=f"what was fetched as '{jar.file}' has SHA-256 {found}, the lock file says {jar.sha256}",
            remedy="Nothing of it was kept. Run again; if it stays so, what answers for Maven Central here gives out"
            " other files (a proxy or a mirror?).",
        )
    place.replace(directory / jar.file)


def _unavailable(error: BaseException, *, directory: Path, jar: LockedJar | None = None) -> JarsUnavailable:
    if getattr(error, "errno", None) == errno.ENOSPC:
        return JarsUnavailable(
            problem=f"no space is left on the disk of '{directory}'",
            remedy="Apache Kafka's jars need 60 MB: free some, or set XDG_CACHE_HOME to a folder on another disk.",
        )
    if jar is None:
        return JarsUnavailable(
            problem=f"the folder for Apache Kafka's jars, '{directory}', cannot be used: {error}",
            remedy="Set XDG_CACHE_HOME to a folder that you may write to.",
        )
    return JarsUnavailable(
        problem=f"'{jar.file}' could not be fetched from Maven Central: {error}",
        remedy="This is needed once. Check the network (HTTPS_PROXY is respected; a mirror can be named in jgo's own"
        " configuration, ~/.config/jgo.conf, under [repositories]) and run again: what is there already is kept."
        f" Or copy the jars into '{directory}', or set ROUTER_BROKER=host:port to use a Kafka that runs already.",
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def jgo_source() -> Source:
    """Return Maven Central, read by jgo; imported only when a jar is missing."""
    try:
        from router.develop.maven import MavenSource  # noqa: PLC0415  # jgo is slow to import and needs the extra
    except ModuleNotFoundError as error:
        raise ExtraMissing(package=error.name or "jgo") from error
    return MavenSource()


def write_lock(file: Path = LOCK_FILE) -> JarLock:
    """Resolve `ENDPOINT` anew and write the lock file."""
    from router.develop.maven import resolve  # noqa: PLC0415  # as above

    with tempfile.TemporaryDirectory() as scratch:
        jars = [
            LockedJar(
                file=jar.place.name,
                group=jar.group,
                artifact=jar.artifact,
                version=jar.version,
                size=jar.place.stat().st_size,
                sha256=_sha256(jar.place),
            )
            for jar in resolve(ENDPOINT, directory=Path(scratch))
        ]
    lock = JarLock(kafka=KAFKA_VERSION, jars=tuple(sorted(jars, key=lambda jar: jar.file)))
    file.write_text(json.dumps(asdict(lock), indent=1) + "\n", encoding="utf-8")
    return lock


def main(arguments: Sequence[str]) -> None:
    """Fetch the jars, or renew the lock file."""
    if list(arguments) == ["--lock"]:
        lock = write_lock()
        print(f"{LOCK_FILE}: {len(lock.jars)} jars, {lock.size / 1e6:.0f} MB")
    else:
        print(kafka_jars()[0].parent)


if __name__ == "__main__":
    main(sys.argv[1:])
