"""Macros as loops: what the written functions give, against lists that hold what decides and what fails."""

from __future__ import annotations

import pytest

from router.language.cel.environment import Environment
from router.language.cel.regex import Re2
from router.language.cel.types import CelType, Tag, list_of, map_of
from router.language.cel.where import compile_where

INT, STRING = CelType(Tag.INT), CelType(Tag.STRING)
ENVIRONMENT = Environment(
    variables={"l": list_of(INT), "m": map_of(STRING, INT), "b": CelType(Tag.BOOL), "any": CelType(Tag.DYN)}
)


def truth(text: str, **whole: object) -> bool | None:
    """The compiled expression over these values; None where it fails."""
    where = compile_where(text, ENVIRONMENT, engine=Re2())
    return where.compile(where.paths)(tuple(whole.get(path) for path in where.paths), {}, "", whole)


@pytest.mark.parametrize(
    ("text", "items", "expected"),
    [
        pytest.param("l.all(x, x > 1)", [2, 3], True, id="all"),
        pytest.param("l.all(x, x > 1)", [2, 1], False, id="not-all"),
        pytest.param("l.all(x, x > 1)", [], True, id="all-of-none"),
        pytest.param("l.exists(x, x > 1)", [1, 2], True, id="one"),
        pytest.param("l.exists(x, x > 1)", [1], False, id="not-one"),
        pytest.param("l.exists_one(x, x > 1)", [1, 2], True, id="just-one"),
        pytest.param("l.exists_one(x, x > 1)", [2, 3], False, id="two"),
        pytest.param("l.all(x, 6 / x > 1)", [0, 6], False, id="all-absorbs-a-failure"),
        pytest.param("l.all(x, 6 / x > 1)", [0, 2], None, id="all-fails-where-nothing-decides"),
        pytest.param("l.all(x, 6 / x > 1)", [3, 2], True, id="all-that-could-have-failed"),
        pytest.param("l.exists(x, 6 / x > 1)", [0, 2], True, id="exists-absorbs-a-failure"),
        pytest.param("l.exists(x, 6 / x > 1)", [0, 6], None, id="exists-fails-where-nothing-decides"),
        pytest.param("l.exists_one(x, 6 / x > 1)", [0, 2], None, id="exists-one-absorbs-nothing"),
        pytest.param("l.filter(x, x > 1) == [2, 3]", [1, 2, 3], True, id="filter"),
        pytest.param("l.filter(x, 6 / x > 1) == [2]", [0, 2], None, id="filter-fails"),
        pytest.param("l.map(x, x * 2) == [2, 4]", [1, 2], True, id="map"),
        pytest.param("l.map(x, x > 1, x * 2) == [4]", [1, 2], True, id="map-of-some"),
        pytest.param("l.all(x, l.exists(x, x == 1) && x > 0)", [1, 2], True, id="inner-variables-hide-outer-ones"),
        pytest.param("b && l.all(x, b)", [1], True, id="names-from-outside"),
    ],
)
def test_lists(text: str, items: list[int], expected: bool | None) -> None:
    """Each macro, with and without a condition that can fail."""
    assert truth(text, l=items, b=True) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("m.all(k, k != 'c')", True, id="keys"),
        pytest.param("m.exists(k, v, k == 'b' && v == 2)", True, id="keys-and-values"),
        pytest.param("l.exists(i, x, i == 1 && x == 8)", True, id="indices-and-items"),
        pytest.param("m.transformList(k, v, v > 1, k) == ['b']", True, id="a-list-of-a-map"),
        pytest.param("m.transformMap(k, v, v * 2) == {'a': 2, 'b': 4}", True, id="another-map"),
        pytest.param("m.transformMap(k, v, v > 1, v * 2) == {'b': 4}", True, id="another-map-of-some"),
        pytest.param("m.transformMapEntry(k, v, {k + k: v}) == {'aa': 1, 'bb': 2}", True, id="other-keys"),
        pytest.param("any.exists(x, x == 1)", True, id="what-only-the-record-knows"),
    ],
)
def test_maps_and_pairs(text: str, expected: bool) -> None:
    """One variable goes over keys, two over keys or indices and what belongs to them."""
    assert truth(text, m={"a": 1, "b": 2}, l=[7, 8], any=[1]) is expected


def test_what_is_no_list_fails() -> None:
    """Where only the record could tell."""
    assert truth("any.exists(x, x == 1)", any=5) is None
