"""Ctrl-C and SIGTERM, once and twice."""

from __future__ import annotations

import signal

import pytest

from router.develop.interrupts import Interrupts

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])


@BOTH
def test_the_first_ends_what_is_still_starting(number: signal.Signals) -> None:
    """Nobody looks at `asked` yet, so it raises at once."""
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert interrupts.asked


@BOTH
def test_the_first_asks_and_the_second_insists(number: signal.Signals) -> None:
    """Once somebody looks, the first is only noted."""
    with Interrupts() as interrupts:
        interrupts.polite()
        assert not interrupts.asked
        signal.raise_signal(number)
        assert interrupts.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_handlers_are_given_back() -> None:
    """After the block, signals do what they did before."""
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
