"""YAML that is not what it looks like: told from the source text, in words of their own.

A comment, an alias, a tag or a mapping where the author meant a binding key or a template of a routing key. What the
reader of YAML says of them ("expected ',' or ']'") names the place where it stumbled and not the cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from router.exchange.model import Place
from router.language.findings import Finding, Kind
from router.language.kinds import found

__all__ = [
    "alias_trap",
    "boolean_trap",
    "character_trap",
    "comment_trap",
    "comments_between",
    "looks_like_binding_key",
    "mapping_trap",
    "place_in",
    "quoted",
    "tag_trap",
    "word_at",
]

_COMMENTED_KEY = re.compile(r"#(\.|[ \t]*[,\]}]|[ \t]*$)")
_OTHER_BOOLEANS = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_WORD = re.compile(r"[^\s,\]}]{0,60}")


def place_in(text: str, index: int, *, file: str) -> Place:
    """The line and column of a character."""
    start = text.rfind("\n", 0, index) + 1
    return Place(file, text.count("\n", 0, index) + 1, index - start + 1)


def quoted(text: str) -> str:
    """The text as YAML in double quotes, shortened where it is long."""
    short = text if len(text) <= 60 else text[:57] + "..."
    escaped = short.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def word_at(text: str, index: int) -> str:
    """What was probably meant as one value: up to the next blank, comma or closing bracket."""
    found_word = _WORD.match(text, index)
    return found_word[0] if found_word else ""


def looks_like_binding_key(comment: str) -> bool:
    """Whether a comment is more likely a binding key that was not quoted: `#.delivered`, `#, `, `#]` or `#` alone."""
    return _COMMENTED_KEY.match(comment) is not None


def comment_trap(place: Place, comment: str) -> Finding:
    """A value that begins with `#` and so is a comment."""
    word = word_at(comment, 0)
    return found(Kind.YAML_TRAP, place, f"'{word}' without quotes is a comment", f"quote it: {quoted(word)}")


def comments_between(text: str, *, start: int, end: int, file: str) -> Iterator[Finding]:
    """Comments in a gap between two tokens inside brackets that were probably meant as values."""
    suspicious = (line for line in re.finditer(r"#[^\n]*", text[start:end]) if looks_like_binding_key(line[0]))
    for line in islice(suspicious, 10):
        yield comment_trap(place_in(text, start + line.start(), file=file), line[0])


def alias_trap(place: Place, word: str) -> Finding:
    """A value that begins with `*` and so is an alias, for which there is no anchor."""
    return found(Kind.YAML_TRAP, place, f"'{word}' without quotes is an alias of YAML", f"quote it: {quoted(word)}")


def tag_trap(place: Place, word: str) -> Finding:
    """A value that begins with `!` and so is a tag."""
    return found(Kind.YAML_TRAP, place, f"'{word}' without quotes is a tag of YAML", f"quote it: {quoted(word)}")


def boolean_trap(place: Place, text: str) -> Finding | None:
    """`no` and its like, which are text for us and a boolean for readers of YAML 1.1; None for any other text."""
    if not _OTHER_BOOLEANS.fullmatch(text):
        return None
    message = f"'{text}' without quotes is a boolean to many readers of YAML"
    return found(Kind.YAML_TRAP, place, message, f"quote it: {quoted(text)}, or write true or false")


def mapping_trap(text: str, index: int, *, file: str) -> Finding | None:
    """A template such as `{country}.{status}`, whose first braces are a mapping; None where the text is none such.

    `index` is where the reader stumbled: right behind the first closing brace.
    """
    if index <= 0 or text[index - 1] != "}":
        return None
    line = text.rfind("\n", 0, index) + 1
    start = text.find("{", line, index)
    if start < 0:
        return None
    end = text.find("\n", start)
    template = re.sub(r"\s+#.*$", "", text[start : len(text) if end < 0 else end]).rstrip()
    message = "an unquoted '{' begins a mapping"
    return found(Kind.YAML_TRAP, place_in(text, start, file=file), message, f"quote it: {quoted(template)}")


def character_trap(text: str, index: int, *, file: str) -> Finding | None:
    """A value that begins with a character which YAML keeps for itself: `%`, `@` or a back quote."""
    if text[index : index + 1] not in {"%", "@", "`"}:
        return None
    word = word_at(text, index)
    message = f"'{word[0]}' cannot begin a value without quotes"
    return found(Kind.YAML_TRAP, place_in(text, index, file=file), message, f"quote it: {quoted(word)}")
