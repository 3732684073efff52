"""How a topic of several meanings becomes a subject each, from `schemas/<subject>/split.yaml`, or everything that is wrong with it. Pure.

What the file says is checked as conversions are: each type's subject is there, each field of it is made, and so is each of the
old topic's on the way back; types fit, and what is lost is written down. So a split that loads takes every record of a named type
to a subject of its own and back, but for values that an expression cannot make.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from router.language.findings import Level
from router.language.nodes import MappingNode, node_at
from router.language.reading import ParsedFile, read_shape
from router.language.suggestions import did_you_mean
from router.records.field_type import Kind
from router.records.json_reader import json_reader
from router.records.json_schema import JsonSchema
from router.records.marks import Encoding
from router.records.reader import compile_avro_reader
from router.records.schema import AvroSchema
from router.records.splitting import Otherwise
from router.versions.conversion import Conversion
from router.versions.conversion_findings import VersionFinding, VersionKind, of_language
from router.versions.conversion_shapes import ConversionFile, StepShape
from router.versions.conversion_text import build_conversion, resolve_revision
from router.versions.encoding import ConversionFailed
from router.versions.json_conversion import build_json_conversion
from router.versions.narrowing import json_check, narrowed, narrowed_json, nullable_fields
from router.versions.split_shapes import NULLABLE, BranchShape, SplitFile
from router.versions.subjects import Revision, Subject
from router.versions.writer import version_schema

__all__ = ["SPLIT", "Meaning", "Split", "load_split", "load_splits"]

SPLIT = "split.yaml"
"""The file, in the folder of the subject that is split."""
_NAME = re.compile(r"(?P<subject>.+)\.v(?P<version>[1-9][0-9]*)")
_FALLBACK = {"of": "v1", "by": "type", "into": {}, "else": "refuse"}
_Convert = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One subject that a topic is split into."""

    subject: str
    version: int
    types: tuple[str, ...]
    forth: Conversion
    back: Conversion | None
    """None where those who stay on the old topic get none of them, as the file says."""

    @property
    def name(self) -> str:
        """`refund.paid.v1`."""
        return f"{self.subject}.v{self.version}"


@dataclass(frozen=True, slots=True)
class Split:
    """How one version of a subject is split."""

    subject: str
    version: int
    by: str
    otherwise: Otherwise
    meanings: tuple[Meaning, ...]
    file: str
    type_in: Callable[[bytes], str | None] = field(compare=False, repr=False)
    """What a bare body of the version's newest revision says it is. Raises Unreadable."""

    def meaning_of(self, body: bytes) -> tuple[str | None, Meaning | None]:
        """The type that a bare body says, and what it means; None where nobody named it. Raises Unreadable."""
        said = self.type_in(body)
        return said, next((each for each in self.meanings if said in each.types), None)


def load_splits(
    subjects: Mapping[str, Subject], texts: Mapping[str, str], *, folder: str = "schemas"
) -> tuple[dict[str, Split], tuple[VersionFinding, ...]]:
    """All splits by subject, and what is wrong with them."""
    splits: dict[str, Split] = {}
    findings: list[VersionFinding] = []
    for path in sorted(texts):
        name, _, file = path.partition("/")
        if file == SPLIT:
            split, found = load_split(name, subjects, texts, folder=folder)
            findings += found
            if split is not None:
                splits[name] = split
    return splits, tuple(findings)


def load_split(
    name: str, subjects: Mapping[str, Subject], texts: Mapping[str, str], *, folder: str = "schemas"
) -> tuple[Split | None, tuple[VersionFinding, ...]]:
    """How a subject is split, and all findings in order of place; None where there is no file, or any of them is an error."""
    text = texts.get(f"{name}/{SPLIT}")
    if text is None:
        return None, ()
    file = f"{folder}/{name}/{SPLIT}"
    parsed, found = read_shape(text, SplitFile, file=file, nullable=NULLABLE, fallback=_FALLBACK)
    findings = list(map(of_language, found))
    if parsed is None or any(each.level is Level.ERROR for each in findings):
        return None, tuple(findings)
    loader = _Loader(name, parsed, subjects)
    split = loader.load()
    ordered = tuple(sorted({*findings, *loader.findings}))
    return (None if any(each.level is Level.ERROR for each in ordered) else split), ordered


class _Loader:
    def __init__(self, name: str, parsed: ParsedFile[SplitFile], subjects: Mapping[str, Subject]) -> None:
        self.findings: list[VersionFinding] = []
        self._name = name
        self._parsed = parsed
        self._shape = parsed.shape
        self._subjects = subjects
        self._version = int(parsed.shape.of.removeprefix("v"))

    def load(self) -> Split | None:
        """The split, where nothing was found."""
        subject = self._subjects.get(self._name)
        source = None if subject is None else subject.newest(self._version)
        if source is None:
            there = "" if subject is None else f": there is {', '.join(f'v{each}' for each in subject.versions)}"
            self._find(f"the catalogue has no {self._shape.of} of '{self._name}'{there}", "of")
            return None
        if not self._shape.into:
            self._find("it says no subject", "into")
        self._check_by(source)
        self._check_types(source)
        targets = {name: target for name in self._shape.into if (target := self._target(name, source)) is not None}
        for name, shape in self._shape.into.items():
            self._check_has(name, shape, source)
        if self.findings:
            return None
        meanings = [self._meaning(name, self._shape.into[name], source, target) for name, target in targets.items()]
        whole = tuple(each for each in meanings if each is not None)
        return Split(
            subject=self._name,
            version=self._version,
            by=self._shape.by,
            otherwise=Otherwise(self._shape.else_),
            meanings=whole,
            file=self._parsed.file,
            type_in=_type_in(source, self._shape.by),
        )

    def _check_by(self, source: Revision) -> None:
        found, by = source.schema.field(self._shape.by), self._shape.by
        if found is None:
            hint = did_you_mean(by, source.schema.paths())
            self._find(f"{self._shape.of} has no field '{by}'", "by", kind=VersionKind.UNKNOWN_FIELD, suggestion=hint)
        elif found.kind not in {Kind.ENUM, Kind.STRING}:
            self._find(f"'{by}' is neither an enum nor a text, and says no type", "by")

    def _check_types(self, source: Revision) -> None:
        found = source.schema.field(self._shape.by)
        symbols = found.symbols if found is not None and found.kind is Kind.ENUM else None
        before: dict[str, str] = {}
        for name, shape in self._shape.into.items():
            for number, each in enumerate(shape.types):
                at = ("into", name, "types", number)
                if each in before:
                    self._find(f"'{each}' goes to '{before[each]}' already: a type has one meaning", *at)
                elif symbols is not None and each not in symbols:
                    message = f"'{self._shape.by}' has no symbol '{each}'"
                    hint = did_you_mean(each, symbols)
                    self._find(message, *at, kind=VersionKind.UNKNOWN_SYMBOL, suggestion=hint)
                before.setdefault(each, name)

    def _target(self, name: str, source: Revision) -> Revision | None:
        """The newest revision of a branch's subject and version; None where it cannot be that, which is told."""
        found = _NAME.fullmatch(name)
        if found is None:
            self._refuse(f"'{name}' is no subject with its version: write refund.paid.v1", name)
            return None
        subject = self._subjects.get(found["subject"])
        target = None if subject is None else subject.newest(int(found["version"]))
        if subject is None or target is None:
            known = [f"{each.name}.v{version}" for each in self._subjects.values() for version in each.versions]
            hint = did_you_mean(name, known) or f"write schemas/{found['subject']}/v{found['version']}.avsc"
            self._refuse(f"the catalogue has no '{name}'", name, hint)
            return None
        problem = self._unfit(name, source, target, {subject.encoding, self._subjects[self._name].encoding})
        if problem:
            self._refuse(problem, name)
            return None
        return target

    def _unfit(self, name: str, source: Revision, target: Revision, encodings: set[Encoding]) -> str:
        """Why a subject cannot be one of those that records are split into."""
        if target.subject == self._name:
            return f"'{name}' is the subject that is split"
        first = next(each for each in self._shape.into if each.rpartition(".v")[0] == target.subject)
        if first != name:
            return f"'{first}' is of the same subject: a meaning has one version here"
        if (target.root is None) is not (source.root is None):
            return f"nothing converts between Avro and JSON: {source.file} and {target.file}"
        if Encoding.HEADER in encodings and len(encodings) > 1:
            return f"records of '{self._name}' or of '{target.subject}' say in a header which revision wrote them: both do, or none"
        return ""

    def _refuse(self, message: str, name: str, suggestion: str = "") -> None:
        place = self._parsed.key_place("into", name)
        self.findings.append(VersionFinding(place, Level.ERROR, VersionKind.INVALID_SPLIT, message, suggestion))

    def _check_has(self, name: str, shape: BranchShape, source: Revision) -> None:
        nullable = nullable_fields(source.schema)
        stated: list[tuple[str, tuple[str | int, ...]]] = [
            (each, ("into", name, "has", number)) for number, each in enumerate(shape.has)
        ]
        if shape.lift is not None:
            stated.append((shape.lift, ("into", name, "lift")))
        for each, at in stated:
            if source.schema.field(each) is None:
                hint = did_you_mean(each, nullable)
                message = f"{self._shape.of} has no field '{each}'"
                self._find(message, *at, kind=VersionKind.UNKNOWN_FIELD, suggestion=hint)
            elif each not in nullable and at[-1] != "lift":
                self._find(f"'{each}' cannot be null, so that all records have it", *at)
            elif at[-1] == "lift" and _record_of(source, each) is None:
                self._find(f"'{each}' is no record whose fields could be taken", *at)

    def _has(self, name: str, source: Revision) -> frozenset[str]:
        shape = self._shape.into[name]
        lifted = {shape.lift} if shape.lift in nullable_fields(source.schema) else set()
        return frozenset({*shape.has, *lifted})

    def _meaning(self, name: str, shape: BranchShape, source: Revision, target: Revision) -> Meaning | None:
        has = self._has(name, source)
        lacks = frozenset(each for other in self._shape.into for each in self._has(other, source)) - has
        both = _pair(source, target, has=has, lacks=lacks)
        alone = len(shape.types) == 1
        names = f"{self._name} {self._shape.of}", name
        file = self._parsed.file
        forth, found = both.forth(
            self._part(shape, "into", name),
            names=names,
            file=file,
            implied=_lifted(shape, source, target),
            free=frozenset({*lacks, self._shape.by} if alone else lacks),
        )
        self.findings += found
        back: Conversion | None = None
        if shape.back is not None:
            said = (
                {}
                if not alone or self._shape.by in _fields(target)
                else {self._shape.by: StepShape(value=shape.types[0])}
            )
            lifted = {} if shape.lift is None else {shape.lift: StepShape(fields={})}
            back, found = both.back(
                self._part(shape.back, "into", name, "back"),
                names=(names[1], names[0]),
                file=file,
                implied={**said, **lifted},
            )
            self.findings += found
            if back is not None:
                back = replace(back, convert=self._joined(back.convert, shape.types, source))
        if forth is None:
            return None
        told = ", ".join(f"'{each}'" for each in shape.types)
        forth = replace(forth, convert=_narrowly(forth.convert, both.narrow, file=file, told=told))
        return Meaning(target.subject, target.version, tuple(shape.types), forth, back)

    def _joined(self, convert: _Convert, types: list[str], source: Revision) -> _Convert:
        """A conversion back that gives records of these types and no others: they would be split to another subject."""
        type_in, file, by = _type_in(source, self._shape.by), self._parsed.file, self._shape.by

        def joined(body: bytes) -> bytes:
            made = convert(body)
            said = type_in(made)
            if said not in types:
                problem = f"it would be '{said}', and its subject holds {', '.join(types)}"
                raise ConversionFailed(problem=problem, field=by, conversion=file)
            return made

        return joined

    def _part(self, shape: ConversionFile, *path: str) -> ParsedFile[ConversionFile]:
        """A part of the file as a file of its own, its places those where it stands."""
        root = node_at(self._parsed.root, path)
        above = node_at(self._parsed.root, path[:-1])
        if root is above:
            # It is not written: all carries over by itself.
            root = MappingNode(self._parsed.key_place(*path[:-1]), (), flow=False)
        return ParsedFile(self._parsed.file, root, root, shape)

    def _find(
        self, message: str, *path: str | int, kind: VersionKind = VersionKind.INVALID_SPLIT, suggestion: str = ""
    ) -> None:
        self.findings.append(VersionFinding(self._parsed.place(*path), Level.ERROR, kind, message, suggestion))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The old topic's records of one meaning, and its subject's."""

    build: Callable[..., tuple[Conversion | None, tuple[VersionFinding, ...]]]
    """What makes conversions between schemas of this kind."""
    subjects: tuple[str, str]
    one: Any
    """The old schema, as records of this meaning have it."""
    target: Any
    narrow: _Convert
    """Checks that a whole record is such a one, and makes it one."""
    widen: _Convert = field(default=lambda body: body)
    """The other way."""

    def forth(
        self, parsed: ParsedFile[ConversionFile], *, implied: Mapping[str, StepShape], free: frozenset[str], **told: Any
    ) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
        """From the old topic to the subject, of narrowed records."""
        subject, _ = self.subjects
        return self.build(
            parsed, subject=subject, source=self.one, target=self.target, implied=implied, free=free, **told
        )

    def back(
        self, parsed: ParsedFile[ConversionFile], *, implied: Mapping[str, StepShape], **told: Any
    ) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
        """The other way."""
        _, subject = self.subjects
        made, found = self.build(parsed, subject=subject, source=self.target, target=self.one, implied=implied, **told)
        if made is None:
            return None, found
        inner, widen = made.convert, self.widen
        return replace(made, convert=lambda body: widen(inner(body))), found


def _pair(source: Revision, target: Revision, *, has: frozenset[str], lacks: frozenset[str]) -> _Pair:
    subjects = source.subject, target.subject
    if isinstance(source.schema, JsonSchema):
        assert isinstance(target.schema, JsonSchema)
        return _Pair(
            build=build_json_conversion,
            subjects=subjects,
            one=(source.version, narrowed_json(source.schema, has=has, lacks=lacks)),
            target=(target.version, target.schema),
            narrow=json_check(has=has, lacks=lacks),
        )
    wide = version_schema(source)
    one = narrowed(wide, has=has, lacks=lacks)
    return _Pair(
        build=build_conversion,
        subjects=subjects,
        one=one,
        target=version_schema(target),
        narrow=resolve_revision(wide, one, refusing=True),
        widen=resolve_revision(one, wide),
    )


def _narrowly(convert: _Convert, narrow: _Convert, *, file: str, told: str) -> _Convert:
    """A conversion of whole records from one of narrowed ones."""

    def converted(body: bytes) -> bytes:
        try:
            own = narrow(body)
        except ConversionFailed as failed:
            problem = f"it is not as records of type {told} are: {failed.problem}"
            raise ConversionFailed(problem=problem, field=failed.field, conversion=file) from failed
        return convert(own)

    return converted


def _type_in(source: Revision, by: str) -> Callable[[bytes], str | None]:
    """What reads the type from a bare body. A finding says so where there is no such field."""
    schema = source.schema
    reader = compile_avro_reader(schema, (by,)) if isinstance(schema, AvroSchema) else json_reader((by,), schema=schema)
    read, values = reader.read, reader.values

    def type_in(body: bytes) -> str | None:
        (said,) = values(read(body))
        return None if said is None else str(said)

    return type_in


def _fields(revision: Revision) -> Iterator[str]:
    """The names of its fields."""
    if revision.root is None:
        assert isinstance(revision.schema, JsonSchema)
        yield from revision.schema.resolve(revision.document)[0].get("properties", {})
    else:
        yield from (each.name for each in revision.root.fields)


def _record_of(revision: Revision, name: str) -> tuple[str, ...] | None:
    """The fields of the record that a field is; None where it is none."""
    if revision.root is None:
        assert isinstance(revision.schema, JsonSchema)
        root, _ = revision.schema.resolve(revision.document)
        here, _ = revision.schema.resolve(root.get("properties", {}).get(name, {}))
        return tuple(here["properties"]) if here.get("properties") else None
    node = next(each.type for each in revision.root.fields if each.name == name)
    inner = [each for each in node.branches if each.kind is not Kind.NULL] if node.kind is Kind.UNION else [node]
    record = inner[0] if len(inner) == 1 and inner[0].kind is Kind.RECORD else None
    return None if record is None else tuple(each.name for each in record.fields)


def _lifted(shape: BranchShape, source: Revision, target: Revision) -> dict[str, StepShape]:
    """Steps for what is taken from the record whose fields stand for the event's own."""
    if shape.lift is None:
        return {}
    inner, own = _record_of(source, shape.lift) or (), {*_fields(source)}
    return {
        each: StepShape(cel=f"{shape.lift}.{each}") for each in _fields(target) if each in inner and each not in own
    }
