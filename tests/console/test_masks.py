"""What nobody sees, and what betrays it."""

from __future__ import annotations

from typing import Any

import pytest

from router.console.masks import Masks, Seen
from router.console.sealing import Seal

SEAL = Seal(b"a secret")
MASKS = Masks({"order": ["customer.email", "items.note", "n", "header:Secret"], "stock": []})


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        pytest.param({"customer": {"email": "ann@x.org", "id": 7}}, {"customer": {"email": "someone@example.com", "id": 7}}, id="field"),
        pytest.param({"customer": {"email": None}}, {"customer": {"email": None}}, id="null stays"),
        pytest.param({"customer": None}, {"customer": None}, id="null above"),
        pytest.param({"other": 1}, {"other": 1}, id="not there"),
        pytest.param({"items": [{"note": "my door code"}, {"note": None}]}, {"items": [{"note": "masked"}, {"note": None}]}, id="items"),
        pytest.param(
            {"items": [{"note": "my door code"}, {"sku": "A"}, 5]}, {"items": [{"note": "masked"}, {"sku": "A"}, 5]}, id="some items"
        ),
        pytest.param({"items": [{"note": None}, {"note": "abc"}, {}]}, {"items": [{"note": None}, {"note": "masked"}, {}]}, id="some null"),
        pytest.param({"n": {"a": ["deep secret"], "b": {"c": 4711}}}, {"n": {"a": ["masked"], "b": {"c": 0}}}, id="what is inside"),
        pytest.param([1], [1], id="no record"),
        pytest.param(None, None, id="nothing"),
    ],
)  # fmt: skip
def test_a_masked_field_is_another_of_its_type(value: Any, seen: Any) -> None:
    """Whatever else the record has stays, and nothing fails for what it has not."""
    assert MASKS.seen(value, "order", None).value == seen


def test_what_was_masked_is_known_elsewhere() -> None:
    """Its texts are taken out of all that is said of the record; short ones are in everything and betray nothing."""
    seen = MASKS.seen({"customer": {"email": "ann@x.org"}, "n": [4711, True, "ab", 1.5]}, "order", None)
    assert seen.secrets == {"ann@x.org", "4711"}
    assert seen.text("key ann@x.org of 4711 in ab") == "key masked of masked in ab"
    assert Seen(None).text("as it is") == "as it is"


def test_longer_secrets_go_first() -> None:
    """Else a part of one would be left standing."""
    assert Seen(None, frozenset({"ann", "ann@x.org"})).text("ann@x.org, ann") == "masked, masked"


@pytest.mark.parametrize(
    ("subject", "hides", "hides_header"),
    [
        pytest.param("order", True, True, id="with masks"),
        pytest.param("stock", False, False, id="without"),
        pytest.param("unheard", False, False, id="unknown"),
        pytest.param(None, False, False, id="none"),
    ],
)
def test_rules_are_a_subjects_own(subject: str | None, *, hides: bool, hides_header: bool) -> None:
    """What one says holds for no other; headers' names count in any case."""
    assert (MASKS.hides(subject), MASKS.hides_header(subject, "SECRET")) == (hides, hides_header)
    assert not MASKS.hides_header(subject, "other")


def test_a_masked_key_is_another_text_wherever_it_stands() -> None:
    """As a field of the value, a text or a number, and a secret elsewhere; of its own subject alone."""
    masks = Masks({"order": []}, keys=["order"], seal=SEAL)
    value = {"id": "4711", "n": 4711, "of": [{"id": "4711"}, "47110"], "is": True, "other": 1.5}
    seen = masks.seen(value, "order", None, key=b"4711")
    shown = SEAL.seal(b"4711")
    assert seen.value == {"id": shown, "n": shown, "of": [{"id": shown}, "47110"], "is": True, "other": 1.5}
    assert seen.text("no order 4711") == "no order masked"
    assert (masks.hides_key("order"), masks.hides("order"), masks.hides_key("stock"), masks.hides_key(None)) == (
        True,
        True,
        False,
        False,
    )
    assert masks.seen(value, "stock", None, key=b"4711").value == value
    assert masks.seen({"id": "a"}, "order", None, key=None).value == {"id": "a"}
