"""The steps of a conversion between JSON Schemas: one pair of objects after another, each property made of what the file says. Pure.

The rules are those of `router.versions.conversion_steps`, as far as JSON has them: a property that is not required may be
absent, and then what is made of it alone is absent too; what the source's schema does not declare is carried over where the
target's admits it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from router.exchange.model import Place
from router.language.cel.environment import Environment
from router.language.cel.facts import Facts, read_facts
from router.language.cel.functions import Functions
from router.language.cel.problems import InvalidWhere
from router.language.cel.source import Writer
from router.language.cel.tree import Node, path_of
from router.language.cel.where import read_folded
from router.language.findings import Level
from router.language.reading import ParsedFile
from router.language.suggestions import did_you_mean
from router.records.json_reader import json_picker
from router.records.json_schema import JsonSchema
from router.versions.compatibility import Verdict
from router.versions.conversion import Converted, How
from router.versions.conversion_findings import VersionFinding, VersionKind
from router.versions.conversion_shapes import ConversionFile, StepShape
from router.versions.encoding import ConversionFailed
from router.versions.json_types import JsonType, fitting, json_misfit, takes, undeclared

__all__ = ["JsonBuilder"]

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNDECLARED = "*"
"""In `loses:`, what a schema does not declare."""
_Path = tuple[str | int, ...]


class JsonBuilder:
    """Writes the functions; what is wrong is gathered, and what is lost."""

    def __init__(
        self,
        functions: Functions,
        parsed: ParsedFile[ConversionFile] | None,
        *,
        start: Place,
        versions: tuple[str, str],
    ) -> None:
        self.findings: list[VersionFinding] = []
        self.lost: dict[str, str] = {}
        """By path, why."""
        self.steps: list[Converted] = []
        self.functions = functions
        self.texts: list[str] = []
        """The functions' source texts."""
        self.globals: dict[str, Any] = {"symbol": _symbol}
        """What they find around them."""
        self.versions = versions
        self._parsed = parsed
        self._start = start
        self._levels: dict[tuple[int, int], str] = {}

    def level(
        self, source: JsonType, target: JsonType, steps: Mapping[str, StepShape], *, at: _Path, path: str, to: str
    ) -> str:
        """The name of the function that makes an object of another. `at` is where its steps stand in the file."""
        pair = id(source.here), id(target.here)
        if not steps and pair in self._levels:
            return self._levels[pair]
        name = self.constant(None).replace("k", "make_")
        if not steps:
            self._levels[pair] = name
        _Level(self, source, path=path).write(name, target, steps, at=at, to=to)
        return name

    def constant(self, value: Any) -> str:
        """The name of a value that the functions find."""
        name = f"k{len(self.globals)}"
        self.globals[name] = value
        return name

    def find(self, kind: VersionKind, place: Place, message: str, suggestion: str = "") -> None:
        """Remember what is wrong."""
        self.findings.append(VersionFinding(place, Level.ERROR, kind, message, suggestion))

    def place(self, *path: str | int) -> Place:
        return self._start if self._parsed is None else self._parsed.place(*path)

    def key_place(self, *path: str | int) -> Place:
        return self._start if self._parsed is None else self._parsed.key_place(*path)

    def place_inside(self, position: int, *path: str | int) -> Place:
        return self._start if self._parsed is None else self._parsed.place_inside(position, *path)


class _Field:
    """One property of the target."""

    def __init__(self, target: JsonType, name: str, *, at: _Path, to: str) -> None:
        self.name = name
        self.type = target.property(name)
        self.required = name in target.required
        self.at = at
        """Where its step stands."""
        self.path = f"{to}.{name}" if to else name


class _Level:
    """One object of the source, and what is made of its properties."""

    def __init__(self, builder: JsonBuilder, source: JsonType, *, path: str) -> None:
        self._builder = builder
        self._source = source
        self._path = path
        self._used: set[str] = set()
        """Names, and dotted paths below this level, of what something is made of."""
        self._slots: dict[str, str] = {}
        self._slot_lines: list[str] = []
        self._environment: Environment | None = None
        self._whole = False

    def write(self, name: str, target: JsonType, steps: Mapping[str, StepShape], *, at: _Path, to: str) -> None:
        """The function of this name."""
        made = self._object(target, steps, at=at, to=to, out="out")
        rest = undeclared(self._source, target)
        if rest == "lost":
            self._builder.lost[self._full(_UNDECLARED)] = "the schema admits what it does not declare"
        lines = ["out = {}", *made]
        if rest == "carried":
            declared = self._builder.constant(frozenset({*self._source.properties, *target.properties}))
            lines += [f"for name in r.keys() - {declared}:", "    out[name] = r[name]"]
        for path, problem in self._unused(self._source, ""):
            self._builder.lost[self._full(path)] = problem
        whole = ["whole = {**r, '': r}"] if self._whole else []
        body = [*whole, *self._slot_lines, *lines, "return out"]
        self._builder.texts.append("\n".join([f"def {name}(r):", *(f"    {line}" for line in body)]))

    def _object(self, target: JsonType, steps: Mapping[str, StepShape], *, at: _Path, to: str, out: str) -> list[str]:
        """The lines that put a target's properties into the variable `out`."""
        builder = self._builder
        for each in steps.keys() - target.properties.keys():
            message = f"{builder.versions[1]} has no field '{each}' here"
            hint = did_you_mean(each, list(target.properties))
            builder.find(VersionKind.UNKNOWN_FIELD, builder.key_place(*at, each), message, hint)
        lines: list[str] = []
        for name in target.properties:
            lines += self._made(_Field(target, name, at=(*at, name), to=to), steps.get(name), out)
        for name in sorted(target.required - target.properties.keys()):
            message = f"{builder.versions[1]} needs '{name}', which it does not declare"
            builder.find(VersionKind.MISSING_FIELD, builder.key_place(*at), message, "declare it under properties")
        return lines

    def _made(self, field: _Field, step: StepShape | None, out: str) -> list[str]:  # noqa: PLR0911 -- one return a way of making
        if step is None:
            return self._unsaid(field, out)
        if step.model_fields_set == {"fields"}:
            return self._new(field, step, out)
        if self._malformed(step, field):
            return []
        if step.cel is not None:
            if _FIELD.fullmatch(step.cel) and step.cel in self._source.properties:
                carried = self._carried(step.cel, field, {}, out, told=step.cel, silent=True)
                if carried is not None:
                    return carried
            return self._expression(field, step.cel, out)
        if step.symbols is not None or step.otherwise is not None:
            return self._symbols(field, step, out)
        if step.from_ is not None or step.each is not None:
            return self._nested(field, step, out)
        return self._constant(field, step.value, out, How.CONSTANT)

    def _unused(self, object_: JsonType, above: str) -> Iterator[tuple[str, str]]:
        """What of the source nothing was made of."""
        for name in object_.properties:
            path = f"{above}{name}"
            inner = object_.property(name)
            if path in self._used:
                continue
            if inner.properties and any(each.startswith(f"{path}.") for each in self._used):
                yield from self._unused(inner, f"{path}.")
            else:
                yield path, "nothing is made of it"

    def _full(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _say(self, field: _Field, how: How, told: str) -> None:
        self._builder.steps.append(Converted(field.path, how, told))

    def _find(self, kind: VersionKind, field: _Field, message: str, *, key: str = "", hint: str = "") -> list[str]:
        place = self._builder.place(*field.at, *([key] if key else []))
        self._builder.find(kind, place, message, hint)
        return []

    def _malformed(self, step: StepShape, field: _Field) -> bool:
        ways = [each for each in ("cel", "from_", "each", "value") if each in step.model_fields_set]
        problem = ""
        if len(ways) != 1:
            problem = "a field is made in one way: by an expression, `from`, `each`, `fields` or `value`"
        elif step.fields is not None and ways[0] not in {"from_", "each"}:
            problem = "`fields` says how a record's fields are made: name the record with `from` or `each`"
        elif ways[0] == "each" and step.fields is None:
            problem = "`each` needs `fields`"
        elif (step.symbols is not None or step.otherwise is not None) and (ways[0] != "from_" or step.fields):
            problem = "`symbols` and `otherwise` go with `from`"
        if problem:
            self._find(VersionKind.INVALID_STEP, field, problem)
        return bool(problem)

    def _unsaid(self, field: _Field, out: str) -> list[str]:
        if field.name in self._source.properties:
            return self._carried(field.name, field, {}, out, told=field.name) or []
        if "default" in field.type.stated:
            return self._constant(field, field.type.stated["default"], out, How.DEFAULT)
        if not field.required:
            return []
        source, target = self._builder.versions
        message = f"{target} needs '{field.path}', which {source} does not have and which has no default"
        otherwise = f"say under fields: how '{field.name}' is made"
        hint = did_you_mean(field.name, list(self._source.properties), otherwise=otherwise)
        self._builder.find(VersionKind.MISSING_FIELD, self._builder.key_place(*field.at[:-1]), message, hint)
        return []

    def _new(self, field: _Field, step: StepShape, out: str) -> list[str]:
        """A new object, of properties of this one."""
        if not field.type.properties:
            return self._find(VersionKind.INVALID_STEP, field, f"'{field.name}' is no record")
        inner = f"{out}_{len(field.at)}"
        made = self._object(field.type, step.fields or {}, at=(*field.at, "fields"), to=field.path, out=inner)
        return [f"{inner} = {out}[{field.name!r}] = {{}}", *made]

    def _carried(
        self, name: str, field: _Field, steps: Mapping[str, StepShape], out: str, *, told: str, silent: bool = False
    ) -> list[str] | None:
        source = self._source.property(name)
        default = "default" in field.type.stated
        optional = name not in self._source.required
        if optional and field.required and not default:
            problem = "it may be absent, and the field may not: say what stands for it, as in x != null ? x : …"
            return None if silent else self._find(VersionKind.MISFIT, field, f"'{field.name}': {problem}")
        told_before, found_before = len(self._builder.steps), len(self._builder.findings)
        lost_before = dict(self._builder.lost)
        text = self._value(
            source, field.type, "x", steps, at=(*field.at, "fields"), path=self._full(name), to=field.path
        )
        if isinstance(text, _Misfit):
            del self._builder.steps[told_before:], self._builder.findings[found_before:]
            self._builder.lost = lost_before
            return None if silent else self._find(VersionKind.MISFIT, field, f"field '{field.path}': {text.problem}")
        self._used.add(name)
        nested = bool(steps) or text.startswith("make_")
        self._say(field, How.NESTED if nested else How.CARRIED if name == field.name else How.RENAMED, told)
        put = f"{out}[{field.name!r}] = {text}"
        if not optional:
            return [f"x = r[{name!r}]", put]
        lines = [f"if {name!r} in r:", f"    x = r[{name!r}]", f"    {put}"]
        if default:
            lines += ["else:", f"    {out}[{field.name!r}] = {self._builder.constant(field.type.stated['default'])}"]
        return lines

    def _value(
        self,
        source: JsonType,
        target: JsonType,
        x: str,
        steps: Mapping[str, StepShape],
        *,
        at: _Path,
        path: str,
        to: str,
    ) -> str | _Misfit:
        """The text of what becomes of the value `x`."""
        verdict, problems = takes(source, target)
        if not steps and verdict is Verdict.COMPATIBLE:
            return x
        text: str | _Misfit | None = None
        if source.nullable and not target.nullable:
            return _Misfit("null is no value of it: say what stands for it")
        if source.properties and target.properties:
            text = f"{self._builder.level(source, target, steps, at=at, path=path, to=to)}({x})"
        elif source.items is not None and target.items is not None:
            inner = self._value(source.items, target.items, f"{x}_", steps, at=at, path=path, to=to)
            text = inner if isinstance(inner, _Misfit) else f"[{inner} for {x}_ in {x}]"
        elif source.values is not None and target.values is not None:
            inner = self._value(source.values, target.values, f"{x}_", steps, at=at, path=path, to=to)
            text = inner if isinstance(inner, _Misfit) else f"{{n: {inner} for n, {x}_ in {x}.items()}}"
        if text is None and verdict is Verdict.UNKNOWN:
            return f"{self._builder.constant(fitting(target))}({x})"
        if text is None:
            return _Misfit("; ".join(dict.fromkeys(each.message for each in problems)))
        return text if isinstance(text, _Misfit) or not source.nullable else f"None if {x} is None else {text}"

    def _nested(self, field: _Field, step: StepShape, out: str) -> list[str]:
        name = step.each or step.from_ or ""
        if name not in self._source.properties:
            message = f"{self._builder.versions[0]} has no field '{name}' here"
            hint = did_you_mean(name, list(self._source.properties))
            return self._find(VersionKind.UNKNOWN_FIELD, field, message, key="each" if step.each else "from", hint=hint)
        source = self._source.property(name)
        many = source.items is not None or source.values is not None
        wrong = ""
        if step.each is not None and not many:
            wrong = f"'{name}' is no list and no map: use `from`"
        elif step.fields and (source.object_within is None or (many and step.each is None)):
            wrong = f"'{name}' is {'a list: use `each`' if many else 'no record'}"
        elif step.fields and field.type.object_within is None:
            wrong = f"'{field.name}' is no record, nor a list of them"
        if wrong:
            return self._find(VersionKind.INVALID_STEP, field, wrong)
        told = f"each of {name}" if step.each else name
        return self._carried(name, field, step.fields or {}, out, told=told) or []

    def _constant(self, field: _Field, value: Any, out: str, how: How) -> list[str]:
        try:
            fitting(field.type)(value)
        except ConversionFailed as failed:
            return self._find(VersionKind.MISFIT, field, f"'{field.name}': {failed.problem}")
        self._say(field, how, repr(value) if how is How.CONSTANT else f"default {value!r}")
        return [f"{out}[{field.name!r}] = {self._builder.constant(value)}"]

    def _symbols(self, field: _Field, step: StepShape, out: str) -> list[str]:
        names = (step.from_ or "").split(".")
        source = self._located(names)
        if source is None:
            message = f"{self._builder.versions[0]} has no field '{step.from_}' here"
            hint = did_you_mean(names[0], list(self._source.properties))
            return self._find(VersionKind.UNKNOWN_FIELD, field, message, key="from", hint=hint)
        if not all(each.symbols or each.types == {"string"} for each in (source, field.type)):
            message = "`symbols` makes an enum or a text of an enum or a text"
            return self._find(VersionKind.INVALID_STEP, field, message, key="from")
        stated = step.symbols or {}
        table: dict[Any, Any] = {each: step.otherwise or each for each in source.symbols} | stated
        if not self._symbols_known(field, step, source, table):
            return []
        results = table if source.symbols else stated
        if len(set(results.values())) < len(results) or (not source.symbols and step.otherwise is not None):
            self._builder.lost[self._full(".".join(names))] = "several of its symbols become one"
        self._used.add(".".join(names))
        slot = self._slot(".".join(names), self._source.rooted)
        self._say(field, How.SYMBOLS, f"{step.from_} by its symbols")
        made = f"symbol({self._builder.constant(table)}, {slot}, {step.otherwise!r})"
        return self._put(field, out, made)

    def _symbols_known(self, field: _Field, step: StepShape, source: JsonType, table: Mapping[Any, Any]) -> bool:
        sound, builder, known = True, self._builder, field.type.symbols
        at = (*field.at, "symbols")
        for each in step.symbols or {}:
            if source.symbols and each not in source.symbols:
                message, hint = f"'{step.from_}' has no symbol '{each}'", did_you_mean(each, source.symbols)
                builder.find(VersionKind.UNKNOWN_SYMBOL, builder.key_place(*at, each), message, hint)
                sound = False
        for was, now in table.items():
            if known and now not in known and (was in (step.symbols or {}) or was == now):
                message, hint = f"'{field.name}' has no symbol '{now}'", did_you_mean(str(now), known)
                builder.find(VersionKind.UNKNOWN_SYMBOL, builder.place(*at, str(was)), message, hint)
                sound = False
        if step.otherwise is not None and known and step.otherwise not in known:
            message, hint = f"'{field.name}' has no symbol '{step.otherwise}'", did_you_mean(step.otherwise, known)
            self._find(VersionKind.UNKNOWN_SYMBOL, field, message, key="otherwise", hint=hint)
            sound = False
        return sound

    def _located(self, names: list[str]) -> JsonType | None:
        here = self._source
        for name in names:
            if name not in here.properties:
                return None
            here = here.property(name)
        return here

    def _expression(self, field: _Field, text: str, out: str) -> list[str]:
        root = self._source.rooted
        if self._environment is None:
            self._environment = Environment.of_schema(root)
        try:
            environment, tree = read_folded(text, self._environment, functions=self._builder.functions)
        except InvalidWhere as invalid:
            for problem in invalid.problems:
                place = self._builder.place_inside(_offset(text, problem.line, problem.column), *field.at)
                self._builder.find(VersionKind.INVALID_EXPRESSION, place, problem.message, problem.suggestion)
            return []
        facts = read_facts(tree, environment)
        wrong = json_misfit(tree.type, field.type) or self._null(tree, field)
        if facts.key or facts.all_headers or facts.headers:
            wrong = "a conversion sees a record's value only, not its key and headers"
        if wrong:
            return self._find(VersionKind.MISFIT, field, f"'{field.name}': {wrong}")
        code = self._code(environment, tree, facts, root)
        self._used |= {*facts.paths, *facts.whole}
        if "" in facts.whole:
            self._used |= set(self._source.properties)
        self._say(field, How.EXPRESSION, text)
        return self._put(field, out, code)

    def _put(self, field: _Field, out: str, code: str) -> list[str]:
        """A computed value that the field must take; one that may be left out is, where null is no value of it."""
        fit = self._builder.constant(fitting(field.type))
        put = f"{out}[{field.name!r}] = {fit}(x)"
        lines = ["try:", f"    x = {code}"]
        absent = not field.required and not field.type.nullable
        lines += ["    if x is not None:", f"        {put}"] if absent else [f"    {put}"]
        return [*lines, "except CAUGHT as error:", f"    raise failed(error, {field.path!r}) from error"]

    def _code(self, environment: Environment, tree: Node, facts: Facts, root: JsonSchema) -> str:
        slots = {path: self._slot(path, root) for path in facts.paths}
        self._whole = self._whole or bool(facts.whole)
        prefix = self._builder.constant(None)
        writer = Writer(environment, self._builder.functions, slots, prefix=f"{prefix}_")
        code = writer.write(tree)
        self._builder.globals |= writer.globals
        if writer.lines:
            self._builder.texts.append("\n".join(writer.lines))
        return code.text

    def _slot(self, path: str, root: JsonSchema) -> str:
        """The variable of a value that is read by its path."""
        variable = self._slots.get(path)
        if variable is None:
            variable = self._slots[path] = f"p{len(self._slots)}"
            self._slot_lines.append(f"{variable} = {self._builder.constant(json_picker(path, root.field(path)))}(r)")
        return variable

    @staticmethod
    def _null(tree: Node, field: _Field) -> str:
        """A field that may be null or absent where none can be; of what is reckoned with fields, only the record tells."""
        if tree.type.nullable and path_of(tree) and field.required and not field.type.nullable:
            return "it may be null, and the field may not: say what stands for null, as in x != null ? x : …"
        return ""


class _Misfit:
    """Why a value cannot be carried over."""

    def __init__(self, problem: str) -> None:
        self.problem = problem


def _symbol(table: Mapping[str, str], value: Any, rest: str | None) -> Any:
    """The symbol that another becomes, or `rest`, or itself; null stays null."""
    return None if value is None else table.get(value, rest or value)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))
