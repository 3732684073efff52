"""The texts of a folder of schemas, from the disk and from git."""

import subprocess
from pathlib import Path

import click
import pytest

from router.commands.schemas_texts import committed_texts, folder_texts


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    schemas = tmp_path / "schemas"
    (schemas / "s").mkdir(parents=True)
    (schemas / "s" / "v1.avsc").write_text('"int"')
    (schemas / "s" / "notes.md").write_text("not read")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_files_are_read_by_their_path(repository: Path) -> None:
    """Schemas and what is said about them; nothing else."""
    (repository / "schemas" / "s" / "v1_to_v2.yaml").write_text("loses: []")
    assert folder_texts(repository / "schemas") == {"s/v1.avsc": '"int"', "s/v1_to_v2.yaml": "loses: []"}


def test_what_is_committed_is_read_whatever_the_disk_has(repository: Path) -> None:
    """The state of a revision, not of the working tree."""
    (repository / "schemas" / "s" / "v1.avsc").write_text('"long"')
    assert committed_texts(repository / "schemas", "HEAD") == {"s/v1.avsc": '"int"'}
    git(repository, "commit", "-q", "-a", "-m", "second")
    assert committed_texts(repository / "schemas", "HEAD") == {"s/v1.avsc": '"long"'}
    assert committed_texts(repository / "schemas", "HEAD~1") == {"s/v1.avsc": '"int"'}


def test_a_folder_that_git_does_not_have_is_empty(repository: Path) -> None:
    """A first catalogue is compared with nothing."""
    (repository / "more").mkdir()
    assert committed_texts(repository / "more", "HEAD") == {}


def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder, a file that is no text, no revision, no git: each is a usage error."""
    with pytest.raises(click.UsageError, match="there is no folder of schemas"):
        folder_texts(tmp_path / "nothing")
    with pytest.raises(click.UsageError, match=r"git has no .nowhere. .*name a folder with --against"):
        committed_texts(repository / "schemas", "nowhere")
    (repository / "schemas" / "s" / "v1.avsc").write_bytes(b"\xff")
    with pytest.raises(click.UsageError, match="cannot be read"):
        folder_texts(repository / "schemas")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(click.UsageError, match="there is no git"):
        committed_texts(repository / "schemas", "HEAD")
