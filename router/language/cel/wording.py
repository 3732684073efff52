"""The front end's complaints in our words, each with its column and, where we have one, a way out."""

from __future__ import annotations

import re
from collections.abc import Callable

from router.language.cel.environment import Environment
from router.language.cel.functions_known import KNOWN_FUNCTIONS
from router.language.cel.problems import InvalidWhere, WhereProblem
from router.language.suggestions import did_you_mean

__all__ = ["problems_of"]

_COMPLAINT = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


def problems_of(complaint: str, text: str, environment: Environment) -> InvalidWhere:
    """All that the front end complains of. Of faults in syntax only the first: the rest follow from it."""
    found: list[WhereProblem] = []
    for line, column, shown in _COMPLAINT.findall(complaint):
        message = _STATUS.sub("", shown)
        found.append(_worded(max(1, int(line)), max(1, int(column)), message, _Context(text, environment)))
        if message.startswith(("Syntax error", "Exceeded")):
            break
    if not found:
        found.append(_worded(1, 1, _STATUS.sub("", complaint.partition("\n")[0]), _Context(text, environment)))
    return InvalidWhere(found)


class _Context:
    def __init__(self, text: str, environment: Environment) -> None:
        self.lines = text.split("\n")
        self.environment = environment

    def rest(self, line: int, column: int) -> str:
        """The text from a place to the end of its line."""
        return self.lines[line - 1][column - 1 :] if line <= len(self.lines) else ""

    def before(self, line: int, column: int) -> str:
        """The text of a line up to a place."""
        return self.lines[line - 1][: column - 1] if line <= len(self.lines) else ""


def _worded(line: int, column: int, message: str, context: _Context) -> WhereProblem:
    for pattern, word in _WORDINGS:
        found = pattern.search(message)
        if found:
            return word(found, line, column, context)
    return WhereProblem(column, message, line=line)


def _undeclared(found: re.Match[str], line: int, column: int, context: _Context) -> WhereProblem:
    name = found[1]
    if context.rest(line, column).startswith("("):
        hint = did_you_mean(name.rpartition(".")[2], KNOWN_FUNCTIONS)
        return WhereProblem(max(1, column - len(name)), f"there is no function '{name}'", hint, line)
    # Of a name with dots, the place is its last dot.
    first, _, rest = name.partition(".")
    back = name.rpartition(".")[0]
    if rest and context.before(line, column).endswith(back):
        column -= len(back)
    environment = context.environment
    return WhereProblem(
        column, f"there is no field or variable '{first}'", did_you_mean(first, environment.variables), line
    )


def _no_field(found: re.Match[str], line: int, column: int, context: _Context) -> WhereProblem:
    name, struct = found[1], found[2]
    fields = context.environment.structs[struct].fields if struct in context.environment.structs else {}
    owner = _types(struct)
    return WhereProblem(column + 1, f"'{owner}' has no field '{name}'", did_you_mean(name, fields), line)


def _no_overload(found: re.Match[str], line: int, column: int, _: _Context) -> WhereProblem:
    function, types = found[1], _types(found[2])
    symbol = function.strip("_@").removesuffix("_")
    given = types.split(", ")
    if function == "_?_:_":
        return WhereProblem(
            column, f"the two sides of '? :' are {' and '.join(given[1:])}, and its condition is {given[0]}", line=line
        )
    what = "an index" if function == "_[_]" else f"'{symbol}'"
    return WhereProblem(column, f"{what} cannot be used with {' and '.join(given) or 'nothing'}", line=line)


def _no_select(found: re.Match[str], line: int, column: int, _: _Context) -> WhereProblem:
    return WhereProblem(column, f"what is {_types(found[1])} has no fields", line=line)


def _no_range(found: re.Match[str], line: int, column: int, _: _Context) -> WhereProblem:
    return WhereProblem(
        column, f"what is {_types(found[1])} has no items to look at: it must be a list or a map", line=line
    )


def _syntax(found: re.Match[str], line: int, column: int, context: _Context) -> WhereProblem:
    rest = context.rest(line, column)
    if "'<EOF>'" in found[1].partition("expecting")[0]:
        return WhereProblem(column, "something is missing at the end", line=line)
    hint = ""
    for start, way_out in _HABITS.items():
        if re.match(start, rest):
            hint = way_out
    token = rest.split(maxsplit=1)[0] if rest.split() else "the end"
    if token[:1] in {"'", '"'}:
        return WhereProblem(column, "this text has no end, or an escape that does not exist", hint, line)
    return WhereProblem(column, f"'{token}' cannot stand here", hint, line)


_HABITS = {
    r"=(?!=)": "write == to compare",
    r"(?i)and\b": "write && for and",
    r"(?i)or\b": "write || for or",
    r"(?i)not\b": "write ! for not",
    r"&(?!&)": "write && for and",
    r"\|(?!\|)": "write || for or",
    r"<>": "write != for unequal",
    r"(?i)is\b": "write == null or != null",
}


def _deep(_: re.Match[str], line: int, column: int, __: _Context) -> WhereProblem:
    return WhereProblem(
        column, "it is nested too deeply: 32 levels are the most", "use cel.bind, or several bindings", line
    )


def _long(_: re.Match[str], line: int, column: int, __: _Context) -> WhereProblem:
    return WhereProblem(column, "it is too long: 100,000 characters are the most", line=line)


def _types(text: str) -> str:
    """Types in the front end's words as types in ours."""
    text = re.sub(r"wrapper\((\w+)\)", r"\1 or null", text)
    text = re.sub(r"router\.(?:sound|nullable)_\d+\.r", "", text)
    return text.replace("google.protobuf.", "").replace("router.Decimal", "decimal").replace("null_type", "null")


_WORDINGS: list[tuple[re.Pattern[str], Callable[[re.Match[str], int, int, _Context], WhereProblem]]] = [
    (re.compile(r"undeclared reference to '([^']*)'"), _undeclared),
    (re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'"), _no_field),
    (re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'"), _no_overload),
    (re.compile(r"expression of type '([^']*)' cannot be the operand of a select"), _no_select),
    (re.compile(r"expression of type '([^']*)' cannot be the range of"), _no_range),
    (re.compile(r"recursion"), _deep),
    (re.compile(r"size exceeds"), _long),
    (re.compile(r"Syntax error: (.*)"), _syntax),
]
