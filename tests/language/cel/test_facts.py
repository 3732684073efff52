"""What an expression reads of a record."""

import pytest
from support.expressions import where


@pytest.mark.parametrize(
    ("text", "paths", "whole", "headers", "key"),
    [
        ("amount > 1", ("amount",), (), frozenset(), False),
        ("record.amount > record.weight", ("amount", "weight"), (), frozenset(), False),
        ("customer.email == null", ("customer.email",), (), frozenset(), False),
        ("has(customer.name)", ("customer.name",), (), frozenset(), False),
        ("customer == null", (), ("customer",), frozenset(), False),
        ("lines.all(l, l.count > amount)", ("amount",), ("lines",), frozenset(), False),
        ("record.tags == tags", (), ("tags",), frozenset(), False),
        ("record == record", (), ("",), frozenset(), False),
        ("headers.a == headers['b'] && 'c' in headers", (), (), frozenset("abc"), False),
        ("headers[key] == 'x'", (), (), None, True),
        ("true || amount > 1", (), (), frozenset(), False),
    ],
)
def test_facts_are_only_what_is_read(
    text: str, paths: tuple[str, ...], whole: tuple[str, ...], headers: object, key: bool
) -> None:
    """An expression names the scalar paths, whole fields, headers and key that it reads, and no more."""
    found = where(text)
    assert (found.paths, found.whole, found.headers, found.uses_key) == (paths, whole, headers, key)
