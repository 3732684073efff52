"""The one module of `records` that reads the disk."""

from __future__ import annotations

from pathlib import Path

from router.errors import InvalidSchema

__all__ = ["read_catalogue_texts"]

_FILES = ("*/v*.avsc", "*/v*.schema.json", "*/*.yaml")


def read_catalogue_texts(directory: Path) -> dict[str, str]:
    """The schemas and conversions that a folder holds, by their paths in it; `InvalidSchema` where they cannot be read."""
    if not directory.is_dir():
        raise InvalidSchema(file=str(directory), problem="there is no such folder")
    texts = {}
    for pattern in _FILES:
        for path in directory.glob(pattern):
            name = path.relative_to(directory).as_posix()
            try:
                texts[name] = path.read_text("utf-8")
            except UnicodeDecodeError as error:
                raise InvalidSchema(file=name, problem=f"it is not UTF-8 at byte {error.start}") from error
            except OSError as error:
                raise InvalidSchema(file=name, problem=f"it cannot be read: {error.strerror}") from error
    return texts
