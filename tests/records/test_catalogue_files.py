"""The catalogue on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.errors import InvalidSchema
from router.records.catalogue_files import read_catalogue_texts


def write(directory: Path, name: str, content: bytes) -> None:
    """A file, with the folders it needs."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_schemas_and_conversions_are_read(tmp_path: Path) -> None:
    """Both forms of schema, and what stands beside them; other files are left alone, whatever they hold."""
    write(tmp_path, "order.status/v1.avsc", b'"string"')
    write(tmp_path, "order.status/v1_to_v2.yaml", b"fields: {}")
    write(tmp_path, "stock.level/v2.schema.json", b"{}")
    write(tmp_path, "stock.level/notes.bin", b"\xff")
    assert read_catalogue_texts(tmp_path) == {
        "order.status/v1.avsc": '"string"',
        "order.status/v1_to_v2.yaml": "fields: {}",
        "stock.level/v2.schema.json": "{}",
    }


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """No folder is no empty catalogue: the setting that names it is wrong."""
    with pytest.raises(InvalidSchema, match="there is no such folder"):
        read_catalogue_texts(tmp_path / "none")


def test_a_schema_that_is_no_text_is_named(tmp_path: Path) -> None:
    """The file and the byte are told."""
    write(tmp_path, "a/v1.avsc", b'"\xff"')
    with pytest.raises(InvalidSchema, match=r"a/v1\.avsc: it is not UTF-8 at byte 1"):
        read_catalogue_texts(tmp_path)


def test_a_schema_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder in a schema's place, or a forbidden file, is told as such."""
    (tmp_path / "a" / "v1.avsc").mkdir(parents=True)
    with pytest.raises(InvalidSchema, match=r"a/v1\.avsc: it cannot be read"):
        read_catalogue_texts(tmp_path)
