"""The headers CC and BCC: rule 6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.further_keys import further_keys, without_bcc
from router.records.record import Headers


class TestRule6FurtherKeys:
    """CC and BCC carry further routing keys, and BCC is not seen by anybody."""

    @pytest.mark.parametrize(
        ("headers", "keys"),
        [
            pytest.param([("CC", b"a.b")], ("a.b",), id="one-key"),
            pytest.param([("CC", b'["a.b", "c"]')], ("a.b", "c"), id="a-list"),
            pytest.param([("BCC", b"a"), ("CC", b"b")], ("b", "a"), id="cc-first"),
            pytest.param([("CC", b"a"), ("CC", b'["b"]')], ("a", "b"), id="repeated"),
            pytest.param([("CC", b'["a", "a"]'), ("BCC", b"a")], ("a",), id="each-once"),
            pytest.param([("CC", b'["a", 5, null, ["b"], {"c": 1}, true]')], ("a",), id="not-strings-are-ignored"),
            pytest.param([("CC", b"[]")], (), id="empty-list"),
            pytest.param([("CC", b"")], ("",), id="the-empty-key"),
            pytest.param([("CC", None)], (), id="null"),
            pytest.param([("cc", b"a"), ("Bcc", b"b")], (), id="names-are-case-sensitive"),
            pytest.param([("CC", b"[a]")], ("[a]",), id="no-json"),
            pytest.param([("CC", b'"a"')], ('"a"',), id="only-lists-are-json"),
            pytest.param([("CC", b"\xff")], ("\udcff",), id="not-utf-8"),
            pytest.param([("CC", b'["\xff"]')], ("\udcff",), id="not-utf-8-in-a-list"),
            pytest.param([("h", b"a")], (), id="none"),
        ],
    )
    def test_keys_are_those_of_both_headers(self, headers: Headers, keys: tuple[str, ...]) -> None:
        """A header is one key or a JSON list of keys."""
        assert further_keys(headers) == keys

    def test_list_that_is_nested_without_end_is_one_key(self) -> None:
        """A hostile header must not stop a worker."""
        assert further_keys([("CC", b"[" * 200_000)]) == ("[" * 200_000,)

    @given(st.lists(st.tuples(st.sampled_from(["CC", "BCC", "h"]), st.none() | st.binary() | st.just(b'["a"'))))
    def test_any_bytes_are_read(self, headers: list[tuple[str, bytes | None]]) -> None:
        """Whatever a header is, it raises nothing and each key is a text."""
        assert all(isinstance(key, str) for key in further_keys(headers))

    def test_copies_go_without_bcc(self) -> None:
        """CC stays, as does the order of the rest."""
        headers = [("BCC", b"a"), ("CC", b"b"), ("h", None), ("BCC", None)]
        assert without_bcc(headers) == [("CC", b"b"), ("h", None)]
