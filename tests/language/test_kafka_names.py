"""Names that Kafka takes."""

from __future__ import annotations

import pytest

from router.language.kafka_names import is_topic_name, refusal


@pytest.mark.parametrize("name", ["a", "order.status.v1", "A_b-C.9", "...", "x" * 249])
def test_kafka_takes_it(name: str) -> None:
    """Letters, digits, dots, underscores and hyphens, up to 249."""
    assert is_topic_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "needs a name"),
        (".", "no topic of the name"),
        ("..", "no topic of the name"),
        ("a b", "has ' ' in it"),
        ("заказ", "has 'з' in it"),
        ("a\n", "in it"),
        ("x" * 250, "250 characters"),
    ],
)
def test_kafka_refuses_it(name: str, why: str) -> None:
    """And the words say why."""
    assert why in refusal(name)
