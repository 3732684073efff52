"""What is known and not yet supported."""

from __future__ import annotations

from router.language.later import LATER_KEYS, LATER_VALUES, later_key, later_value
from router.language.shapes import RouteFile, TopicShape


def test_what_is_known_says_what_it_is_about() -> None:
    """A key or value by its shape; anything else is simply unknown."""
    for shape, keys in LATER_KEYS.items():
        assert all(later_key(shape, key) == about for key, about in keys.items())
    for (shape, key), values in LATER_VALUES.items():
        assert all(later_value(shape, key, value) == about for value, about in values.items())
    assert later_key(TopicShape, "nonsense") == ""
    assert later_value(RouteFile, "team", "x") == ""
    assert later_value(RouteFile, "team", 5) == ""


def test_nothing_is_both_supported_and_later() -> None:
    """An entry goes with the version that supports it."""
    for shape, keys in LATER_KEYS.items():
        assert not keys.keys() & {field.alias for field in shape.model_fields.values()}
