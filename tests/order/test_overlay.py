"""Changes over a disk, held to a model that keeps everything apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.order.overlay import ABSENT, Overlay

KEYS = st.sampled_from([b"", b"a", b"a1", b"a2", b"b", b"b\xff", b"c"])
VALUES = st.sampled_from([None, b"", b"1", b"2", b"large" * 1_000])


class OverDisk(RuleBasedStateMachine):
    """The overlay beside a disk, as a table has them; memory is so short that it is always on the move."""

    def __init__(self) -> None:
        super().__init__()
        self.overlay = Overlay(remember=2)
        self.disk: dict[bytes, bytes] = {}
        self.pending: dict[bytes, bytes | None] = {}
        self.taken: dict[bytes, bytes | None] = {}

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes | None) -> None:
        self.overlay.put(key, value)
        self.pending[key] = value

    @rule()
    def take(self) -> None:
        assert self.overlay.take() == self.pending
        self.taken |= self.pending
        self.pending = {}

    @rule()
    def commit(self) -> None:
        assert self.overlay.taken == self.taken
        for key, value in self.taken.items():
            if value is None:
                self.disk.pop(key, None)
            else:
                self.disk[key] = value
        self.taken = {}
        self.overlay.settle()

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        found = self.overlay.get(key)
        if found is ABSENT:
            assert key not in self.pending
            assert key not in self.taken
            self.overlay.learn(key, self.disk.get(key))
        else:
            assert found == {**self.disk, **self.taken, **self.pending}.get(key)

    @rule(prefix=KEYS, after=KEYS, most=st.integers(1, 4))
    def changed(self, prefix: bytes, after: bytes, most: int) -> None:
        after = max(prefix, after)
        changes = sorted((self.taken | self.pending).items(), key=lambda change: change[0])
        expected = [(key, value) for key, value in changes if key.startswith(prefix) and key >= after]
        assert self.overlay.changed(prefix, after, most) == expected[:most]

    @rule()
    def clear(self) -> None:
        self.overlay.clear()
        self.pending, self.taken = {}, {}

    @invariant()
    def forgets_no_change(self) -> None:
        for key, value in (self.taken | self.pending).items():
            assert self.overlay.get(key) == value


TestOverDisk: Any = OverDisk.TestCase
TestOverDisk.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("new", [1, 40], ids=["few", "many"])
def test_keys_that_come_after_a_scan_are_in_the_next(new: int) -> None:
    """Put in their places one by one, or sorted with the others."""
    overlay = Overlay(remember=2)
    overlay.put(b"m", b"")
    assert overlay.changed(b"", b"", 100) == [(b"m", b"")]
    keys = [b"k%02d" % number for number in reversed(range(new))]
    for key in keys:
        overlay.put(key, b"")
    assert [key for key, _ in overlay.changed(b"", b"", 100)] == sorted([*keys, b"m"])


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    """Two generations: the disk is asked again only for what nobody wanted for a while."""
    overlay = Overlay(remember=10)
    for number in range(100):
        overlay.learn(b"%d" % number, b"x")
        assert overlay.get(b"0") == b"x"
    assert overlay.get(b"50") is ABSENT


def test_large_values_are_not_remembered() -> None:
    """Neither from the disk nor once they are on it; and what was there before them is not taken for them."""
    overlay = Overlay(remember=1)
    overlay.learn(b"a", b"old")
    overlay.learn(b"b", b"")
    overlay.learn(b"c", b"")
    overlay.put(b"a", b"x" * 5_000)
    overlay.take()
    overlay.settle()
    overlay.learn(b"d", b"x" * 5_000)
    assert (overlay.get(b"a"), overlay.get(b"d")) == (ABSENT, ABSENT)
