"""All functions by name."""

import pytest
from support.expressions import value

from router.language.cel.failure import WhereFailed
from router.language.cel.functions import GENERIC, OVERLOADS, Functions
from router.language.cel.functions_known import KNOWN_FUNCTIONS
from router.language.cel.regex import Re2


def test_every_function_has_a_name_that_can_be_written() -> None:
    """The names that expressions may use are those of the functions, and of what does not evaluate all it is given."""
    lazy = {"_&&_", "_||_", "_?_:_", "or", "orValue", "matches"}
    assert {*OVERLOADS, *GENERIC} - {"@fail"} == KNOWN_FUNCTIONS - lazy


def test_functions_select_by_exact_types() -> None:
    """A function takes just the types that it has an overload for: a bool is no int, though Python says so."""
    size = Functions(Re2()).named("size")
    assert size("é") == 1
    with pytest.raises(WhereFailed, match="no such overload: 'size' of int"):
        size(1)
    with pytest.raises(WhereFailed, match="no such overload: '-' of bool"):
        Functions(Re2()).named("-_")(True)


def test_the_engine_comes_in_as_an_argument() -> None:
    """`matches` searches with the engine that it is given."""

    class Never:
        def search(self, pattern: str, text: str) -> bool:
            return False

        def compile(self, pattern: str) -> object:
            return lambda _: False

    assert Functions(Never()).named("matches")("a", "a") is False
    assert Functions(Re2()).named("matches")("a", "a") is True


def test_an_index_of_an_optional_is_optional() -> None:
    """Indexing an optional gives an optional."""
    assert value("optional.of([7])[0].value()") == 7
