"""What is known and not yet supported."""

from __future__ import annotations

from router.language.later import LATER_KEYS, later_key
from router.language.shapes import TopicShape


def test_what_is_known_says_what_it_is_about() -> None:
    """A key by its shape; anything else is simply unknown."""
    for shape, keys in LATER_KEYS.items():
        assert all(later_key(shape, key) == about for key, about in keys.items())
    assert later_key(TopicShape, "nonsense") == ""


def test_nothing_is_both_supported_and_later() -> None:
    """An entry goes with the version that supports it."""
    for shape, keys in LATER_KEYS.items():
        assert not keys.keys() & {field.alias for field in shape.model_fields.values()}
