"""The specification's own suite, where it lies beside the project."""

import base64
import json
import math
from collections import Counter
from pathlib import Path

import pytest

from router.language.cel.cases import answer_case
from router.language.cel.environment import Environment
from router.language.cel.evaluate import Evaluator
from router.language.cel.failure import WhereFailed
from router.language.cel.functions import Functions
from router.language.cel.problems import InvalidWhere
from router.language.cel.reading import read_tree
from router.language.cel.regex import Re2
from router.language.cel.source import FAILURES, Writer
from router.language.cel.typed import to_typed

FOLDER = Path(__file__).parents[3].parent / "shared" / "conformance" / "cel"

MISSED = {
    "block_ext/": "cel.block, cel.index and cel.iterVar are made by optimisers, not written by people",
}
"""By how their ids begin, with the reason."""


def cases(name: str) -> list[dict]:
    path = FOLDER / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"the suite is not beside the project: {path.name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def canonical(typed: dict) -> tuple:
    """The typed form so that equal values are equal: maps without order, NaN as itself, doubles never integers."""
    kind, value = typed["t"], typed["v"]
    match kind:
        case "map":
            return kind, frozenset((canonical(key), canonical(each)) for key, each in value)
        case "list":
            return kind, tuple(map(canonical, value))
        case "double":
            number = float(value)
            return kind, "NaN" if math.isnan(number) else (number, math.copysign(1, number))
        case "bytes":
            return kind, base64.b64decode(value)
    return kind, json.dumps(value, sort_keys=True)


def is_right(case: dict, answer: dict) -> bool:
    if "error" in case["expect"]:
        return "error" in answer
    return "value" in answer and canonical(answer["value"]) == canonical(case["expect"]["value"])


@pytest.mark.parametrize(("name", "values", "errors"), [("core", 617, 72), ("extended", 879, 120)])
def test_specification_suite_is_answered(name: str, values: int, errors: int) -> None:
    """Every case of the suite has the value, type included, or the error that it expects, but for the misses named."""
    engine = Re2()
    right: Counter = Counter()
    missed = []
    for case in cases(name):
        if is_right(case, answer_case(case, engine=engine)):
            right["error" if "error" in case["expect"] else "value"] += 1
        else:
            missed.append(case["id"])
    assert [each for each in missed if not each.startswith(tuple(MISSED))] == []
    assert right["value"] >= values
    assert right["error"] >= errors


@pytest.mark.parametrize("name", ["core", "extended"])
@pytest.mark.parametrize("check", [True, False], ids=["checked", "unchecked"])
def test_compiled_code_agrees_with_the_walk(name: str, check: bool) -> None:
    """What is compiled of a case gives what the walk over its tree gives, whether types were checked or not."""
    functions = Functions(Re2())
    environment = Environment(variables={})
    compared = 0
    for case in cases(name):
        try:
            _, tree = read_tree(case["expr"], environment, check=check)
        except InvalidWhere:
            continue
        try:
            slow = canonical(to_typed(Evaluator(functions).evaluate(tree, {})))
        except WhereFailed:
            slow = None
        writer = Writer(environment, functions, {})
        code = writer.write(tree)
        source = "\n".join([*writer.lines, "def value(headers=None, whole=None):", f"    return {code.text}"])
        exec(compile(source, case["id"], "exec"), writer.globals)
        try:
            fast = canonical(to_typed(writer.globals["value"]()))
        except FAILURES:
            assert code.fails, case["id"]
            fast = None
        assert fast == slow, case["id"]
        compared += 1
    assert compared > 500
