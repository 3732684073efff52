"""What processing says of a record that it does not process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from router.consumer.reasons import Failure, Reject, TryAgain, failure_of


def raised(work: Callable[[], object]) -> BaseException:
    """Return what this raises."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it raised nothing")


class Unspeakable(Exception):
    """An error that cannot tell itself."""

    def __str__(self) -> str:
        raise RuntimeError


def fail() -> None:
    """Fail without words."""
    raise Unspeakable


def test_an_error_tells_what_it_says_and_where_it_came_from() -> None:
    """The innermost line: that of the code which noticed."""
    failure = failure_of(raised(lambda: int("x")))
    assert failure.reason == "failed"
    assert failure.error.startswith("invalid literal")
    assert failure.error_class == "ValueError"
    assert failure.place.startswith("test_reasons.py:")


def test_a_rejection_tells_its_reason_and_the_error_behind_it() -> None:
    """What it does not say itself, its cause says."""

    def work() -> None:
        try:
            fail()
        except Unspeakable as error:
            raise Reject("out-of-range", place="value:amount") from error

    failure = failure_of(raised(work))
    assert (failure.reason, failure.error, failure.place) == ("out-of-range", "", "value:amount")
    assert failure.error_class.endswith("test_reasons.Unspeakable")


def test_a_rejection_alone_has_no_class() -> None:
    """The reason says more than the name of the exception that carries it."""
    assert failure_of(Reject("no-such-order", error="order 7 is unknown", place="value:id")) == Failure(
        reason="no-such-order", error="order 7 is unknown", place="value:id"
    )
    assert failure_of(Reject()) == Failure()


def test_what_is_told_has_a_bound() -> None:
    """A rejection must fit where its record did."""
    assert len(failure_of(ValueError("x" * 5_000)).error) == 1_000
    assert len(failure_of(Reject(error="x" * 5_000)).error) == 1_000


@pytest.mark.parametrize("reason", ["integer out of range", "", "x" * 101, "behind"])
def test_a_reason_is_a_slug(reason: str) -> None:
    """Programs match on it, and one word of it is kept for the protocol."""
    with pytest.raises(ValueError, match="slug"):
        Reject(reason)


def test_they_say_in_words_what_they_are() -> None:
    """As they stand in a log."""
    assert str(Reject("gone")) == "gone"
    assert str(Reject("gone", error="order 7")) == "gone: order 7"
    assert str(TryAgain("the database is down")) == "the database is down"
    assert str(TryAgain()) == "what it needs is not there"
    assert TryAgain(after=2).after == 2
