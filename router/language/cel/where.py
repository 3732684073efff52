"""`where`: an expression over one record, compiled to one Python function over what readers have read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from router.language.cel.constants import Folding
from router.language.cel.environment import Environment
from router.language.cel.evaluate import Evaluator
from router.language.cel.facts import read_facts
from router.language.cel.failure import no_overload
from router.language.cel.functions import Functions, RegexEngine
from router.language.cel.plain import to_cel
from router.language.cel.problems import InvalidWhere, WhereProblem
from router.language.cel.reading import read_tree
from router.language.cel.source import Writer
from router.language.cel.tree import Literal, Node
from router.language.cel.types import CelType, Struct, Tag

__all__ = ["Truth", "Truths", "Where", "compile_where", "fuse", "read_folded", "record_names"]

Truth = Callable[..., bool | None]
"""`(values, headers, key, whole)`: a record's values by the paths compiled for, its headers as text, its key as text, and
whole fields by name. True, False, or None where the expression fails on the record."""

Truths = Callable[..., tuple[bool | None, ...]]
"""The same for several expressions, one truth for each."""

_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, eq=False, slots=True)
class Where:
    """A compiled `where`. What it reads is known before any record; what it means is in `tree`."""

    text: str
    type: CelType
    """bool, or dyn where only a record can tell."""
    paths: tuple[str, ...]
    """Dotted paths of the scalar fields that it reads: what a field reader must supply."""
    whole: tuple[str, ...]
    """Top-level fields that it needs whole (lists, maps, records); an empty name is the whole record."""
    headers: frozenset[str] | None
    """Names of the headers that it reads; None is all of them."""
    uses_key: bool
    constant: bool | None
    """What it always is, whatever the record; None where that depends on the record."""
    tree: Node = field(repr=False)
    environment: Environment = field(repr=False)
    _functions: Functions = field(repr=False)

    def compile(self, paths: Sequence[str]) -> Truth:
        """A function over values in the order of `paths`, which must have all of `self.paths`.

        It never raises: None stands for a failure, so that what fails is not true. `evaluate` says why.
        """
        fused = _source([self], paths, single=True)
        truth: Truth = fused
        return truth

    def evaluate(self, *, value: Any, headers: Mapping[str, str], key: str) -> bool:
        """Its truth over a record's whole plain value, slowly; WhereFailed with the reason that `compile` has no time for."""
        names = record_names(self.environment, value=value, headers=headers, key=key)
        value = Evaluator(self._functions).evaluate(self.tree, names)
        if type(value) is not bool:
            raise no_overload("a condition", value)
        return value


def compile_where(text: str, environment: Environment, *, engine: RegexEngine) -> Where:
    """Parse, check and fold an expression; InvalidWhere has all that is wrong with it.

    A part that is constant and can only fail (`timestamp('yesterday')`, a pattern that is none) is a mistake as well.
    """
    functions = Functions(engine)
    environment, tree = read_folded(text, environment, functions=functions)
    if tree.type.tag not in {Tag.BOOL, Tag.DYN}:
        raise InvalidWhere([WhereProblem(1, f"it is {tree.type}, and not true or false", _hint(tree.type))])
    facts = read_facts(tree, environment)
    constant = tree.value if isinstance(tree, Literal) else None
    return Where(
        text=text,
        type=tree.type,
        paths=tuple(facts.paths),
        whole=tuple(facts.whole),
        headers=None if facts.all_headers else frozenset(facts.headers),
        uses_key=facts.key,
        constant=constant if isinstance(constant, bool) else None,
        tree=tree,
        environment=environment,
        _functions=functions,
    )


def read_folded(text: str, environment: Environment, *, functions: Functions) -> tuple[Environment, Node]:
    """The tree with its constant parts computed, and the environment that it was checked in; else InvalidWhere."""
    environment, tree = read_tree(text, environment)
    folding = Folding(Evaluator(functions))
    tree = folding.fold(tree)
    if folding.failures:
        raise InvalidWhere([_at(text, at, problem) for at, problem in dict.fromkeys(folding.failures)])
    return environment, tree


def fuse(wheres: Sequence[Where], paths: Sequence[str]) -> Truths:
    """One function for several expressions over the same values: a tuple with a truth for each, in their order."""
    truths: Truths = _source(wheres, paths, single=False)
    return truths


def record_names(environment: Environment, *, value: Any, headers: Mapping[str, str], key: str) -> dict[str, Any]:
    """The values of all names for one record, from its whole plain value: what an evaluator evaluates over."""
    structs: Mapping[str, Struct] = environment.structs
    record = to_cel(value, environment.variables["record"], structs)
    inside = record if isinstance(record, dict) else {}
    fields = {name: inside.get(name) for name in environment.variables}
    return fields | {"headers": dict(headers), "key": key, "record": record}


def _source(wheres: Sequence[Where], paths: Sequence[str], *, single: bool) -> Any:
    slots = {path: f"p{number}" for number, path in enumerate(paths)}
    lines: list[str] = []
    space: dict[str, Any] = {"NOTHING": _NOTHING}
    body: list[str] = []
    used: set[str] = set()
    for number, where in enumerate(wheres):
        writer = Writer(where.environment, where._functions, slots, prefix=f"w{number}_")  # noqa: SLF001 # of this module
        code = writer.condition(where.tree)
        used |= code.names
        space |= writer.globals
        lines += writer.lines
        given = "return" if single else f"t{number} ="
        if code.fails:
            body += ["try:", f"    {given} {code.text}", "except FAILURES:", f"    {given} None"]
        else:
            body.append(f"{given} {code.text}")
    if not single:
        body.append(f"return ({''.join(f't{number}, ' for number in range(len(wheres)))})")
    wanted = [number for number in range(len(paths)) if f"p{number}" in used]
    unpack = f"{''.join(f'p{number}, ' for number in range(len(paths)))} = values"
    single_reads = [f"p{number} = values[{number}]" for number in wanted]
    reads = single_reads if len(wanted) * 2 < len(paths) or not wanted else [unpack]
    lines.append("def where(values, headers=NOTHING, key='', whole=NOTHING):")
    lines += [f"    {line}" for line in (*reads, *body)]
    exec(compile("\n".join(lines), "<where>", "exec"), space)  # noqa: S102 # all of it was written by `Writer`, from a checked tree
    return space["where"]


def _at(text: str, at: int, problem: str) -> WhereProblem:
    before = text[:at]
    return WhereProblem(at - before.rfind("\n"), problem, line=before.count("\n") + 1)


def _hint(of: CelType) -> str:
    return "compare it with something, as with ==" if of.tag is not Tag.BOOL else ""
