"""Reading route files from the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.language.files import UnreadableFile, read_cases, read_routes
from router.language.yaml_text import LARGEST


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    """Return a folder with files of all sorts."""
    folder = tmp_path / "routes"
    (folder / "eu").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "folder.yaml").mkdir()
    files = ["b.yaml", "a.yml", "b_test.yaml", "eu/c.yaml", "eu/c_test.yml", ".d.yaml", ".hidden/e.yaml", "README.md"]
    for name in files:
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_routes_and_cases_are_told_apart_by_name(routes: Path) -> None:
    """Folders in the folder count, hidden files and other endings do not."""
    assert read_routes(routes) == {
        f"{routes}/a.yml": "a.yml",
        f"{routes}/b.yaml": "b.yaml",
        f"{routes}/eu/c.yaml": "eu/c.yaml",
    }
    assert set(read_cases(routes)) == {f"{routes}/b_test.yaml", f"{routes}/eu/c_test.yml"}


def test_names_begin_with_the_folder_as_it_was_given(routes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a finding's place can be clicked where the command was typed."""
    monkeypatch.chdir(routes.parent)
    assert "routes/b.yaml" in read_routes(Path("routes"))
    monkeypatch.chdir(routes)
    assert "b.yaml" in read_routes(Path())


def test_bytes_that_are_no_text_are_kept_for_the_finding(tmp_path: Path) -> None:
    """As surrogates; and no more is read than is needed to tell that it is too much."""
    (tmp_path / "a.yaml").write_bytes(b"a: \xff")
    (tmp_path / "b.yaml").write_bytes(b"x" * (LARGEST + 100))
    texts = read_routes(tmp_path)
    assert texts[f"{tmp_path}/a.yaml"] == "a: \udcff"
    assert len(texts[f"{tmp_path}/b.yaml"]) == LARGEST + 1


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    """The name can be printed whatever its bytes."""
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    try:
        Path(os.fsdecode(path)).write_text("a", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    (name,) = read_routes(tmp_path)
    name.encode()
    assert name.endswith("\\udcff.yaml")


@pytest.mark.parametrize(("name", "problem"), [("nowhere", "does not exist"), ("file", "is not a folder")])
def test_a_folder_that_is_none_is_named(tmp_path: Path, name: str, problem: str) -> None:
    """With what is wrong with it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UnreadableFile) as raised:
        read_routes(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {problem}"


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """It is not passed over in silence."""
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(UnreadableFile, match=r"a\.yaml: cannot be read"):
        read_routes(tmp_path)
