"""The tree of errors that `router.errors` draws is the tree that the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from router import errors

ROUTER = Path(errors.__file__).parent
LINE = re.compile(r"^ {4}((?:│   |    )*)(?:[├└]── )?([A-Z][A-Za-z]+)\b")


def drawn() -> dict[str, str]:
    """By name of a class, that of the class above it."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = LINE.match(line)
        if found:
            depth = len(found[1]) // 4 + ("── " in line)
            above[depth:] = [found[2]]
            parents[found[2]] = above[depth - 1] if depth else "Exception"
    return parents


def declared() -> dict[str, tuple[str, str]]:
    """The same of what the code declares, with the file; those of `develop` have a tree of their own."""
    classes = {
        node.name: (ast.unparse(node.bases[0]), path.relative_to(ROUTER).as_posix())
        for path in sorted(ROUTER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.bases and not node.name.startswith("_")
    }
    found: dict[str, tuple[str, str]] = {}
    for name, (base, file) in classes.items():
        way = base
        while way in classes and way != "RouterError":
            way = classes[way][0]
        if way == "RouterError" and not file.startswith("develop/"):
            found[name] = (base, file)
    return found


def test_each_error_is_drawn_below_its_base() -> None:
    """So that who has caught one finds who must act on it, and a new one finds its place."""
    parents = drawn()
    missing = {
        f"{file}: {name}({base})" for name, (base, file) in declared().items() if parents.get(name, base) != base
    } | {f"{file}: {name} is not drawn" for name, (_, file) in declared().items() if name not in parents}
    assert missing == set()


def test_nothing_else_is_drawn() -> None:
    """What is gone from the code is gone from the drawing."""
    assert set(drawn()) - set(declared()) == {"RouterError"}


def test_what_stands_elsewhere_says_where() -> None:
    """By its module, in brackets."""
    for name, (_, file) in declared().items():
        line = next(each for each in (errors.__doc__ or "").splitlines() if re.search(rf"\b{name}\b", each))
        module = file.removesuffix(".py").replace("/", ".")
        assert module == "errors" or f"({module})" in line, f"{name} is of ({module})"
