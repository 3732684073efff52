"""Checks of conditions: each `where` against the schema of every source whose records can reach its binding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from router.language.cel.environment import Environment
from router.language.cel.problems import InvalidWhere, WhereProblem
from router.language.cel.regex import Re2
from router.language.cel.tree import Call, ListOf, Literal, Node, walk
from router.language.cel.where import Where, compile_where
from router.language.declarations import BindingLine, Declarations
from router.language.field_checks import has_faulty_schema, schema_file
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.suggestions import did_you_mean
from router.language.topic_checks import format_of_source
from router.records.catalogue import Catalogue

__all__ = ["check_wheres"]


def check_wheres(declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    """Findings of every binding's `where`, each told once, with the sources that it is of."""
    checker = _Checker(declarations, catalogue)
    for line in declarations.binding_lines():
        if line.shape.where is not None and line.first:
            yield from checker.check(line, line.shape.where)


@dataclass(slots=True)
class _Outcome:
    """What compiling one text for several sources came to."""

    problems: dict[WhereProblem, list[str]] = field(default_factory=dict)
    wheres: dict[str, Where] = field(default_factory=dict)
    without_schema: list[str] = field(default_factory=list)


class _Checker:
    def __init__(self, declarations: Declarations, catalogue: Catalogue) -> None:
        self._declarations = declarations
        self._catalogue = catalogue
        self._sources_of = declarations.sources_of()
        self._environments: dict[str, Environment] = {}
        self._outcomes: dict[tuple[str, tuple[str, ...]], _Outcome] = {}
        self._engine = Re2()

    def check(self, line: BindingLine, text: str) -> Iterator[Finding]:
        sources = self._sources_of.get(line.exchange, ())
        outcome = self._outcomes.get((text, sources))
        if outcome is None:
            outcome = self._outcomes[text, sources] = self._compiled(text, sources)
        for problem, of in outcome.problems.items():
            place = line.place_inside(_offset(text, problem.line, problem.column), "where")
            yield found(Kind.INVALID_WHERE, place, f"{problem.message}{_named(of, sources)}", problem.suggestion)
        if outcome.without_schema:
            source = outcome.without_schema[0]
            file = schema_file(source, extension="avsc")
            message = f"source '{source}' has no schema, and 'where' needs its fields"
            yield found(Kind.NO_SCHEMA, line.place_of("where"), message, f"add schemas/{file}")
        if outcome.wheres and not outcome.problems:
            yield from _constant(line, outcome.wheres, sources)
            yield from _impossible(line, text, outcome.wheres, sources)

    def _compiled(self, text: str, sources: Sequence[str]) -> _Outcome:
        outcome = _Outcome()
        # Where no record can get there, nothing is known of fields; but the syntax can be checked.
        for source in sources or ("",):
            try:
                where = compile_where(text, self._environment(source), engine=self._engine)
            except InvalidWhere as invalid:
                for problem in invalid.problems:
                    outcome.problems.setdefault(problem, []).append(source)
                continue
            if source:
                outcome.wheres[source] = where
                if (where.paths or where.whole) and self._lacks_schema(source):
                    outcome.without_schema.append(source)
        return outcome

    def _environment(self, source: str) -> Environment:
        environment = self._environments.get(source)
        if environment is None:
            subject = self._catalogue.resolve(source) if source else None
            environment = Environment.of_schema(subject.schema if subject else None)
            self._environments[source] = environment
        return environment

    def _lacks_schema(self, source: str) -> bool:
        """Without one a JSON value can be read all the same; where there is a faulty one, that is told elsewhere."""
        return (
            self._catalogue.resolve(source) is None
            and format_of_source(source, self._declarations, self._catalogue) != "json"
            and not has_faulty_schema(source, self._catalogue)
        )


def _named(of: Sequence[str], sources: Sequence[str]) -> str:
    """Which sources a problem concerns, where that is not obvious."""
    if not sources:
        return ""
    names = ", ".join(f"'{source}'" for source in of[:3]) + (f" and {len(of) - 3} more" if len(of) > 3 else "")
    return f" (source{'s' if len(of) > 1 else ''} {names})"


def _offset(text: str, line: int, column: int) -> int:
    """Where in the text a line's column is; both count from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))


def _constant(line: BindingLine, wheres: dict[str, Where], sources: Sequence[str]) -> Iterator[Finding]:
    for truth, consequence in ((True, "it can be left out"), (False, "this binding never matches")):
        of = [source for source, where in wheres.items() if where.constant is truth]
        if of:
            message = f"'where' is always {str(truth).lower()}{_named(of, sources) if len(of) < len(sources) else ''}"
            yield found(Kind.CONSTANT_WHERE, line.place_of("where"), message, consequence)


def _impossible(line: BindingLine, text: str, wheres: dict[str, Where], sources: Sequence[str]) -> Iterator[Finding]:
    """Comparisons of an enum with what is none of its symbols."""
    told: dict[tuple[int, str], tuple[list[str], tuple[str, ...]]] = {}
    for source, where in wheres.items():
        for at, word, symbols in _strangers(where.tree):
            told.setdefault((at, word), ([], symbols))[0].append(source)
    for (at, word), (of, symbols) in told.items():
        if len(of) == len(sources):
            hint = did_you_mean(word, symbols, otherwise=f"there are {', '.join(symbols[:12])}")
            message = f"the schema has no symbol '{word}' here"
            yield found(Kind.UNKNOWN_SYMBOL, line.place_inside(min(at, len(text)), "where"), message, hint)


def _strangers(tree: Node) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for node in walk(tree):
        if not isinstance(node, Call) or len(node.arguments) != 2:
            continue
        one, other = node.arguments
        if node.function in {"_==_", "_!=_"}:
            one, other = (other, one) if isinstance(one, Literal) else (one, other)
            literals = [other]
        elif node.function == "@in":
            literals = list(other.items) if isinstance(other, ListOf) else [other]
        else:
            continue
        symbols = one.type.symbols
        for each in literals if symbols else ():
            values = each.value if isinstance(each, Literal) else ()
            for word in values if isinstance(values, list | tuple) else [values]:
                if isinstance(word, str) and word not in symbols:
                    yield each.at, word, symbols
