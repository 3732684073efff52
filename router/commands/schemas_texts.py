"""The texts of a folder of schemas: as they stand on the disk, and as git has them."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import click

__all__ = ["committed_texts", "folder_texts"]

_ENDINGS = (".avsc", ".schema.json", ".yaml")


def folder_texts(directory: Path) -> dict[str, str]:
    """The files of a folder of schemas by their path in it, `order.status/v1.avsc`; a usage error where it cannot be read."""
    if not directory.is_dir():
        raise click.UsageError(f"there is no folder of schemas '{directory}'")
    texts = {}
    for path in sorted(directory.glob("*/*")):
        if path.name.endswith(_ENDINGS) and path.is_file():
            name = path.relative_to(directory).as_posix()
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise click.UsageError(f"'{path}' cannot be read: {error}") from error
    return texts


def committed_texts(directory: Path, revision: str) -> dict[str, str]:
    """The same as git has them at a revision; a folder that it does not have there is empty."""
    known = _git(directory, "rev-parse", "--verify", f"{revision}^{{tree}}")
    if known.returncode:
        said = known.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or "git fails"
        raise click.UsageError(f"git has no '{revision}' for '{directory}' ({said}): name a folder with --against")
    if not _git(directory, "ls-tree", revision, ".").stdout:
        return {}
    archive = _git(directory, "archive", "--format=tar", revision, ".")
    if archive.returncode:
        raise click.UsageError(f"git fails: {archive.stderr.decode(errors='replace').strip()}")
    texts = {}
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            file = tar.extractfile(member) if member.isfile() and name.count("/") == 1 else None
            if file is not None and name.endswith(_ENDINGS):
                texts[name] = file.read().decode(errors="replace")
    return texts


def _git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(directory), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- git, about what its user named
    except FileNotFoundError as error:
        raise click.UsageError("there is no git: name a folder with --against") from error
