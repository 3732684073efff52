"""What stops an expression on one record."""

from router.errors import RecordError
from router.language.cel.failure import WhereFailed, no_overload


def test_failure_is_of_the_record() -> None:
    """A failure is an error of one record, with a reason that dead letters and metrics share."""
    found = WhereFailed("division by zero")
    assert isinstance(found, RecordError)
    assert (found.reason, found.problem, str(found)) == ("where-failed", "division by zero", "division by zero")


def test_missing_overload_names_types() -> None:
    """A function that does not take such values names them by their types."""
    assert str(no_overload("'+'", 1, "a", None)) == "no such overload: '+' of int, string, null_type"
