"""Pieces of Python."""

from __future__ import annotations

from typing import Any

import pytest

from router.language.cel.code import FAILURES, Code
from router.language.cel.failure import no_overload
from router.language.cel.types import CelType, Tag


@pytest.mark.parametrize(
    ("of", "sure"),
    [
        pytest.param(CelType(Tag.INT), Tag.INT, id="known"),
        pytest.param(CelType(Tag.INT).or_null(), None, id="perhaps-null"),
        pytest.param(CelType(Tag.NULL), None, id="null"),
        pytest.param(CelType(Tag.DYN), None, id="not-known"),
    ],
)
def test_a_type_is_sure_where_it_is_known_and_not_null(of: CelType, sure: Tag | None) -> None:
    """Only then Python's own operators do."""
    assert Code("x", of).sure is sure


def test_failures_are_what_python_raises_of_null() -> None:
    """And what the runtime raises by itself."""
    null: Any = None
    nothing: dict[str, int] = {}
    for fails in (lambda: null > 5, lambda: null.startswith("a"), lambda: nothing["a"]):
        with pytest.raises(FAILURES):
            fails()
    assert isinstance(no_overload("size", 5), FAILURES)
