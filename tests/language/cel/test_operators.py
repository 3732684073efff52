"""Where Python's own operators are written."""

import re

import pytest
from support.expressions import ORDERS

from router.language.cel.constants import Folding
from router.language.cel.evaluate import Evaluator
from router.language.cel.front_end import parse
from router.language.cel.functions import Functions
from router.language.cel.lower import lower
from router.language.cel.regex import Re2
from router.language.cel.source import Writer

PATHS = ("amount", "weight", "status", "id", "price", "urgent", "either", "at")


def code(text: str) -> str:
    functions = Functions(Re2())
    tree = Folding(Evaluator(functions)).fold(lower(parse(text, ORDERS), ORDERS))
    return Writer(ORDERS, functions, {path: path for path in PATHS}).condition(tree).text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("amount > 5", "(amount > 5)"),
        ("amount > 5.5", "(amount > 5.5)"),
        ("weight <= 2.0", "(weight <= 2.0)"),
        ("status == 'paid'", "(status == 'paid')"),
        ("either == 'paid'", "(scalar(either) == 'paid')"),
        ("status == null", "(status is None)"),
        ("null != status", "(status is not None)"),
        ("status in ['a', 'b']", "(status in {'a', 'b'})"),
        ("amount in [1, 2.0]", "(amount in {1, 2.0})"),
        ("id.startsWith('a')", "id.startswith('a')"),
        ("id.contains('a')", "('a' in id)"),
        ("size(id) > 3", "(len(id) > 3)"),
        ("amount + 1 > 2", "(to_int(amount + 1) > 2)"),
        ("weight * 2.0 > 2.0", "((double(weight) * 2.0) > 2.0)"),
        ("id + 'x' == 'y'", "((id + 'x') == 'y')"),
        ("!(amount > 5)", "(not (amount > 5))"),
        ("urgent", "truth(urgent)"),
        ("headers['a'] == 'x'", "(headers['a'] == 'x')"),
        ("'a' in headers", "('a' in headers)"),
        ("headers[id] == 'x'", "(headers[id] == 'x')"),
        ("id in headers", "(id in headers)"),
        ("amount / 2 > 1 || id == 'x'", "((id == 'x') or (DIVIDED(amount, 2) > 1))"),
    ],
)
def test_types_that_are_known_give_pythons_own_operators(text: str, written: str) -> None:
    """What the checker proves needs no function; what cannot fail goes first."""
    assert re.sub(r"f_\w+\(", "DIVIDED(", code(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "amount > weight",
        "amount > 1e17",
        "either > 5",
        "either in [1]",
        "price > weight",
        "amount in [1e17]",
    ],
)
def test_what_python_would_do_otherwise_is_a_function(text: str) -> None:
    """An integer compares with a double as one, and a value of no known type by what it is."""
    assert "f_" in code(text)
