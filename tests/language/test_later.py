"""What is known and not yet supported."""

from __future__ import annotations

from support.language import OWNER, load

from router.language.later import LATER_KEYS, ORDER_IS_SUPPORTED, later_key
from router.language.reference import routes_reference
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


def test_order_is_refused_until_workers_make_it() -> None:
    """One constant says so, to `check` and to the reference."""
    text = OWNER.replace("type: topic", "type: topic\n    key: order_id\n    order: {by: order_id, sequence: amount}")
    assert (load(text)[0] is not None) is ORDER_IS_SUPPORTED
    assert load(text, with_order=True)[0] is not None
    assert ("| `order` | putting each key's records in order |" in routes_reference()) is not ORDER_IS_SUPPORTED
