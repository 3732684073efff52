"""Who may ask."""

from __future__ import annotations

import pytest

from router.tables.access import refused

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_token_opens(header: str) -> None:
    """The scheme's name in any case, as HTTP has it."""
    assert refused(TOKEN, header) is None


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param(None, "there is no token in the request", id="none"),
        pytest.param("Bearer", "there is no token in the request", id="no-token"),
        pytest.param(f"Bearer {TOKEN}x", "the token is not this worker's", id="longer"),
        pytest.param("Bearer ü", "the token is not this worker's", id="no-ascii"),
        pytest.param(f"Basic {TOKEN}", "the token is not this worker's", id="other-scheme"),
    ],
)
def test_anything_else_does_not(header: str | None, message: str) -> None:
    """401, and what is wrong."""
    refusal = refused(TOKEN, header)
    assert refusal is not None
    assert (refusal.status, refusal.reason, refusal.message) == (401, "wrong-token", message)


def test_without_a_token_nobody_may_ask() -> None:
    """Not with an empty one either."""
    refusal = refused(None, "Bearer ")
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (403, "api-off")
