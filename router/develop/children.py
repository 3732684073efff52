"""Child processes that do not outlive their parent, not even when it is killed with `kill -9`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["start_child"]

_PR_SET_PDEATHSIG = 1
# Loaded here because between fork and exec is no place to load a library.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def start_child(
    command: Sequence[str], *, directory: Path, output: IO[bytes], environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, so that a Ctrl-C at the terminal reaches the parent only.

    `environ` is its whole environment; None gives it ours.

    On Linux the kernel kills it when the *thread* that started it ends: call this from the main thread, or from one that
    lives as long as the child should. Elsewhere a parent that is killed leaves its children behind.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the kernel was told
                os._exit(1)

    return subprocess.Popen(
        command,
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,
        preexec_fn=die_with_parent,  # noqa: PLW1509  # the one way to set it; it calls the kernel and nothing else
    )
