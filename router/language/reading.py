"""From a tree to a shape: every fault becomes a finding at its place, and what is not at fault survives.

A file with one wrong key still declares its exchanges and topics. So what a fault concerns is taken out and the rest
is read again, until it fits: then the checks over all files need not call an exchange unknown because of a misspelt
key beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from router.exchange.model import Place
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.later import later_key
from router.language.nodes import MappingNode, Node, ScalarNode, SequenceNode, entry_at, node_at, plain, without
from router.language.shapes import Shape, annotation_below, shape_below
from router.language.suggestions import did_you_mean
from router.language.text_places import place_inside
from router.language.yaml_text import parse_yaml
from router.language.yaml_traps import comment_trap, looks_like_binding_key, quoted

__all__ = ["ParsedFile", "read_shape"]

_S = TypeVar("_S", bound=Shape)
_Path = tuple[str | int, ...]
_MOST_FINDINGS = 100
"""Of one file; what is behind them is counted."""
_MOST_FAULTS = 1000
"""Of one file that are taken out one by one."""
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "a boolean", list: "a list", dict: "a mapping"}


@dataclass(frozen=True, slots=True)
class ParsedFile(Generic[_S]):
    """A file that could be read, at least in part."""

    file: str
    written: Node
    """All that the file says."""
    root: Node
    """What of it survived the faults."""
    shape: _S

    def place(self, *path: str | int) -> Place:
        """Where the value at a path stands, or the nearest thing above it."""
        return node_at(self.root, path).place

    def key_place(self, *path: str | int) -> Place:
        """Where the key of the entry at a path stands."""
        key = entry_at(self.root, path)
        return self.root.place if key is None else key.place

    def place_inside(self, position: int, *path: str | int) -> Place:
        """Where a character of the text at a path stands."""
        node = node_at(self.root, path)
        if not isinstance(node, ScalarNode):
            return node.place
        if node.text_column:
            return Place(node.place.file, node.place.line, node.text_column + position)
        return place_inside(node.raw, node.text, position, at=node.place)


def read_shape(
    text: str, shape: type[_S], *, file: str, nullable: tuple[_Path, ...] = (), fallback: Mapping[str, Any]
) -> tuple[ParsedFile[_S] | None, tuple[Finding, ...]]:
    """The file as a shape, and everything that is wrong with it; None where nothing of it can be used.

    `fallback` stands for what the file must say and does not. `nullable` are the paths (`*` for any step) below which
    null is a value like any other.
    """
    root, findings = parse_yaml(text, file=file)
    if root is None:
        return None, findings
    reader = _Reader(root, shape, nullable)
    if not isinstance(root, MappingNode):
        finding = found(Kind.WRONG_TYPE, root.place, f"the file is {_described(root)}; it is a mapping of keys")
        return None, (*findings, finding)
    survivor = reader.read(fallback)
    all_findings = sorted({*findings, *reader.findings})
    if len(all_findings) > _MOST_FINDINGS:
        more, last = len(all_findings) - _MOST_FINDINGS, all_findings[_MOST_FINDINGS]
        all_findings = [*all_findings[:_MOST_FINDINGS], found(last.kind, last.place, f"and {more} more findings")]
    parsed = None if survivor is None else ParsedFile(file, root, reader.root, survivor)
    return parsed, tuple(all_findings)


class _Reader(Generic[_S]):
    def __init__(self, root: Node, shape: type[_S], nullable: tuple[_Path, ...]) -> None:
        self.findings: list[Finding] = []
        self.root = root
        """What survived so far."""
        self._faulty = False
        self._taken_out: set[_Path] = set()
        """Paths as they were when something there was taken out: what is missing then is no second fault."""
        self._shape = shape
        self._nullable = nullable

    def read(self, fallback: Mapping[str, Any]) -> _S | None:
        """What survives; None where there are so many faults that nobody could rely on it."""
        nulls = tuple(self._nulls(self.root, ()))
        for path in nulls:
            self._find_null(path)
        if len(nulls) > _MOST_FAULTS:
            return None
        for path in nulls:
            self._take_out(path)
        while True:
            try:
                return self._shape.model_validate(
                    {**fallback, **plain(self.root)} if self._faulty else plain(self.root)
                )
            except ValidationError as error:
                faults = error.errors(include_url=False, include_input=False)
            self._faulty = True
            paths = [self._tell(fault) for fault in faults]
            if len(paths) > _MOST_FAULTS:
                return None
            wrong = set(paths)
            outermost = {path for path in paths if path and not any(path[:end] in wrong for end in range(1, len(path)))}
            # From the end, so that indexes of a list still mean the same while its items are taken out.
            for path in reversed(paths):
                if path in outermost:
                    outermost.discard(path)
                    self._take_out(path)

    def _tell(self, fault: Any) -> _Path:
        """Add the finding of a fault; gives the path of what must be taken out for it."""
        path: _Path = tuple(fault["loc"])
        missing = fault["type"] == "missing"
        if not (missing and path in self._taken_out):
            self.findings.append(self._finding(fault, path))
        return path[:-1] if missing else path

    def _take_out(self, path: _Path) -> None:
        self._taken_out |= {path, path[:-1] if isinstance(path[-1], int) else path}
        pruned = without(self.root, path)
        self.root = MappingNode(self.root.place, (), flow=False) if pruned is None else pruned

    def _nulls(self, node: Node, path: _Path) -> Iterator[_Path]:
        """Paths of values that are null and must not be, the last of a list first."""
        if any(_under(path, each) for each in self._nullable):
            return
        match node:
            case ScalarNode():
                if node.value is None and path and annotation_below(self._shape, path) is not None:
                    yield path
            case SequenceNode():
                for index in reversed(range(len(node.items))):
                    yield from self._nulls(node.items[index], (*path, index))
            case _:
                for item in node.items:
                    yield from self._nulls(item.node, (*path, item.key.text))

    def _find_null(self, path: _Path) -> None:
        node = node_at(self.root, path)
        assert isinstance(node, ScalarNode)
        if node.comment_place and looks_like_binding_key(node.comment):
            self.findings.append(comment_trap(node.comment_place, node.comment))
            return
        what = f"'{path[-1]}'" if isinstance(path[-1], str) else "this item"
        place = node.place
        key = entry_at(self.root, path)
        if isinstance(path[-1], str) and key is not None and not node.text:
            place = key.place
        hint = "what follows is a comment: quote it if it is meant, or remove the key" if node.comment else "remove it"
        self.findings.append(found(Kind.WRONG_TYPE, place, f"{what} has no value", hint))

    def _finding(self, fault: Any, path: _Path) -> Finding:
        kind: str = fault["type"]
        node = node_at(self.root, path)
        match kind:
            case "extra_forbidden":
                return self._unknown_key(path)
            case "missing":
                return self._missing_key(path, node)
            case "literal_error":
                return self._unknown_value(fault, path, node)
            case _:
                return self._wrong_value(fault, path, node)

    def _missing_key(self, path: _Path, node: Node) -> Finding:
        key = entry_at(self.root, path[:-1])
        # An item of a list stands for itself; for a mapping with a name, its name does.
        place = node.place if key is None or isinstance(path[-2], int) else key.place
        return found(Kind.MISSING_KEY, place, f"{self._owner(path)} has no '{path[-1]}'")

    def _wrong_value(self, fault: Any, path: _Path, node: Node) -> Finding:
        kind: str = fault["type"]
        if kind == "duration":
            text = node.text if isinstance(node, ScalarNode) else str(path[-1])
            return found(Kind.INVALID_DURATION, node.place, f"'{text}' {fault['msg']}")
        if path and path[-1] == "[key]":
            return self._wrong_name(fault, path)
        wanted = _WANTED.get(kind)
        if wanted is not None:
            return self._wrong_type(wanted, path, node)
        words = _LIMITS.get(kind, "{msg}").format(**fault.get("ctx", {}), msg=_decapitalised(fault["msg"]))
        return found(Kind.WRONG_VALUE, node.place, f"'{_last_key(path)}': {words}")

    def _wrong_name(self, fault: Any, path: _Path) -> Finding:
        key = entry_at(self.root, path[:-1])
        place = self.root.place if key is None else key.place
        return found(Kind.WRONG_VALUE, place, _decapitalised(fault["msg"]))

    def _unknown_key(self, path: _Path) -> Finding:
        key = entry_at(self.root, path)
        assert key is not None
        above = shape_below(self._shape, path[:-1])
        assert above is not None
        name = str(path[-1])
        about = later_key(above, name)
        if about:
            return found(Kind.NOT_YET_SUPPORTED, key.place, f"'{name}' ({about}) is not yet supported")
        known = [str(each.alias) for each in above.model_fields.values()]
        otherwise = f"known here: {', '.join(known)}"
        return found(
            Kind.UNKNOWN_KEY, key.place, f"unknown key '{name}'", did_you_mean(name, known, otherwise=otherwise)
        )

    def _unknown_value(self, fault: Any, path: _Path, node: Node) -> Finding:
        expected: str = fault["ctx"]["expected"]
        key = _last_key(path)
        value = plain(node)
        if isinstance(value, str):
            options = expected.replace("'", "").replace(" or ", ", ").split(", ")
            hint = did_you_mean(value, options)
            return found(Kind.WRONG_VALUE, node.place, f"'{key}' is {expected}, not {quoted(value)}", hint)
        if isinstance(value, int | float) and not isinstance(value, bool) and key == "version":
            return found(Kind.WRONG_VALUE, node.place, f"version {value} is not known: this router reads version 1")
        return found(Kind.WRONG_TYPE, node.place, f"'{key}' is {expected}, not {_described(node)}")

    def _wrong_type(self, wanted: str, path: _Path, node: Node) -> Finding:
        key = _last_key(path)
        if wanted == "a text" and isinstance(node, ScalarNode) and not node.quoted:
            message = f"'{node.text}' without quotes is {_described(node)}"
            return found(Kind.YAML_TRAP, node.place, message, f"quote it: {quoted(node.text)}")
        template = _template_of(node) if wanted == "a text" else ""
        if template:
            message = "an unquoted '{' begins a mapping"
            return found(Kind.YAML_TRAP, node.place, message, f"quote it: {quoted(template)}")
        hint = ""
        if wanted == "a list" and isinstance(node, MappingNode):
            hint = "begin each item with a hyphen, or put the mapping into [ ]"
        elif wanted == "a list" and isinstance(node, ScalarNode):
            hint = f"write [{node.text}]"
        return found(Kind.WRONG_TYPE, node.place, f"'{key}' is {wanted}, not {_described(node)}", hint)

    def _owner(self, path: _Path) -> str:
        names = [each for each in path[:-1] if isinstance(each, str)]
        if not names:
            return "the file"
        if isinstance(path[-2], int):
            return f"an item of '{names[-1]}'"
        return f"'{names[-1]}'"


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}

_LIMITS = {
    "greater_than_equal": "it is at least {ge}",
    "less_than_equal": "it is at most {le}",
    "too_short": "the list is empty",
    "string_too_short": "the text is empty",
    "string_too_long": "the text has at most {max_length:,} characters",
}


def _under(path: _Path, pattern: _Path) -> bool:
    return len(path) >= len(pattern) and all(step in {"*", actual} for step, actual in zip(pattern, path, strict=False))


def _last_key(path: _Path) -> str:
    return next((each for each in reversed(path) if isinstance(each, str)), "the file")


def _described(node: Node) -> str:
    match node:
        case SequenceNode():
            return "a list"
        case MappingNode():
            return "a mapping"
        case ScalarNode(value=None):
            return "nothing"
        case _:
            return _NAMES[type(node.value)]


def _template_of(node: Node) -> str:
    """`{country}` written without quotes is a mapping of one key without a value."""
    if not isinstance(node, MappingNode) or not node.flow or len(node.items) != 1:
        return ""
    value = node.items[0].node
    nothing = isinstance(value, ScalarNode) and not value.text and not value.quoted
    return f"{{{node.items[0].key.text}}}" if nothing else ""


def _decapitalised(message: str) -> str:
    return message[:1].lower() + message[1:]
