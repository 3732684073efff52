"""Where full-size proofs keep what they found: docs/proof/, with the commit that they ran on."""

from __future__ import annotations

import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Proof:
    """Writes the result of one proof."""

    directory: Path
    test: str
    began: float

    def write(self, name: str, text: str) -> None:
        """Keep a result as docs/proof/<name>.md, replacing that of the last run."""
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        took = time.monotonic() - self.began
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / f"{name}.md").write_text(
            f"# {name}\n\n{text}\n\nBy `make proof`, `{self.test}`, in {took:.0f} s,"
            f" on commit {commit or 'unknown'}, Python {platform.python_version()}.\n"
        )
