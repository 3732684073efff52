"""What is wrong with an expression's text."""

from router.errors import ConfigError
from router.language.cel.problems import InvalidWhere, WhereProblem


def test_problems_stand_in_order_of_place() -> None:
    """All problems are there, by line and column, one a line."""
    late, early = WhereProblem(1, "late", line=2), WhereProblem(9, "early", "do this")
    found = InvalidWhere([late, early])
    assert isinstance(found, ConfigError)
    assert found.problems == (early, late)
    assert str(found) == "column 9: early: do this\nline 2, column 1: late"
