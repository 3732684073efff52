"""The one module of `records` that reads the disk."""

from __future__ import annotations

from pathlib import Path

from router.errors import InvalidSchema
from router.records.catalogue import Catalogue

__all__ = ["read_catalogue"]

_SCHEMAS = ("*/v*.avsc", "*/v*.schema.json")


def read_catalogue(directory: Path) -> Catalogue:
    """The catalogue that a folder holds; `InvalidSchema` where it cannot be read at all.

    Schemas that are read but not sound are in the catalogue's `faults`.
    """
    if not directory.is_dir():
        raise InvalidSchema(file=str(directory), problem="there is no such folder")
    texts = {}
    for pattern in _SCHEMAS:
        for path in directory.glob(pattern):
            name = path.relative_to(directory).as_posix()
            try:
                texts[name] = path.read_text("utf-8")
            except UnicodeDecodeError as error:
                raise InvalidSchema(file=name, problem=f"it is not UTF-8 at byte {error.start}") from error
            except OSError as error:
                raise InvalidSchema(file=name, problem=f"it cannot be read: {error.strerror}") from error
    return Catalogue.from_texts(texts)
