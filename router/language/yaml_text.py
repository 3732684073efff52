"""The one adapter of ruamel.yaml: a text becomes a tree with the place of every key and value, and findings.

The tree is composed here from ruamel's events and not by its composer, because ours goes on after a fault that it can
tell (an alias without an anchor is text that was not quoted), never recurses, and counts what aliases repeat before it
is repeated. Scalars are read by YAML 1.2's core schema, so `no` is text and `08` a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
)

from router.exchange.model import Place
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.nodes import Item, MappingNode, Node, ScalarNode, SequenceNode
from router.language.yaml_traps import (
    alias_trap,
    boolean_trap,
    character_trap,
    comment_trap,
    comments_between,
    looks_like_binding_key,
    mapping_trap,
    place_in,
    tag_trap,
    word_at,
)

__all__ = ["CASES_ENDING", "DEEPEST", "LARGEST", "parse_yaml"]

CASES_ENDING = "_test"
"""What the name of a file of cases ends in, before its `.yaml`."""
LARGEST = 1024 * 1024
"""Bytes of a file."""
DEEPEST = 50
"""Levels of nesting, aliases included."""
_MOST = 100_000
"""Values of a file, those that aliases repeat included."""
_MOST_TRAPS = 20
"""Comments in brackets that one file is told of: one that has more repeats itself."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_COMMENT_IN_BRACKETS = re.compile(r"#(\.|[ \t]*[,\]}]|[ \t]*$)", re.MULTILINE)
_COMMENT_BEHIND = re.compile(r"[ \t]*(#[^\r\n]*)")
_COMMENT_BEHIND_KEY = re.compile(r"[ \t]*:[ \t]*(#[^\r\n]*)")
_STANDARD_TEXT = "tag:yaml.org,2002:str"


def parse_yaml(text: str, *, file: str) -> tuple[Node | None, tuple[Finding, ...]]:
    """The tree of a text, and what is wrong with it as YAML; None where no tree could be made. Never raises.

    Bytes that are not UTF-8 are expected as the surrogates that Python's `surrogateescape` makes of them.
    """
    text = text.removeprefix("\ufeff")
    refused = _refused_as_text(text, file=file)
    if refused:
        return None, (refused,)
    composer = _Composer(text, file)
    try:
        node = composer.compose(_reader().parse(text))
    except _Stopped as stopped:
        return None, (*composer.findings, stopped.finding)
    except Exception as error:  # noqa: BLE001 -- fed arbitrary text, the reader raises more than it documents
        traps = _once([*composer.findings, *_comment_traps(text, file=file)])
        syntax = _syntax_finding(error, text, file=file)
        # A comment in brackets swallows the bracket's end: where that was found, what the reader says is its echo.
        return None, tuple(traps if traps and syntax.kind is Kind.YAML_SYNTAX else [*traps, syntax])
    findings = _once([*composer.findings, *_comment_traps(text, file=file)])
    if node is None and not findings:
        findings.append(found(Kind.EMPTY_FILE, Place(file, 1, 1), "the file says nothing"))
    return node, tuple(findings)


def _once(findings: list[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))


def _reader() -> Any:
    return YAML(typ="safe", pure=True)


def _refused_as_text(text: str, *, file: str) -> Finding | None:
    if len(text) > LARGEST or len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        return found(Kind.TOO_LARGE, Place(file, 1, 1), "the file is larger than 1 MiB", "split it by team")
    strange = _SURROGATE.search(text)
    if strange:
        byte = ord(strange[0]) & 0xFF
        place = place_in(text, strange.start(), file=file)
        return found(Kind.NOT_UTF_8, place, f"byte 0x{byte:02x} is not UTF-8", "save the file as UTF-8")
    return None


class _Stopped(Exception):
    """The end of composing: what was found cannot be gone on from."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def _stopped(kind: Kind, place: Place, message: str, suggestion: str = "") -> _Stopped:
    return _Stopped(found(kind, place, message, suggestion))


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is yet to come."""

    place: Place
    anchor: str | None
    mapping: bool
    flow: bool
    nodes: list[Node] = field(default_factory=list)
    entries: dict[str, Item] = field(default_factory=dict)
    key: ScalarNode | None = None
    key_end: Any = None
    """The mark behind the key."""
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Anchored:
    node: Node
    size: int
    depth: int


class _Composer:
    """Events to a tree; what can be told and survived is gathered, what cannot be survived raises _Stopped."""

    def __init__(self, text: str, file: str) -> None:
        self.findings: list[Finding] = []
        self._text = text
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._root: Node | None = None
        self._documents = 0
        self._size = 0

    def compose(self, events: Iterator[Event]) -> Node | None:
        for event in events:
            self._take(event)
        return self._root

    def _take(self, event: Event) -> None:
        place = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _stopped(Kind.YAML_SYNTAX, place, "a second document begins here", "a file is one document")
            case ScalarEvent():
                self._add(self._scalar(event, place), place=place, size=1, depth=0, anchor=event.anchor)
                if self._open:
                    self._open[-1].key_end = event.end_mark
            case AliasEvent():
                self._alias(event, place)
            case SequenceStartEvent() | MappingStartEvent():
                self._begin(event, place)
            case SequenceEndEvent() | MappingEndEvent():
                self._end()

    def _begin(self, event: Any, place: Place) -> None:
        if len(self._open) >= DEEPEST:
            raise _stopped(Kind.TOO_DEEP, place, f"more than {DEEPEST} levels of nesting")
        if event.tag is not None:
            self.findings.append(tag_trap(place, word_at(self._text, event.start_mark.index)))
        mapping = isinstance(event, MappingStartEvent)
        self._open.append(_Open(place, event.anchor, mapping, bool(event.flow_style)))

    def _end(self) -> None:
        done = self._open.pop()
        node = (
            MappingNode(done.place, tuple(done.entries.values()), done.flow)
            if done.mapping
            else SequenceNode(done.place, tuple(done.nodes))
        )
        self._add(node, place=done.place, size=done.size, depth=done.depth + 1, anchor=done.anchor)

    def _add(self, node: Node, *, place: Place, size: int, depth: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = _Anchored(node, size, depth)
        if not self._open:
            self._root = node
            return
        above = self._open[-1]
        above.size += size
        above.depth = max(above.depth, depth)
        if above.size > _MOST:
            raise _stopped(Kind.TOO_LARGE, place, f"more than {_MOST:,} values")
        if len(self._open) + depth > DEEPEST:
            raise _stopped(Kind.TOO_DEEP, place, f"more than {DEEPEST} levels of nesting")
        if not above.mapping:
            above.nodes.append(node)
        elif above.key is None:
            above.key = self._key(node)
        else:
            self._enter(above, above.key, node)
            above.key = None

    def _key(self, node: Node) -> ScalarNode:
        if not isinstance(node, ScalarNode):
            raise _stopped(Kind.YAML_SYNTAX, node.place, "a list or mapping cannot be a key", "quote it if it is text")
        if node.text == "<<" and not node.quoted:
            message = "merge keys ('<<') are not part of the language"
            self.findings.append(found(Kind.YAML_SYNTAX, node.place, message, "write the keys out"))
        return node

    def _enter(self, above: _Open, key: ScalarNode, node: Node) -> None:
        first = above.entries.get(key.text)
        if first is not None:
            message = f"'{key.text}' is already there, in line {first.key.place.line}"
            self.findings.append(found(Kind.DUPLICATE_KEY, key.place, message))
            return
        if isinstance(node, ScalarNode):
            self._check_boolean(node)
        above.entries[key.text] = Item(key, node)

    def _check_boolean(self, node: ScalarNode) -> None:
        trap = None if node.quoted else boolean_trap(node.place, node.text)
        if trap:
            self.findings.append(trap)

    def _alias(self, event: Any, place: Place) -> None:
        anchored = self._anchors.get(event.anchor)
        if anchored is not None:
            self._add(anchored.node, place=place, size=anchored.size, depth=anchored.depth, anchor=None)
            return
        if any(each.anchor == event.anchor for each in self._open):
            raise _stopped(Kind.TOO_LARGE, place, f"'*{event.anchor}' stands inside what it repeats: it has no end")
        text = f"*{event.anchor}"
        self.findings.append(alias_trap(place, text))
        self._add(ScalarNode(place, text, text, quoted=False), place=place, size=1, depth=0, anchor=None)

    def _scalar(self, event: Any, place: Place) -> ScalarNode:
        text: str = event.value
        comment, hash_place = self._comment_behind(event)
        if event.tag is not None and event.tag != _STANDARD_TEXT:
            word = word_at(self._text, event.start_mark.index)
            self.findings.append(tag_trap(place, word))
            return ScalarNode(place, word, word, quoted=False)
        strange = _SURROGATE.search(text)
        if strange:
            message = f"the escape of U+{ord(strange[0]):04X} is half a character"
            self.findings.append(found(Kind.YAML_SYNTAX, place, message))
            text = _SURROGATE.sub("?", text)
        quoted_or_tagged = bool(event.style) or event.tag is not None
        if text and hash_place and looks_like_binding_key(comment) and comment != "#":
            self.findings.append(comment_trap(hash_place, comment))
        value = text if quoted_or_tagged else _core_value(text)
        column = self._text_column(event, text)
        node = ScalarNode(
            place=place,
            value=value,
            text=text,
            quoted=quoted_or_tagged,
            comment=comment,
            comment_place=hash_place,
            text_column=column,
            raw="" if column or not text else self._text[event.start_mark.index : event.end_mark.index],
        )
        if self._open and not self._open[-1].mapping:
            self._check_boolean(node)
        return node

    def _comment_behind(self, event: Any) -> tuple[str, Place | None]:
        """The comment on the line where a scalar ends, and where its hash is."""
        above = self._open[-1] if self._open else None
        # The reader puts an empty value behind all comments that follow: what counts is what stands behind its key.
        at_key = above is not None and above.key is not None and not event.value and not event.style
        mark = above.key_end if above is not None and at_key else event.end_mark
        behind = (_COMMENT_BEHIND_KEY if at_key else _COMMENT_BEHIND).match(self._text, mark.index)
        if behind is None:
            return "", None
        return behind[1].rstrip(), Place(self._file, mark.line + 1, mark.column + 1 + behind.start(1) - mark.index)

    def _text_column(self, event: Any, text: str) -> int:
        start: int = event.start_mark.index
        offset = 1 if event.style in {"'", '"'} else 0
        if not text or not self._text.startswith(text, start + offset):
            return 0
        return int(event.start_mark.column) + offset + 1


def _core_value(text: str) -> str | int | float | bool | None:
    """A plain scalar by YAML 1.2's core schema."""
    if _NULL.fullmatch(text):
        return None
    return _BOOLEANS[text] if text in _BOOLEANS else _number(text)


def _number(text: str) -> str | int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    infinite = _INFINITE.fullmatch(text)
    if infinite:
        return float("nan") if infinite[3] else float(f"{infinite[1]}inf")
    return text


def _comment_traps(text: str, *, file: str) -> list[Finding]:
    """Binding keys inside brackets that were not quoted, and so are comments."""
    if not _COMMENT_IN_BRACKETS.search(text):
        return []
    findings: list[Finding] = []
    brackets = 0
    behind = 0
    try:
        for token in _reader().scan(text):
            if brackets > 0:
                findings.extend(comments_between(text, start=behind, end=token.start_mark.index, file=file))
            if len(findings) > _MOST_TRAPS:
                break
            if isinstance(token, FlowSequenceStartToken | FlowMappingStartToken):
                brackets += 1
            elif isinstance(token, FlowSequenceEndToken | FlowMappingEndToken):
                brackets -= 1
            behind = token.end_mark.index
    except Exception as error:  # noqa: BLE001 -- the same reader on the same text; what it could not read is told elsewhere
        if brackets > 0 and (mark := getattr(error, "problem_mark", None)) is not None:
            findings.extend(comments_between(text, start=behind, end=mark.index, file=file))
    return findings


def _syntax_finding(error: Exception, text: str, *, file: str) -> Finding:
    if isinstance(error, ReaderError):
        place = place_in(text, error.position, file=file)
        return found(Kind.YAML_SYNTAX, place, f"the character U+{ord(text[error.position]):04X} is not allowed in YAML")
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    if mark is None:
        return found(Kind.YAML_SYNTAX, Place(file, 1, 1), f"it cannot be read as YAML: {' '.join(str(error).split())}")
    place = Place(file, mark.line + 1, mark.column + 1)
    context = str(getattr(error, "context", "") or "")
    problem = str(getattr(error, "problem", "") or "").replace("'\\x00'", "the end of the file")
    trap = _trap_behind(context, problem, text=text, index=mark.index, file=file)
    if trap:
        return trap
    if "'\\t'" in problem:
        return found(Kind.YAML_SYNTAX, place, "a tab cannot indent in YAML", "use spaces")
    return found(Kind.YAML_SYNTAX, place, ", ".join(" ".join(part.split()) for part in (context, problem) if part))


def _trap_behind(context: str, problem: str, *, text: str, index: int, file: str) -> Finding | None:
    """The trap that a message of the reader is the echo of, if it is one."""
    for what, sign, trap in (("alias", "*", alias_trap), ("tag", "!", tag_trap)):
        if context.endswith(what) and (start := text.rfind(sign, 0, index + 1)) >= 0:
            return trap(place_in(text, start, file=file), word_at(text, start))
    return (character_trap(text, index, file=file) if "cannot start any token" in problem else None) or mapping_trap(
        text, index, file=file
    )
