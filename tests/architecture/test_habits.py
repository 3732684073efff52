"""Habits that a linter does not know: each module has its test file, each test says what it promises, nobody sleeps."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from support.source import ROOT, expect_none, sources

# Modules without a test file of their own, and what tests them instead.
TESTED_ELSEWHERE = {
    "agents/app.py": "run as a process by tests/acceptance: Faust's app is made when it is imported",
    "agents/mirror.py": "as agents/app.py",
    "agents/routing.py": "run as a process by tests/acceptance: ten lines of handing on",
    "router/__init__.py": "the version, and nothing that could fail",
    "router/lanes/table.py": "a port without code; tests/contracts has its promises",
    "router/commands/cluster.py": "by tests/commands/test_topics.py on a real Kafka: it only says to the broker what a plan says",
    "router/order/table_errors.py": "as router/errors.py",
    "router/develop/errors.py": "facts and sentences; each error is tested where it is raised",
    "router/develop/maven.py": "all of it is the network; tests/develop/test_jars.py plays its part with a double",
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "process", "misc", "common"}
LONGEST = 500
# The one place that looks again and again for what another process does.
WAITING = "tests/support/waiting.py"

MODULES = tuple(source for source in sources("router", "agents") if source.has_code)
TESTS = tuple(source for source in sources("tests") if PurePosixPath(source.path).name.startswith("test_"))


def own_test_file(module: str) -> str:
    """tests/<folder>/test_<module>.py; a package's own code is tested under the package's name."""
    path = PurePosixPath(module)
    name = path.parent.name if path.name == "__init__.py" else path.stem
    folder = PurePosixPath("tests", *path.parts[1:-1])
    return str(folder / f"test_{name}.py")


def test_every_module_has_its_own_test_file() -> None:
    """Whoever changes a module knows where its tests are."""
    found = {
        source.path: [f"there is no {own_test_file(source.path)}"]
        for source in MODULES
        if source.path not in TESTED_ELSEWHERE and not (ROOT / own_test_file(source.path)).is_file()
    }
    expect_none(found)


def test_exemptions_are_of_modules_that_exist() -> None:
    """An exemption ends with its module, and one that has got a test file needs none."""
    assert {path for path in TESTED_ELSEWHERE if not (ROOT / path).exists()} == set()
    assert {path for path in TESTED_ELSEWHERE if (ROOT / own_test_file(path)).exists()} == set()


def test_modules_are_of_a_size_to_be_read() -> None:
    """About 300 lines, and never more than 500."""
    lengths = {source.path: len(source.text.splitlines()) for source in MODULES}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_modules_say_what_they_are() -> None:
    """Each begins with a docstring, and none has a name that could be anything's."""
    assert [source.path for source in MODULES if not source.docstring] == []
    assert [one.path for one in MODULES if FORBIDDEN_NAMES & set(PurePosixPath(one.path).with_suffix("").parts)] == []


def test_tests_say_in_a_sentence_what_is_promised() -> None:
    """One paragraph of one sentence, so that the list of tests reads as the list of promises."""
    found = {
        source.path: [
            f"line {function.lineno}, {function.name}"
            for function in source.functions()
            if function.name.startswith("test_") and not _is_one_sentence(ast.get_docstring(function) or "")
        ]
        for source in TESTS
    }
    expect_none(found)


def _is_one_sentence(text: str) -> bool:
    return (
        bool(text) and "\n\n" not in text and text.endswith((".", "?", "!")) and not re.search(r"[.?!]\s+[A-Z]", text)
    )


def test_nobody_sleeps() -> None:
    """A test waits for what it waits for, never for a time that was enough on somebody's machine."""
    found = {
        source.path: [
            f"line {node.lineno}"
            for node in ast.walk(source.tree)
            if (isinstance(node, ast.Attribute) and node.attr == "sleep" and getattr(node.value, "id", "") == "time")
            or (
                isinstance(node, ast.ImportFrom)
                and node.module == "time"
                and "sleep" in {one.name for one in node.names}
            )
        ]
        for source in sources("tests")
        if source.path != WAITING
    }
    expect_none(found)
