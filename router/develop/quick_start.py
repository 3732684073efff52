"""Kafka's classes as one Java start left them, so that the next start takes half the time.

Loading and linking Kafka's classes costs a start about 4 s of CPU. Java keeps what a trial start did in an archive (its
ahead-of-time cache) beside the jars. A start without the archive works as well, only slower; one that does not fit the jars
or the Java runtime is ignored by Java itself.

    python -m router.develop.quick_start     fetches Kafka's jars and makes the archive, where either is missing
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from router.develop.broker import DevelopmentKafka
from router.develop.errors import DevelopmentError
from router.develop.exclusive import exclusive
from router.develop.jars import kafka_jars
from router.develop.java import archive_beside, archive_options

__all__ = ["prepare"]

_WRITE_WITHIN_S = 90.0


def prepare() -> Path | None:
    """Return the archive, after a trial start where there is none; None when that gave none.

    Raises a `DevelopmentError` where not even the trial start is possible.
    """
    archive = archive_beside(kafka_jars()[0].parent)
    with exclusive(archive.parent / ".archiving", waiting_for="another process prepares Apache Kafka"):
        if archive.is_file():
            return archive
        print("Preparing Apache Kafka for quick starts (once, about 20 s)", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix=".trial-", dir=archive.parent) as trial:
            draft = Path(trial) / "archive"
            options = archive_options(draft, write=True)
            kafka = DevelopmentKafka.start(directory=Path(trial) / "kafka", java_options=options)
            # Java writes the archive when it ends, and takes its time for it.
            kafka.stop(within=_WRITE_WITHIN_S)
            if not draft.is_file():
                return None
            draft.replace(archive)
    return archive


def main() -> int:
    """Prepare, and say what is in the way."""
    try:
        prepare()
    except DevelopmentError as error:
        print(f"Apache Kafka cannot be prepared: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
