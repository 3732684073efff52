"""Declarations as the text of a route file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.model import ExchangeType
from router.language.nodes import plain
from router.language.yaml_text import parse_yaml
from router.rabbitmq.declarations import Imported, ImportedBinding, ImportedExchange, ImportedTopic
from router.rabbitmq.route_text import quoted, route_text, scalar

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def parsed(text: str) -> Any:
    root, findings = parse_yaml(text, file="f.yaml")
    assert findings == ()
    assert root is not None
    return plain(root)


@given(TEXTS, TEXTS)
def test_any_text_is_read_back(one: str, other: str) -> None:
    """As a value, as a key, and inside brackets."""
    assert parsed(f"a: {scalar(one)}\nb: {quoted(one)}\n") == {"a": one, "b": one}
    assert parsed(f"{scalar(one)}: [{scalar(other)}, {{{scalar(other)}: {quoted(one)}}}]") == {
        one: [other, {other: one}]
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("orders.v1", "orders.v1", id="a name"),
        pytest.param("no", '"no"', id="a boolean of YAML 1.1"),
        pytest.param("Null", '"Null"', id="null"),
        pytest.param("5", '"5"', id="a number"),
        pytest.param("", '""', id="nothing"),
        pytest.param("a b", '"a b"', id="a blank"),
        pytest.param('a"\\\n\x00\u2028\U000e0001', '"a\\"\\\\\\n\\x00\\u2028\\U000e0001"', id="escapes"),
        pytest.param("ключ", '"ключ"', id="letters of others"),
    ],
)
def test_quotes_are_where_yaml_needs_them(text: str, written: str) -> None:
    """And nowhere else."""
    assert scalar(text) == written


_VALUES = st.recursive(
    TEXTS | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXTS, _VALUES, max_size=4), TEXTS)
def test_any_arguments_are_read_back(headers: dict[str, Any], name: str) -> None:
    """Lists and mappings say that they are compared as they stand."""
    binding = ImportedBinding(name, headers=headers)
    text = route_text(Imported("", None, topics=(ImportedTopic("q", (binding,)),)), team=name)
    stated = {key: {"equals": value} if isinstance(value, list | dict) else value for key, value in headers.items()}
    assert parsed(text) == {
        "version": 1,
        "team": name,
        "topics": {"q": {"from": [{"exchange": name, "headers": stated}]}},
    }
    assert repr(parsed(text)["topics"]["q"]["from"][0]["headers"]) == repr(stated)


def test_a_long_line_is_broken() -> None:
    """Lists of keys and mappings of headers, where they would be too wide to be read."""
    keys = [f"{'k' * 30}.{number}" for number in range(4)]
    headers = {f"{'h' * 30}{number}": number for number in range(4)}
    bindings = (*(ImportedBinding("x", key) for key in keys), ImportedBinding("h", headers=headers))
    text = route_text(Imported("", None, topics=(ImportedTopic("q", bindings),)), team="t")
    assert "      - exchange: x\n        binding-key:\n          - " in text
    assert "      - exchange: h\n        headers:\n          " in text
    assert parsed(text)["topics"]["q"]["from"] == [
        {"exchange": "x", "binding-key": keys},
        {"exchange": "h", "headers": headers},
    ]


def test_keys_of_one_exchange_are_one_list() -> None:
    """Wherever they stand among others, in their order."""
    bindings = (
        ImportedBinding("x", "a"),
        ImportedBinding("f"),
        ImportedBinding("x", ""),
        ImportedBinding("r", weight=1),
    )
    text = route_text(Imported("", None, topics=(ImportedTopic("q", bindings),)), team="t")
    assert parsed(text)["topics"]["q"]["from"] == [
        {"exchange": "x", "binding-key": ["a", ""]},
        {"exchange": "f"},
        {"exchange": "r"},
    ]


def test_an_exchange_says_all_that_it_has() -> None:
    """In the order in which people write it, with notes as comments of one line each."""
    exchange = ImportedExchange(
        "x",
        ExchangeType.CONSISTENT_HASH,
        (ImportedBinding("r", weight=3),),
        alternate="other one",
        hash_header="h",
        notes=("first\nsecond",),
    )
    text = route_text(Imported("4.0", "a\nb", exchanges=(exchange,)), team="t")
    assert text.startswith('# Imported from the definitions of a RabbitMQ 4.0, virtual host "a\\nb": ')
    assert text.endswith(
        """
exchanges:
  x:
    # first\\x0asecond
    type: consistent-hash
    hash-on: {header: h}
    cc: true
    alternate: {exchange: "other one"}
    from:
      - {exchange: r, weight: 3}
"""
    )


def test_an_empty_virtual_host_is_an_empty_file() -> None:
    """Without sections that say nothing."""
    text = route_text(Imported("", None), team="t")
    assert parsed(text) == {"version": 1, "team": "t"}


def test_an_exchange_that_nothing_feeds_has_no_from() -> None:
    """Publishers write to it."""
    text = route_text(Imported("", None, exchanges=(ImportedExchange("x", ExchangeType.DIRECT),)), team="t")
    assert parsed(text)["exchanges"] == {"x": {"type": "direct", "cc": True}}
