"""Text in XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from router.language.xml_text import xml_text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("a<b>&\"c'", "a<b>&\"c'", id="marks"),
        pytest.param("Товар 商品 🛒", "Товар 商品 🛒", id="any-script"),
        pytest.param("a\x00b\x1fc\ud800d\ufffe", "a\ufffdb\ufffdc\ufffdd\ufffd", id="what-xml-cannot-hold"),
    ],
)
def test_a_parser_reads_what_was_written(text: str, read: str) -> None:
    """In elements and in attributes alike."""
    element = ET.fromstring(f'<x y="{xml_text(text)}">{xml_text(text)}</x>')
    assert (element.text, element.get("y")) == (read, read)
