"""The steps of a conversion: one pair of records after another, each field of the target made of what the file says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import copy
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
from router.records.avro import AvroType, AvroTypes
from router.records.field_type import Kind
from router.records.schema import AvroSchema
from router.versions.avro_nodes import AvroField, AvroNode, is_valid_default
from router.versions.carrying import Carrier, Uncarried, alike
from router.versions.conversion import How, Part, Slot, compile_parts
from router.versions.conversion_findings import VersionFinding, VersionKind
from router.versions.conversion_shapes import ConversionFile, StepShape
from router.versions.encoding import Encoders, default_bytes, encode_long
from router.versions.fitting import misfit
from router.versions.plain_values import PlainReaders

__all__ = ["Builder", "record_within"]

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_Path = tuple[str | int, ...]


def record_within(node: AvroNode) -> AvroNode | None:
    """The record that a type is, or holds: behind null, in a list, in a map."""
    inner = _unwrapped(node)
    while inner.kind in {Kind.ARRAY, Kind.MAP}:
        inner = _unwrapped(inner.items)
    return inner if inner.kind is Kind.RECORD else None


class Builder:
    """Builds the functions into a carrier; what is wrong is gathered, and what is lost."""

    def __init__(
        self,
        carrier: Carrier,
        schema: AvroSchema,
        functions: Functions,
        parsed: ParsedFile[ConversionFile] | None,
        *,
        start: Place,
        versions: tuple[str, str],
    ) -> None:
        self.findings: list[VersionFinding] = []
        self.parts: list[Part] = []
        """All fields of the target, in the order in which they were made."""
        self._unused: dict[str, str] = {}
        self.carrier = carrier
        self.schema = schema
        self.functions = functions
        self._parsed = parsed
        self._start = start
        self.versions = versions
        self.readers = PlainReaders()
        self.encoders = Encoders()
        self._levels: dict[tuple[int, int], str] = {}

    @property
    def lost(self) -> dict[str, str]:
        """What is lost by path, and why."""
        return self._unused | {each.path: each.problem for each in self.carrier.losses}

    def level(
        self, source: AvroNode, target: AvroNode, steps: Mapping[str, StepShape], *, at: _Path, path: str, to: str
    ) -> str:
        """The name of the function that makes a record of another. `at` is where its steps stand in the file."""
        if not steps and (id(source), id(target)) in self._levels:
            return self._levels[id(source), id(target)]
        name = self.carrier.new_name()
        if not steps:
            self._levels[id(source), id(target)] = name
        level = _Level(self, source, target, at=at, path=path, to=to)
        self.check_names(steps, target, at)
        parts = [level.parts_of(field, steps.get(field.name)) for field in target.fields]
        made = [part for each in parts for part in each or ()]
        self.parts += [part for part in made if part.told]
        self._unused |= dict(level.unused())
        whole = self.carrier.constant(self.readers.reader(source)) if level.whole else ""
        if None not in parts:
            compile_parts(self.carrier, source, made, level.slots, whole=whole, name=name)
        return name

    def check_names(self, steps: Mapping[str, StepShape], target: AvroNode, at: _Path) -> None:
        """Find steps for fields that the target does not have."""
        for each in steps:
            if each not in {field.name for field in target.fields}:
                hint = did_you_mean(each, [field.name for field in target.fields])
                message = f"{self.versions[1]} has no field '{each}' here"
                self.find(VersionKind.UNKNOWN_FIELD, self.key_place(*at, each), message, hint)

    def lose(self, path: str, problem: str) -> None:
        """Remember that a value of the source is lost."""
        self._unused[path] = problem

    def find(self, kind: VersionKind, place: Place, message: str, suggestion: str = "") -> None:
        """Remember what is wrong."""
        self.findings.append(VersionFinding(place, Level.ERROR, kind, message, suggestion))

    def place(self, *path: str | int) -> Place:
        return self._start if self._parsed is None else self._parsed.place(*path)

    def key_place(self, *path: str | int) -> Place:
        return self._start if self._parsed is None else self._parsed.key_place(*path)

    def place_inside(self, position: int, *path: str | int) -> Place:
        return self._start if self._parsed is None else self._parsed.place_inside(position, *path)


class _Level:
    """One pair of records."""

    def __init__(self, builder: Builder, source: AvroNode, target: AvroNode, *, at: _Path, path: str, to: str) -> None:
        self.slots: list[Slot] = []
        self.whole = False
        self._builder = builder
        self._carrier = builder.carrier
        self._source = source
        self._target = target
        self._at = at
        self._path = path
        self._to = to
        self._fields = {each.name: number for number, each in enumerate(source.fields)}
        self._used: set[str] = set()
        """Names, and dotted paths below this level, of what something is made of."""
        self._environment: Environment | None = None
        self._variables: dict[str, str] = {}

    def parts_of(self, field: AvroField, step: StepShape | None) -> list[Part] | None:
        """How a field is made: in one part, or a new record in one part a field; None where that is wrong, which is told."""
        if step is None or step.model_fields_set != {"fields"}:
            part = self._part(field, step)
            return None if part is None else [part]
        record, steps = _unwrapped(field.type), step.fields or {}
        if record.kind is not Kind.RECORD:
            self._builder.find(VersionKind.INVALID_STEP, self._where(field), f"'{field.name}' is no record")
            return None
        inner = copy(self)  # over the same source, and sharing what was gathered of it
        inner._at, inner._to = (*self._at, field.name, "fields"), self._target_path(field)  # noqa: SLF001 -- of this class
        self._builder.check_names(steps, record, inner._at)  # noqa: SLF001 -- as above
        parts = [inner.parts_of(each, steps.get(each.name)) for each in record.fields]
        self.whole = inner.whole
        if None in parts:
            return None
        made = [part for each in parts for part in each or ()]
        if record is not field.type:
            head = encode_long(field.type.branches.index(record))
            made.insert(0, Part(field.name, self._target_path(field), How.NESTED, "", constant=head))
        return made

    def _part(self, field: AvroField, step: StepShape | None) -> Part | None:  # noqa: PLR0911 -- one return a way of making
        """How a field is made; None where that is wrong, which is told."""
        if step is None:
            return self._unsaid(field)
        if self._malformed(step, field):
            return None
        if step.cel is not None:
            if _FIELD.fullmatch(step.cel) and step.cel in self._fields:
                renamed = self._carried(step.cel, field, {}, told=step.cel, silent=True)
                if renamed is not None:
                    return renamed
            return self._expression(field, step.cel)
        if step.symbols is not None or step.otherwise is not None:
            return self._symbols(field, step)
        if step.from_ is not None or step.each is not None:
            return self._nested(field, step)
        return self._constant(field, step.value)

    def unused(self) -> Iterator[tuple[str, str]]:
        """What of the source nothing was made of."""
        for each in self._source.fields:
            yield from self._unused_below(each, each.name)

    def _unused_below(self, field: AvroField, path: str) -> Iterator[tuple[str, str]]:
        if path in self._used:
            return
        record = _unwrapped(field.type)
        if record.kind is Kind.RECORD and any(each.startswith(f"{path}.") for each in self._used):
            for each in record.fields:
                yield from self._unused_below(each, f"{path}.{each.name}")
        else:
            yield self._full(path), "nothing is made of it"

    def _full(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _target_path(self, field: AvroField) -> str:
        return f"{self._to}.{field.name}" if self._to else field.name

    def _where(self, field: AvroField) -> Place:
        return self._builder.place(*self._at, field.name)

    def _malformed(self, step: StepShape, field: AvroField) -> bool:
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
            self._builder.find(VersionKind.INVALID_STEP, self._where(field), problem)
        return bool(problem)

    def _unsaid(self, field: AvroField) -> Part | None:
        for name in (field.name, *field.aliases):
            if name in self._fields:
                return self._carried(name, field, {}, told=name)
        path = self._target_path(field)
        if field.has_default:
            told = f"default {field.default!r}"
            return Part(field.name, path, How.DEFAULT, told, constant=default_bytes(field.type, field.default))
        source, target = self._builder.versions
        message = f"{target} needs '{path}', which {source} does not have and which has no default"
        hint = did_you_mean(field.name, self._fields, otherwise=f"say under fields: how '{field.name}' is made")
        self._builder.find(VersionKind.MISSING_FIELD, self._builder.key_place(*self._at), message, hint)
        return None

    def _carried(
        self, name: str, field: AvroField, steps: Mapping[str, StepShape], *, told: str, silent: bool = False
    ) -> Part | None:
        number = self._fields[name]
        source = self._source.fields[number].type
        how = How.NESTED if steps else How.CARRIED if name == field.name else How.RENAMED
        path = self._target_path(field)
        if not steps and alike(source, field.type):
            self._used.add(name)
            return Part(field.name, path, how, told, source=number)
        told_before, lost_before = len(self._builder.parts), len(self._carrier.losses)
        at = (*self._at, field.name, "fields")

        def leaf(one: AvroNode, other: AvroNode, inner: str, to: str) -> str:
            return self._builder.level(one, other, steps, at=at, path=inner, to=to)

        try:
            carrier = self._carrier.carry(source, field.type, self._full(name), path, leaf)
        except Uncarried as uncarried:
            del self._builder.parts[told_before:], self._carrier.losses[lost_before:]
            if not silent:
                self._builder.find(VersionKind.MISFIT, self._where(field), str(uncarried))
            return None
        self._used.add(name)
        same = carrier in self._carrier.identical
        return Part(field.name, path, how, told, source=number, carrier="" if same else carrier)

    def _nested(self, field: AvroField, step: StepShape) -> Part | None:
        name = step.each or step.from_ or ""
        if name not in self._fields:
            message = f"{self._builder.versions[0]} has no field '{name}' here"
            place = self._builder.place(*self._at, field.name, "each" if step.each else "from")
            self._builder.find(VersionKind.UNKNOWN_FIELD, place, message, did_you_mean(name, self._fields))
            return None
        source = _unwrapped(self._source.fields[self._fields[name]].type)
        many = source.kind in {Kind.ARRAY, Kind.MAP}
        wrong = ""
        if step.each is not None and not many:
            wrong = f"'{name}' is no list and no map: use `from`"
        elif step.fields and (record_within(source) is None or (many and step.each is None)):
            wrong = f"'{name}' is {'a list: use `each`' if many else 'no record'}"
        elif step.fields and record_within(field.type) is None:
            wrong = f"'{field.name}' is no record, nor a list of them"
        if wrong:
            self._builder.find(VersionKind.INVALID_STEP, self._where(field), wrong)
            return None
        return self._carried(name, field, step.fields or {}, told=f"each of {name}" if step.each else name)

    def _constant(self, field: AvroField, value: Any) -> Part | None:
        if not is_valid_default(field.type, value):
            message = f"{value!r} is no value of '{field.name}', which is {field.type.kind}"
            self._builder.find(VersionKind.MISFIT, self._where(field), message)
            return None
        constant = default_bytes(field.type, value)
        return Part(field.name, self._target_path(field), How.CONSTANT, repr(value), constant=constant)

    def _symbols(self, field: AvroField, step: StepShape) -> Part | None:
        names = (step.from_ or "").split(".")
        found = self._locate(names)
        place = self._builder.place(*self._at, field.name, "from")
        if found is None:
            message = f"{self._builder.versions[0]} has no field '{step.from_}' here"
            self._builder.find(VersionKind.UNKNOWN_FIELD, place, message, did_you_mean(names[0], self._fields))
            return None
        source, target = _unwrapped(found), _unwrapped(field.type)
        if source.kind not in {Kind.ENUM, Kind.STRING} or target.kind not in {Kind.ENUM, Kind.STRING}:
            message = "`symbols` makes an enum or a text of an enum or a text"
            self._builder.find(VersionKind.INVALID_STEP, place, message)
            return None
        stated = step.symbols or {}
        rest = {each: step.otherwise or each for each in source.symbols}
        table: dict[str | None, str | None] = {}
        table.update(rest | stated)
        if not self._symbols_known(field, step, source=source, target=target, table=table):
            return None
        results = table if source.kind is Kind.ENUM else stated
        if len(set(results.values())) < len(results) or (source.kind is Kind.STRING and step.otherwise is not None):
            self._builder.lose(self._full(".".join(names)), "several of its symbols become one")
        if found.kind is field.type.kind is Kind.ENUM and len(names) == 1:
            carrier = self._carrier.enum([field.type.symbols.index(str(table[each])) for each in found.symbols])
            self._used.add(names[0])
            told, number = f"{step.from_} by its symbols", self._fields[names[0]]
            return Part(field.name, self._target_path(field), How.SYMBOLS, told, source=number, carrier=carrier)
        slot = self._slot(names)
        table[None] = None
        name = self._carrier.constant(table)
        code = (
            f"{name}[{slot}]" if source.kind is Kind.ENUM else f"{name}.get({slot}, {step.otherwise or ''!r} or {slot})"
        )
        self._used.add(".".join(names))
        told = f"{step.from_} by its symbols"
        return self._coded(field, How.SYMBOLS, told, code)

    def _symbols_known(
        self, field: AvroField, step: StepShape, *, source: AvroNode, target: AvroNode, table: Mapping[Any, Any]
    ) -> bool:
        sound = True
        at = (*self._at, field.name, "symbols")
        for each in step.symbols or {}:
            if source.kind is Kind.ENUM and each not in source.symbols:
                message, hint = f"'{source.name}' has no symbol '{each}'", did_you_mean(each, source.symbols)
                self._builder.find(VersionKind.UNKNOWN_SYMBOL, self._builder.key_place(*at, each), message, hint)
                sound = False
        for was, now in table.items():
            if target.kind is Kind.ENUM and now not in target.symbols and (was in (step.symbols or {}) or was == now):
                message, hint = f"'{target.name}' has no symbol '{now}'", did_you_mean(str(now), target.symbols)
                self._builder.find(VersionKind.UNKNOWN_SYMBOL, self._builder.place(*at, str(was)), message, hint)
                sound = False
        if step.otherwise is not None and target.kind is Kind.ENUM and step.otherwise not in target.symbols:
            place = self._builder.place(*self._at, field.name, "otherwise")
            message, hint = (
                f"'{target.name}' has no symbol '{step.otherwise}'",
                did_you_mean(step.otherwise, target.symbols),
            )
            self._builder.find(VersionKind.UNKNOWN_SYMBOL, place, message, hint)
            sound = False
        return sound

    def _expression(self, field: AvroField, text: str) -> Part | None:
        at = (*self._at, field.name)
        if self._environment is None:
            self._environment = _environment(self._builder.schema, self._source)
        try:
            environment, tree = read_folded(text, self._environment, functions=self._builder.functions)
        except InvalidWhere as invalid:
            for problem in invalid.problems:
                place = self._builder.place_inside(_offset(text, problem.line, problem.column), *at)
                self._builder.find(VersionKind.INVALID_EXPRESSION, place, problem.message, problem.suggestion)
            return None
        facts = read_facts(tree, environment)
        wrong = misfit(tree.type, field.type) or self._null(tree, field)
        if facts.key or facts.all_headers or facts.headers:
            wrong = "a conversion sees a record's value only, not its key and headers"
        if wrong:
            self._builder.find(VersionKind.MISFIT, self._where(field), f"'{field.name}': {wrong}")
            return None
        code = self._code(environment, tree, facts)
        self._used |= {*facts.paths, *facts.whole}
        if "" in facts.whole:
            self._used |= set(self._fields)
        return self._coded(field, How.EXPRESSION, text, code)

    def _code(self, environment: Environment, tree: Node, facts: Facts) -> str:
        slots = {path: self._slot(path.split(".")) for path in facts.paths}
        self.whole = self.whole or bool(facts.whole)
        prefix = self._carrier.constant(None)
        writer = Writer(environment, self._builder.functions, slots, prefix=f"{prefix}_")
        code = writer.write(tree)
        self._carrier.globals |= writer.globals
        if writer.lines:
            self._carrier.functions.append("\n".join(writer.lines))
        return code.text

    def _coded(self, field: AvroField, how: How, told: str, code: str) -> Part:
        encoder = self._carrier.constant(self._builder.encoders.encoder(field.type))
        return Part(field.name, self._target_path(field), how, told, code=code, encoder=encoder)

    @staticmethod
    def _null(tree: Node, field: AvroField) -> str:
        """A field that may be null where none can be; of what is reckoned with fields, only the record tells."""
        takes_null = field.type.kind is Kind.NULL or any(each.kind is Kind.NULL for each in field.type.branches)
        if tree.type.nullable and path_of(tree) and not (field.type.kind is Kind.UNION and takes_null):
            return "it may be null, and the field may not: say what stands for null, as in x != null ? x : …"
        return ""

    def _slot(self, names: list[str]) -> str:
        """The variable of a value that is read by its path."""
        path = ".".join(names)
        variable = self._variables.get(path)
        if variable is None:
            number = self._fields[names[0]]
            variable = self._variables[path] = f"p{number}_{len(self.slots)}"
            reader = self._reader(self._source.fields[number].type, names[1:])
            self.slots.append(Slot(variable, number, reader))
        return variable

    def _reader(self, node: AvroNode, names: list[str]) -> str:
        """The name of the function that reads what a path leads to, from the start of what it begins in."""
        if not names:
            return self._carrier.constant(self._builder.readers.reader(node))
        if node.kind is Kind.UNION:
            body = ["n, p = read_long(b, p)"]
            for number, branch in enumerate(node.branches):
                inner = "None, p" if branch.kind is Kind.NULL else f"{self._reader(branch, names)}(b, p)"
                body += [f"if n == {number}:", f"    return {inner}"]
            return self._carrier.define([*body, "malformed(p, 'a union has no such branch')"])
        body = []
        for each in node.fields:
            if each.name == names[0]:
                return self._carrier.define([*body, f"return {self._reader(each.type, names[1:])}(b, p)"])
            body += self._carrier.skips.lines(each.type)
        raise AssertionError(names)

    def _locate(self, names: list[str]) -> AvroNode | None:
        """The type that a dotted path through records leads to."""
        here: AvroNode = self._source
        for name in names:
            fields = {each.name: each.type for each in _unwrapped(here).fields}
            if name not in fields:
                return None
            here = fields[name]
        return here


def _unwrapped(node: AvroNode) -> AvroNode:
    """The one type beside null; a wider union is itself."""
    others = [each for each in node.branches if each.kind is not Kind.NULL]
    return others[0] if node.kind is Kind.UNION and len(others) == 1 else node


def _environment(schema: AvroSchema, record: AvroNode) -> Environment:
    types = AvroTypes(AvroType(kind=Kind.RECORD, name=record.name), schema.types.records, None)
    return Environment.of_schema(AvroSchema(schema.file, types))


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))
