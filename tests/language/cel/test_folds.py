"""Macros, as they come out of the front end's folds."""

import pytest
from support.expressions import tree, value

from router.language.cel.folds import read_fold
from router.language.cel.tree import Collect, CollectMap, Let, Quantify
from router.language.cel.wire import Message


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("[1, 2].all(x, x > 0)", Quantify, True),
        ("[1, 2].exists(x, x > 1)", Quantify, True),
        ("[1, 2].exists_one(x, x > 0)", Quantify, False),
        ("[1, 2].all(i, x, x > i)", Quantify, True),
        ("{1: 2}.exists(k, v, v > k)", Quantify, True),
        ("{1: 2}.existsOne(k, v, v > k)", Quantify, True),
        ("[1, 2].map(x, x * 2) == [2, 4]", None, True),
        ("[1, 2].map(x, x > 1, x * 2) == [4]", None, True),
        ("[1, 2].filter(x, x > 1) == [2]", None, True),
        ("[5, 6].transformList(i, x, i) == [0, 1]", None, True),
        ("[5, 6].transformList(i, x, x > 5, i) == [1]", None, True),
        ("{1: 2}.transformMap(k, v, v + 1) == {1: 3}", None, True),
        ("{1: 2}.transformMap(k, v, v > 2, v + 1) == {}", None, True),
        ("{1: 2}.transformMapEntry(k, v, {v: k}) == {2: 1}", None, True),
        ("{1: 2}.transformMapEntry(k, v, v > 2, {v: k}) == {}", None, True),
        ("cel.bind(x, 5, x + x) == 10", None, True),
        ("optional.of(5).optMap(x, x + 1).value() == 6", None, True),
        ("optional.of(5).optFlatMap(x, optional.of(x)).value() == 5", None, True),
        ("[[1], [2]].all(x, x.all(x, x > 0))", Quantify, True),
    ],
)
def test_macros_are_recognised(text: str, kind: type | None, expected: bool) -> None:
    """Each macro is a node of its own, and means what the specification says."""
    found = tree(text)
    if kind is not None:
        assert isinstance(found, kind)
    assert value(text, check=True) is expected


def test_nodes_of_macros_have_their_parts() -> None:
    """Variables, conditions and what is given stand where they belong."""
    kept = tree("[1].map(x, x > 1, x)")
    assert isinstance(kept, Collect)
    assert (kept.variables, kept.keep is not None) == (("x",), True)
    mapped = tree("{1: 2}.transformMap(k, v, v)")
    assert isinstance(mapped, CollectMap)
    assert (mapped.variables, mapped.keep) == (("k", "v"), None)
    bound = tree("cel.bind(x, 1, x)")
    assert isinstance(bound, Let)
    assert bound.name == "x"


def test_a_fold_of_no_macro_is_not_taken_for_one() -> None:
    """A shape that we do not know has no meaning that we could guess."""
    assert read_fold(Message({1: [b"x"]})) is None
