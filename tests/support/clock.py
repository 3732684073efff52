"""A wall clock that a test sets for single processes: what libfaketime does, in the sixty lines that are needed here.

It is compiled with the C compiler of the machine, and preloaded into the processes that are to be wrong about the time.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

__all__ = ["Clock", "why_no_clock"]

_SOURCE = Path(__file__).with_name("clock.c")


def why_no_clock() -> str:
    """What is missing to set clocks; empty where nothing is."""
    if sys.platform != "linux":
        return "clocks of single processes can be set on Linux only"
    return "" if shutil.which("cc") else "there is no C compiler (cc) to make the clock of"


class Clock:
    """The clock of those processes that have `environ` in their environment."""

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / f"{name}.shift"
        self._library = directory / "clock.so"
        self.set(0.0)
        if not self._library.exists():
            command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE), "-ldl"]
            subprocess.run(command, check=True, capture_output=True)

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to have this clock."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIFT": str(self._file)}

    def set(self, seconds: float) -> None:
        """Be wrong by so many seconds from now on."""
        if not self._file.exists():
            self._file.write_bytes(bytes(8))
        # In place: the processes have it mapped.
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", int(seconds * 1e9)))
