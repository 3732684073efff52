"""The one module of the language that touches the disk."""

from __future__ import annotations

from pathlib import Path

from router.errors import ConfigError
from router.language.yaml_text import CASES_ENDING, LARGEST

__all__ = ["UnreadableFile", "read_cases", "read_route_file", "read_routes"]


class UnreadableFile(ConfigError):
    """A file or folder of routes cannot be read from the disk."""

    reason = "unreadable-file"

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__(file, problem)
        self.file = file
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


def read_routes(directory: Path) -> dict[str, str]:
    """The route files of a folder and those in it, by name: every `.yaml` and `.yml` but files of cases.

    Names begin with the folder as it was given. Bytes that are not UTF-8 become surrogates, for `load_routes` to tell.
    Raises UnreadableFile.
    """
    return _read(directory, cases=False)


def read_route_file(path: Path) -> dict[str, str]:
    """One route file, as `read_routes` gives several. Raises UnreadableFile."""
    try:
        return {_shown(path): _text(path)}
    except OSError as error:
        raise UnreadableFile(file=str(path), problem=f"cannot be read: {error.strerror or error}") from error


def read_cases(directory: Path) -> dict[str, str]:
    """The files of cases of a folder (`*_test.yaml`), as `read_routes` gives route files."""
    return _read(directory, cases=True)


def _read(directory: Path, *, cases: bool) -> dict[str, str]:
    try:
        if not directory.is_dir():
            problem = "is not a folder" if directory.exists() else "does not exist"
            raise UnreadableFile(file=str(directory), problem=problem)
        paths = [
            path
            for path in sorted(directory.rglob("*"))
            if path.suffix in {".yaml", ".yml"}
            and path.stem.endswith(CASES_ENDING) is cases
            and not any(part.startswith(".") for part in path.relative_to(directory).parts)
            and (path.is_file() or path.is_symlink())
        ]
        return {_shown(path): _text(path) for path in paths}
    except OSError as error:
        file = str(error.filename or directory)
        raise UnreadableFile(file=file, problem=f"cannot be read: {error.strerror or error}") from error


def _text(path: Path) -> str:
    with path.open("rb") as file:
        # One byte more than is allowed is enough to tell that there is more.
        return file.read(LARGEST + 1).decode("utf-8", "surrogateescape")


def _shown(path: Path) -> str:
    """The path as text that can be printed, whatever bytes the file's name has."""
    return str(path).encode("utf-8", "backslashreplace").decode()
