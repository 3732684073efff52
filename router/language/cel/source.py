"""From a tree to Python's source: one expression, and functions beside it for what an expression cannot say.

Where the checker's types prove that Python's operator means the same, the operator is written; elsewhere a function of
the runtime is called, which looks at the values. What can fail is kept apart from what cannot: `a && b` is `a and b` only
when `a` cannot fail, and since the order of the sides does not matter to their meaning, those that cannot fail go first.

Failures are Python's exceptions. A field that is null makes Python's own operators fail (`None > 5` is a TypeError,
`None.startswith` an AttributeError, a missing key a KeyError), exactly where the specification has a failure; so these
three count as failures, and a check for null need not be written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from router.language.cel.code import FAILURES, Code
from router.language.cel.constants import flatten
from router.language.cel.environment import Environment
from router.language.cel.facts import header_of, reading_of, scalar_places
from router.language.cel.failure import WhereFailed
from router.language.cel.functions import GENERIC, OVERLOADS, Functions
from router.language.cel.macros import collect, collect_map, quantify
from router.language.cel.operators import in_place
from router.language.cel.plain import to_cel
from router.language.cel.runtime import RUNTIME, converted
from router.language.cel.tree import (
    Call,
    Collect,
    CollectMap,
    Field,
    Let,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Quantify,
)
from router.language.cel.types import CelType, Tag
from router.language.cel.values import Uint

__all__ = ["FAILURES", "Code", "Writer"]

_PYTHON = {
    Tag.BOOL: bool,
    Tag.INT: int,
    Tag.UINT: Uint,
    Tag.DOUBLE: float,
    Tag.STRING: str,
    Tag.BYTES: bytes,
    Tag.LIST: list,
    Tag.MAP: dict,
}


class Writer:
    """Writes the code of trees over one environment. `globals` is what the code needs around it."""

    def __init__(
        self, environment: Environment, functions: Functions, slots: dict[str, str], *, prefix: str = ""
    ) -> None:
        """`slots` has the Python variable of each path; `prefix` keeps apart what several writers name."""
        self._prefix = prefix
        self._environment = environment
        self._functions = functions
        self._slots = slots
        self.globals: dict[str, Any] = dict(RUNTIME) | {"FAILURES": FAILURES, "WhereFailed": WhereFailed}
        self.lines: list[str] = []
        self._numbers = 0
        self._lazy: set[str] = set()
        self._known: frozenset[str] = frozenset()
        """The paths that are known not to be null where the writer stands."""

    def condition(self, node: Node) -> Code:
        """Code that gives true or false, or fails."""
        code = self.write(node)
        return code if code.sure is Tag.BOOL else replace(code, text=f"truth({code.text})", fails=True)

    def write(self, node: Node, *, scalar: bool = False, compared: bool = False) -> Code:
        """Code for a node. `compared` says that only comparisons look at it, so that 5 is as good as 5.0."""
        found = reading_of(node, self._environment, scalar=scalar)
        if found and not found.whole and isinstance(node, Field | Name):
            return self._path(node, found.path, compared=compared)
        header = header_of(node)
        if header is not None:
            return self._header(node, header)
        match node:
            case Literal():
                return self._literal(node)
            case Name():
                return self._name(node)
            case Field():
                return self._field(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Quantify():
                return quantify(node, self)
            case Collect():
                return collect(node, self)
            case CollectMap():
                return collect_map(node, self)
            case Let():
                return self._let(node)
        raise AssertionError(node)

    def constant(self, value: Any) -> str:
        """The name of a value that the code finds in its globals."""
        name = f"{self._prefix}k{len(self.globals)}"
        self.globals[name] = value
        return name

    def _path(self, node: Node, path: str, *, compared: bool) -> Code:
        slot = self._slots[path]
        names = frozenset({slot})
        if isinstance(node, Field) and node.test:
            return Code(f"({slot} is not None)", CelType(Tag.BOOL), names=names)
        of = replace(node.type, nullable=False) if path in self._known else node.type
        if isinstance(node, Field) and node.optional:
            return Code(
                f"optional({converted(slot, of, open_environment=self._environment.open)})",
                CelType(Tag.OPTIONAL),
                names=names,
            )
        text = (
            slot if compared and of.tag is Tag.DOUBLE else converted(slot, of, open_environment=self._environment.open)
        )
        return Code(text, of, names=names)

    def _header(self, node: Node, name: str) -> Code:
        names = frozenset({"headers"})
        if (isinstance(node, Call) and node.function == "@in") or (isinstance(node, Field) and node.test):
            return Code(f"({name!r} in headers)", CelType(Tag.BOOL), names=names)
        if (isinstance(node, Field) and not node.optional) or (isinstance(node, Call) and node.function == "_[_]"):
            return Code(f"headers[{name!r}]", CelType(Tag.STRING), fails=True, names=names)
        return Code(f"optional_lookup(headers, {name!r})", CelType(Tag.OPTIONAL), names=names)

    def _literal(self, node: Literal) -> Code:
        value = node.value
        plain = value is None or type(value) in {bool, int, str, bytes} or (type(value) is float and abs(value) < 1e300)
        text = repr(value) if plain else self.constant(value)
        return Code(f"({text})" if text.startswith("-") else text, replace(node.type, nullable=value is None))

    def _name(self, node: Name) -> Code:
        if not node.local:
            if node.name in {"headers", "key"}:
                return Code(node.name, node.type, names=frozenset({node.name}))
            return self._whole("" if node.name == "record" else node.name, node.type)
        name = f"v_{node.name}"
        if node.name in self._lazy:
            return Code(f"now({name})", node.type, fails=True, names=frozenset({name}))
        return Code(name, node.type, names=frozenset({name}))

    def _whole(self, name: str, of: CelType) -> Code:
        """A whole value, made of its plain one where it is used: only there it is known to be needed."""
        structs = self._environment.structs
        convert = self.constant(lambda whole: to_cel(whole.get(name), of, structs))
        return Code(f"{convert}(whole)", of, fails=True, names=frozenset({"whole"}))

    def pattern(self, pattern: str) -> str | None:
        """The name of a constant pattern's search; None where it is no pattern."""
        try:
            return self.constant(self._functions.engine.compile(pattern))
        except WhereFailed:
            return None

    def _field(self, node: Field) -> Code:
        if isinstance(node.operand, Name) and node.operand.name == "record" and not node.operand.local:
            # A field of the record itself: only that field is asked for whole.
            code = self._whole(node.name, node.type)
            if node.test:
                return replace(code, text=f"({code.text} is not None)", type=CelType(Tag.BOOL))
            return replace(code, text=f"optional({code.text})", type=CelType(Tag.OPTIONAL)) if node.optional else code
        operand = self.write(node.operand)
        if node.optional:
            return self._calling(
                "optional_lookup", [operand, Code(repr(node.name), CelType(Tag.STRING))], CelType(Tag.OPTIONAL)
            )
        declared = node.lenient or node.operand.type.tag is Tag.STRUCT
        if operand.sure is Tag.MAP and not node.test:
            return replace(operand, text=f"{operand.text}[{node.name!r}]", type=node.type, fails=True)
        if operand.sure is Tag.MAP:
            return replace(operand, text=f"({node.name!r} in {operand.text})", type=CelType(Tag.BOOL))
        text = f"select({operand.text}, {node.name!r}, test={node.test}, declared={declared})"
        of = CelType(Tag.BOOL) if node.test else node.type
        return replace(operand, text=text, type=of, fails=operand.fails or node.operand.type.tag is not Tag.STRUCT)

    def _call(self, node: Call) -> Code:
        if node.function in {"_&&_", "_||_"}:
            return self._logic(node)
        if node.function == "_?_:_":
            return self._choice(node)
        if node.function in {"or", "orValue"}:
            first, second = (self.write(each) for each in node.arguments)
            hoisted = self.hoist([*self._or_lines(node.function, first, second)], first.names | second.names)
            return Code(hoisted, node.type, fails=True, names=first.names | second.names)
        arguments = [
            self.write(each, scalar=scalar, compared=node.function in _COMPARING)
            for each, scalar in zip(node.arguments, scalar_places(node), strict=True)
        ]
        names = frozenset[str]().union(*(each.names for each in arguments))
        written = in_place(node, arguments, self)
        if written is not None:
            text, fails = written
            return Code(text, node.type, fails=fails or any(each.fails for each in arguments), names=names)
        return self._function(node, arguments)

    def _function(self, node: Call, arguments: list[Code]) -> Code:
        """A call of the runtime: of the one overload that the types select, or of the function that looks for itself."""
        overloads = OVERLOADS.get(node.function, {})
        kinds = tuple(_PYTHON.get(each.sure, object) if each.sure else object for each in arguments)
        if kinds in overloads:
            name = self._shared(f"f_{node.function}_{[kind.__name__ for kind in kinds]}", overloads[kinds])
        else:
            name = self._shared(f"f_{node.function}", self._functions.named(node.function))
        fails = node.function not in _NEVER_FAILING or not (kinds in overloads or node.function in GENERIC)
        return self._calling(name, arguments, node.type, fails=fails)

    def _shared(self, key: str, function: Callable[..., Any]) -> str:
        name = "".join(each if each.isalnum() else f"_{ord(each)}" for each in key)
        self.globals[name] = function
        return name

    @staticmethod
    def _calling(name: str, arguments: Sequence[Code], of: CelType, *, fails: bool = True) -> Code:
        text = f"{name}({', '.join(each.text for each in arguments)})"
        names = frozenset[str]().union(*(each.names for each in arguments))
        return Code(text, of, fails=fails or any(each.fails for each in arguments), names=names)

    def _logic(self, node: Call) -> Code:
        conjunction = node.function == "_&&_"
        terms = flatten(node, node.function)
        word = " and " if conjunction else " or "
        sure, failing = self._split(terms, conjunction=conjunction)
        names = frozenset[str]().union(*(each.names for each in (*sure, *failing)))
        if len(failing) <= 1:
            text = word.join(each.text for each in (*sure, *failing))
            return Code(f"({text})", CelType(Tag.BOOL), fails=bool(failing), names=names)
        lines = ["failure = None"]
        for each in failing:
            lines += [
                "try:",
                f"    if {'not ' if conjunction else ''}{each.text}:",
                f"        return {not conjunction}",
                "except FAILURES as error:",
                "    failure = failure or error",
            ]
        lines += ["if failure is not None:", "    raise failure", f"return {conjunction}"]
        rest = self.hoist(lines, frozenset[str]().union(*(each.names for each in failing)))
        text = word.join([*(each.text for each in sure), rest])
        return Code(f"({text})", CelType(Tag.BOOL), fails=True, names=names)

    def _split(self, terms: list[Node], *, conjunction: bool) -> tuple[list[Code], list[Code]]:
        """The terms that cannot fail, then those that can, knowing what the former have checked: `a != null && a > 5`.

        Checks for null come first of all, and hold for what comes after them.
        """
        checked = {
            number: path for number, term in enumerate(terms) if (path := self._checked(term, conjunction=conjunction))
        }
        first = [self.condition(terms[number]) for number in checked]
        known, self._known = self._known, self._known | set(checked.values())
        rest = [self.condition(term) for number, term in enumerate(terms) if number not in checked]
        self._known = known
        return [*first, *(each for each in rest if not each.fails)], [each for each in rest if each.fails]

    def _checked(self, node: Node, *, conjunction: bool) -> str | None:
        """The path that is not null after `path != null && …`, `has(path) && …` or `path == null || …`."""
        if conjunction and isinstance(node, Field) and node.test:
            found = reading_of(node, self._environment)
            return found.path if found and not found.whole else None
        if not isinstance(node, Call) or node.function != ("_!=_" if conjunction else "_==_"):
            return None
        one, other = node.arguments
        if isinstance(one, Literal):
            one, other = other, one
        if not (isinstance(other, Literal) and other.value is None):
            return None
        found = reading_of(one, self._environment, scalar=True)
        return found.path if found and not found.whole else None

    def _choice(self, node: Call) -> Code:
        condition = self.condition(node.arguments[0])
        then, otherwise = (self.write(each) for each in node.arguments[1:])
        text = f"({then.text} if {condition.text} else {otherwise.text})"
        of = node.type.or_null(then.type.nullable or otherwise.type.nullable or node.type.nullable)
        fails = condition.fails or then.fails or otherwise.fails
        return Code(text, of, fails=fails, names=condition.names | then.names | otherwise.names)

    @staticmethod
    def _or_lines(function: str, first: Code, second: Code) -> list[str]:
        given = "optional" if function == "or" else "optional.value"
        return [f"optional = {first.text}", "if optional.present:", f"    return {given}", f"return {second.text}"]

    def _list(self, node: ListOf) -> Code:
        items = [self.write(each) for each in node.items]
        names = frozenset[str]().union(*(each.names for each in items))
        fails = any(each.fails for each in items) or bool(node.optional)
        parts = [
            f"*present({each.text})" if number in node.optional else each.text for number, each in enumerate(items)
        ]
        return Code(f"[{', '.join(parts)}]", node.type, fails=fails, names=names)

    def _map(self, node: MapOf) -> Code:
        parts: list[str] = []
        names: frozenset[str] = frozenset()
        for entry in node.entries:
            key, value = self.write(entry.key), self.write(entry.value)
            names |= key.names | value.names
            parts.append(
                f"*((k, v) for k in ({key.text},) for v in present({value.text}))"
                if entry.optional
                else f"({key.text}, {value.text})"
            )
        return Code(f"make_map([{', '.join(parts)}])", node.type, fails=True, names=names)

    def _let(self, node: Let) -> Code:
        value = self.write(node.value)
        name = f"v_{node.name}"
        lazy = self._lazy
        self._lazy = lazy | {node.name} if value.fails else lazy - {node.name}
        body = self.write(node.body)
        self._lazy = lazy
        bound = [f"{name} = {value.text}"]
        if value.fails:
            bound = ["try:", f"    {name} = {value.text}", "except FAILURES as error:", f"    {name} = Failing(error)"]
        names = value.names | (body.names - {name})
        return Code(self.hoist([*bound, f"return {body.text}"], names), node.type, fails=body.fails, names=names)

    def inside(self, variables: tuple[str, ...], write: Callable[[Node], Code], node: Node) -> Code:
        """A node's code inside of a macro, whose variables hide others of their names."""
        lazy, self._lazy = self._lazy, self._lazy - set(variables)
        code = write(node)
        self._lazy = lazy
        return code

    def hoist(self, lines: list[str], names: frozenset[str]) -> str:
        """Make a function of lines; the code that calls it."""
        self._numbers += 1
        given = ", ".join(sorted(names))
        name = f"{self._prefix}h{self._numbers}"
        self.lines += [f"def {name}({given}):", *(f"    {line}" for line in lines)]
        return f"{name}({given})"


_COMPARING = frozenset({*(f"_{symbol}_" for symbol in ("<", "<=", ">", ">=", "==", "!=")), "@in"})
_NEVER_FAILING = frozenset(
    {
        "_==_",
        "_!=_",
        "type",
        "dyn",
        "size",
        "startsWith",
        "endsWith",
        "contains",
        "optional.of",
        "optional.ofNonZeroValue",
        "!_",
    }
)
