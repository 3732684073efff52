"""The value that every dialect is read into."""

from __future__ import annotations

from router.failure.deaths import Death, Dialect


def test_a_death_says_least_where_its_dialect_says_nothing() -> None:
    """One death, of unknown time and place."""
    death = Death(dialect=Dialect.STREAMS, reason="failed")
    assert (death.count, death.first, death.last, death.origin) == (1, None, None, None)
    assert death.destination == death.error_class == death.message == death.place == ""
