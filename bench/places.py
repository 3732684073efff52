"""Where a contender is installed: here, or in a virtual environment of its own that is made when it first takes part.

Peers pin what clashes with our own dependencies and with each other's. Each has a list of pinned versions in
`bench/requirements/`, installed into `var/bench/<name>`; a list that has changed is installed anew.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Protocol

from bench.errors import Unavailable

__all__ = ["HERE", "Environment", "Place", "PythonPlace", "Say"]

_ROOT = Path(__file__).parent.parent
_LAST_LINES = 5

Say = Callable[[str], None]
"""Takes a line for whoever waits."""


class Place(Protocol):
    """Something that a contender runs in."""

    def prepare(self, name: str, say: Say) -> None:
        """Make it, where it is not there yet, for the contender of this name. Raises Unavailable with the reason why not."""

    def version(self, package: str) -> str:
        """The version of a package in it; `?` where it is not there."""


class PythonPlace(Place, Protocol):
    """One with an interpreter."""

    @property
    def python(self) -> Path:
        """The interpreter's place."""


@dataclass(frozen=True, slots=True)
class _Here:
    """The environment that the bench itself runs in."""

    @property
    def python(self) -> Path:
        return Path(sys.executable)

    def prepare(self, name: str, say: Say) -> None:
        """There is nothing to make."""

    def version(self, package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "?"


HERE: PythonPlace = _Here()


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment of its own."""

    name: str
    """The list's, without `.txt`."""

    @property
    def directory(self) -> Path:
        return _ROOT / "var" / "bench" / self.name

    @property
    def requirements(self) -> Path:
        return _ROOT / "bench" / "requirements" / f"{self.name}.txt"

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def prepare(self, name: str, say: Say) -> None:
        """Install the list, unless just this one is installed already."""
        mark = self.directory / "installed"
        wanted = sha256(f"{sys.version}\n{self.requirements.read_text(encoding='utf-8')}".encode()).hexdigest()
        if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
            return
        say(f"installing {self.requirements.relative_to(_ROOT)} into {self.directory.relative_to(_ROOT)}")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self._run(name, [sys.executable, "-m", "venv", str(self.directory)])
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # No source distributions: a peer that has no wheel for this Python is no peer that anyone would install.
        self._run(name, [*pip, "--only-binary", ":all:", "-r", str(self.requirements)])
        mark.write_text(wanted, encoding="utf-8")

    def version(self, package: str) -> str:
        folders = [str(one) for one in self.directory.glob("lib/python*/site-packages")]
        return next((one.version for one in distributions(path=folders) if one.name == package), "?")

    @staticmethod
    def _run(name: str, command: list[str]) -> None:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode:
            last = " / ".join((said.stderr or said.stdout).strip().splitlines()[-_LAST_LINES:])
            raise Unavailable(name=name, reason=f"could not be installed: {last}")
