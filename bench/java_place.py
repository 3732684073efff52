"""Where a contender in Java is installed: jars by their lock file, and its one source file compiled, where there is a compiler.

The jars come as those of the development Kafka do, and run on the same Java.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bench.errors import Unavailable
from bench.places import Say
from router.develop.errors import DevelopmentError
from router.develop.jars import kafka_jars, read_lock
from router.develop.java import java_command

__all__ = ["JavaProgram"]

_ROOT = Path(__file__).parent.parent
_FOLDER = _ROOT / "bench" / "java"


@dataclass(frozen=True, slots=True)
class JavaProgram:
    """A class of `bench/java/`, with the jars of a lock file beside it."""

    name: str
    """The lock file's, without `.lock.json`."""
    main: str
    """The class, and the source file's name without `.java`."""

    def command(self, *options: str) -> list[str]:
        """What starts it; append its arguments."""
        places = [self._classes, *kafka_jars(lock=read_lock(self._lock))]
        return [*java_command(places, options=options), self.main]

    def prepare(self, name: str, say: Say) -> None:
        """Fetch what is missing and compile, unless just this source is compiled already."""
        compiler = _compiler()
        if compiler is None:
            reason = "needs a Java compiler (javac) and there is none; on Debian: apt install default-jdk-headless"
            raise Unavailable(name=name, reason=reason)
        try:
            jars = kafka_jars(lock=read_lock(self._lock))
            java_command(jars)
        except DevelopmentError as error:
            raise Unavailable(name=name, reason=f"lacks its jars: {error}") from error
        source, mark = _FOLDER / f"{self.main}.java", self._classes / "compiled"
        wanted = sha256(source.read_bytes() + self._lock.read_bytes()).hexdigest()
        if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
            return
        say(f"compiling {source.relative_to(_ROOT)}")
        shutil.rmtree(self._classes, ignore_errors=True)
        self._classes.mkdir(parents=True)
        class_path = os.pathsep.join(map(str, jars))
        said = subprocess.run(
            [compiler, "--release", "17", "-d", str(self._classes), "-cp", class_path, str(source)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if said.returncode:
            raise Unavailable(name=name, reason=f"does not compile with {compiler}: {said.stderr.strip()}")
        mark.write_text(wanted, encoding="utf-8")

    def version(self, package: str) -> str:
        return next((jar.version for jar in read_lock(self._lock).jars if jar.artifact == package), "?")

    @property
    def _lock(self) -> Path:
        return _FOLDER / f"{self.name}.lock.json"

    @property
    def _classes(self) -> Path:
        return _ROOT / "var" / "bench" / self.name / "classes"


def _compiler() -> str | None:
    home = os.environ.get("JAVA_HOME")
    beside = Path(home) / "bin" / "javac" if home else None
    return str(beside) if beside and beside.is_file() else shutil.which("javac")
