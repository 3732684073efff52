"""The project's own source as data, for the tests of its architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Import:
    """One import statement's module."""

    module: str
    line: int
    at_run_time: bool
    """False below `if TYPE_CHECKING:`."""
    at_top: bool
    """Whether it runs when the module is imported."""

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    """Relative to the project's root, with slashes."""

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or "" if self.is_python else ""

    @property
    def is_python(self) -> bool:
        """False while its syntax is wrong: then its own tests fail, and not the collection of all."""
        try:
            return self.tree is not None
        except SyntaxError:
            return False

    @property
    def has_code(self) -> bool:
        """Whether there is more in it than a docstring and names that it passes on."""
        if not self.is_python:
            return True
        passing_on = (ast.Expr, ast.Import, ast.ImportFrom)
        return any(not isinstance(node, passing_on) and "'__all__'" not in ast.dump(node) for node in self.tree.body)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self.tree.body, at_run_time=True, at_top=True))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def expect_none(found: dict[str, list[str]]) -> None:
    """Fail with everything that was found, a line each."""
    told = [f"{path}: {fault}" for path, all_of_it in found.items() for fault in all_of_it]
    if told:
        raise AssertionError("\n".join(told))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """All Python files below these folders, in order."""
    found = {
        file.relative_to(ROOT).as_posix()
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in file.parts
    }
    return tuple(Source(path) for path in sorted(found))


def _imports(body: list[ast.stmt], *, at_run_time: bool, at_top: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(name.name, node.lineno, at_run_time, at_top)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", node.lineno, at_run_time, at_top)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _imports(node.body, at_run_time=False, at_top=at_top)
            yield from _imports(node.orelse, at_run_time=at_run_time, at_top=at_top)
        elif isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            continue  # what the file does as a program is no part of the module
        else:
            inside = at_top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for block in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(node, block, []), at_run_time=at_run_time, at_top=inside)
            for handler in getattr(node, "handlers", []):
                yield from _imports(handler.body, at_run_time=at_run_time, at_top=inside)
