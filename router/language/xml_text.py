"""Text as XML 1.0 can hold it, for the pictures and reports that are XML."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

__all__ = ["xml_text"]

_UNTOLD = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0, section 2.2, has no way to write, not even escaped."""


def xml_text(text: str) -> str:
    """The text for an element or a quoted attribute; U+FFFD stands for each character that XML cannot hold."""
    return escape(_UNTOLD.sub("\ufffd", text), {'"': "&quot;", "'": "&#39;"})
