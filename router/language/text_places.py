"""Where in a file a character of a text stands, when YAML has changed the text on the way: escapes, folds, indentation.

The text and what stands in the file are walked side by side. White space may differ in kind and amount, since YAML folds
lines and takes indentation off; any other character is there once in both, behind a backslash or a doubled quote at most.
"""

from __future__ import annotations

from router.exchange.model import Place

__all__ = ["place_inside"]

_ESCAPED = {"x": 4, "u": 6, "U": 10}
"""How long an escape is that says a character's number."""


def place_inside(raw: str, text: str, position: int, *, at: Place) -> Place:
    """The place of a character of a scalar's text; `raw` is the scalar as it stands in the file from `at` on."""
    quote = raw[0] if raw[:1] in {"'", '"'} else ""
    index = 1 if quote else 0
    if raw[:1] in {"|", ">"}:
        index = raw.find("\n") + 1  # behind the indicators, and a comment
    for character in text[:position]:
        index = _behind(raw, index, character, quote)
    if position < len(text) and not text[position].isspace():
        index = _before(raw, index, quote)
    index = min(index, len(raw))
    line = raw.count("\n", 0, index)
    column = index - raw.rfind("\n", 0, index) if line else at.column + index
    return Place(at.file, at.line + line, column)


def _behind(raw: str, index: int, character: str, quote: str) -> int:
    """Behind this character of the text."""
    if character.isspace() and raw[index : index + 1] != "\\":
        # A fold: what stands in the file is skipped in front of the next character that is none.
        return index + 1 if raw[index : index + 1].isspace() else index
    index = _before(raw, index, quote)
    if quote == '"' and raw[index : index + 1] == "\\":
        return index + _ESCAPED.get(raw[index + 1 : index + 2], 2)
    if quote == "'" and raw[index : index + 2] == "''":
        return index + 2
    return index + 1


def _before(raw: str, index: int, quote: str) -> int:
    """Behind white space, and behind a backslash that continues a line."""
    while index < len(raw):
        if raw[index].isspace():
            index += 1
        elif quote == '"' and raw[index] == "\\" and raw[index + 1 : index + 2] in {"\n", "\r"}:
            index += 2
        else:
            break
    return index
