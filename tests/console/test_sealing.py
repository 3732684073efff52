"""Texts that stand for keys."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.console.sealing import SEALED, Seal

SEAL = Seal(b"a secret")


@given(st.binary(max_size=200))
def test_a_text_opens_to_its_key(key: bytes) -> None:
    """Whatever bytes it has, also such as padding ends with; with the same secret only."""
    text = SEAL.seal(key)
    assert SEAL.open(text) == key
    assert Seal(b"a secret").seal(key) == text
    assert Seal(b"another").open(text) is None
    assert text.removeprefix(SEALED).replace("-", "").replace("_", "").isalnum()


@given(st.binary(min_size=3, max_size=200))
def test_a_text_has_nothing_of_its_key(key: bytes) -> None:
    """Neither as it is nor encoded, and not its exact length."""
    raw = base64.urlsafe_b64decode(SEAL.seal(key).removeprefix(SEALED) + "==")
    assert key not in raw
    assert (len(raw) - 12) % 16 == 0


def test_keys_are_told_apart_by_the_beginning() -> None:
    """So that a page may show that only."""
    assert len({SEAL.seal(b"%d" % number)[: len(SEALED) + 10] for number in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    "text",
    ["", "ord-1", "masked-", "masked-x", "masked-!!!!", "masked-" + "A" * 40, SEAL.seal(b"a")[:-2], SEAL.seal(b"b" * 2_000)],
    ids=["empty", "another", "nothing", "short", "signs", "made up", "cut", "too long"],
)  # fmt: skip
def test_what_stands_for_no_key_does_not_open(text: str) -> None:
    """Made up, cut, or of a key that is too long to be followed."""
    assert SEAL.open(text) is None


def test_text_that_was_changed_does_not_open() -> None:
    """In any of its letters."""
    text = SEAL.seal(b"ann@x.org")
    for at in range(len(SEALED), len(text) - 1):
        other = "A" if text[at] != "A" else "B"
        assert SEAL.open(text[:at] + other + text[at + 1 :]) is None
    assert len(SEAL.seal(b"c" * 5_000)) < 30
