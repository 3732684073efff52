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
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / f"{name}.md").write_text(f"# {name}\n\n{text}\n\n{self._signature()}\n")

    def section(self, name: str, head: str, title: str, text: str) -> None:
        """Keep a result as one section of docs/proof/<name>.md, replacing that of the last run; others stay as they are."""
        page = self.directory / f"{name}.md"
        known = page.read_text().split("\n## ")[1:] if page.exists() else []
        sections = {section.partition("\n")[0]: section.partition("\n")[2].strip() for section in known}
        sections[title] = f"{text}\n\n{self._signature()}"
        parts = [f"# {name}\n\n{head}\n", *(f"## {title}\n\n{text}\n" for title, text in sections.items())]
        self.directory.mkdir(parents=True, exist_ok=True)
        page.write_text("\n".join(parts))

    def _signature(self) -> str:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        took = time.monotonic() - self.began
        return (
            f"By `make proof`, `{self.test}`, in {took:.0f} s, on commit {commit or 'unknown'},"
            f" Python {platform.python_version()}."
        )
