"""Subjects with all their revisions and conversions, from texts that somebody else has read. Pure.

schemas/<subject>/subject.yaml     how its records say which revision wrote them
schemas/<subject>/v1.avsc          version 1 as it is written today: its newest revision
schemas/<subject>/v1.r1.avsc       the revisions of version 1 before that, oldest first; none where bodies are bare
schemas/<subject>/v1_to_v2.yaml    how a record of version 1 becomes one of version 2
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from router.errors import InvalidSchema
from router.exchange.model import Place
from router.language.findings import Level
from router.language.reading import read_shape
from router.records.field_type import Kind
from router.records.marks import Encoding
from router.records.schema import AvroSchema, JsonSchema, parse_avro, parse_json_schema
from router.versions.avro_nodes import AvroNode, parse_avro_nodes
from router.versions.canonical import fingerprint
from router.versions.conversion import Conversion
from router.versions.conversion_findings import VersionFinding, VersionKind, of_language
from router.versions.conversion_text import VersionSchema, load_conversion
from router.versions.json_conversion import load_json_conversion
from router.versions.subject_shapes import SubjectFile

__all__ = ["Encoding", "Mode", "Revision", "Subject", "load_conversions", "read_subjects"]

_FILE = re.compile(r"(?P<subject>[^/]+)/v(?P<version>[1-9]\d*)(\.r(?P<number>[1-9]\d*))?\.(?P<form>avsc|schema\.json)")


class Mode(StrEnum):
    """What a revision must be to the earlier ones of its version."""

    FULL = "full"
    BACKWARD = "backward"
    FORWARD = "forward"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Revision:
    """One text of one version's schema."""

    subject: str
    version: int
    number: int | None
    """Of an earlier revision; None for the newest, which has no number."""
    file: str
    schema: AvroSchema | JsonSchema
    root: AvroNode | None
    """None of a JSON Schema."""
    fingerprint: int
    """CRC-64-AVRO of the canonical form; 0 of a JSON Schema."""

    @property
    def name(self) -> str:
        """`v1`, `v1.r2`."""
        return f"v{self.version}" if self.number is None else f"v{self.version}.r{self.number}"

    @property
    def document(self) -> Mapping[str, Any]:
        """A JSON Schema's document."""
        return self.schema.document if isinstance(self.schema, JsonSchema) else {}


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject."""

    name: str
    encoding: Encoding = Encoding.BARE
    mode: Mode = Mode.FULL
    confluent_ids: Mapping[int, str] = field(default_factory=dict)
    """The name of a revision by the id of a registry."""
    mask: tuple[str, ...] = ()
    """Fields (dotted paths) and headers (`header:NAME`) that nobody is shown."""
    mask_key: bool = False
    """Nobody is shown its records' keys."""
    revisions: tuple[Revision, ...] = ()
    """By version, oldest first, so that each version's newest is the last of it."""

    @property
    def versions(self) -> tuple[int, ...]:
        """Its versions, lowest first."""
        return tuple(sorted({each.version for each in self.revisions}))

    def of_version(self, version: int) -> tuple[Revision, ...]:
        """A version's revisions, oldest first."""
        return tuple(each for each in self.revisions if each.version == version)

    def newest(self, version: int) -> Revision | None:
        """The revision that a version's readers read with."""
        return next((each for each in self.revisions if each.version == version and each.number is None), None)


def read_subjects(
    texts: Mapping[str, str], *, folder: str = "schemas"
) -> tuple[dict[str, Subject], tuple[VersionFinding, ...]]:
    """All subjects by name, and what is wrong with their files. `texts` are by path below the folder, which findings show."""
    findings: list[VersionFinding] = []
    revisions: dict[str, list[Revision]] = {}
    for path in sorted(texts):
        found = _FILE.fullmatch(path)
        if found is None:
            continue
        try:
            revision = _revision(found, path, texts[path])
        except InvalidSchema as error:
            place = Place(f"{folder}/{path}", 1, 1)
            findings.append(VersionFinding(place, Level.ERROR, VersionKind.INVALID_SCHEMA, error.problem))
        else:
            revisions.setdefault(found["subject"], []).append(revision)
    subjects = {}
    for name, each in revisions.items():
        ordered = tuple(sorted(each, key=lambda one: (one.version, one.number is None, one.number or 0)))
        subject, wrong = _subject(name, ordered, texts.get(f"{name}/subject.yaml"), folder=folder)
        subjects[name] = subject
        findings += wrong
    return subjects, tuple(findings)


def load_conversions(
    subject: Subject, texts: Mapping[str, str], *, folder: str = "schemas"
) -> tuple[dict[tuple[int, int], Conversion], tuple[VersionFinding, ...]]:
    """The conversions between a subject's adjacent versions, by source and target, and what is wrong with them.

    Where a version has no file and some field does not carry over by itself, the findings are warnings: nobody may need to
    convert it yet. Between Avro and JSON there are none.
    """
    newest = [each for each in map(subject.newest, subject.versions) if each is not None]
    conversions: dict[tuple[int, int], Conversion] = {}
    findings: list[VersionFinding] = []
    for one, other in pairwise(newest):
        for source, target in ((one, other), (other, one)):
            if not (_has_fields(source) or _has_fields(target)) or (source.root is None) is not (target.root is None):
                continue
            path = f"{subject.name}/{source.name}_to_{target.name}.yaml"
            conversion, found = _load(texts.get(path), source, target, file=f"{folder}/{path}")
            if conversion is not None:
                conversions[source.version, target.version] = conversion
            findings += found if path in texts else [_not_yet(each) for each in found]
    return conversions, tuple(findings)


def _has_fields(revision: Revision) -> bool:
    return revision.root.kind is Kind.RECORD if revision.root is not None else "properties" in revision.document


def _load(
    text: str | None, source: Revision, target: Revision, *, file: str
) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    subject = source.subject
    if isinstance(source.schema, JsonSchema) and isinstance(target.schema, JsonSchema):
        one, other = (source.version, source.schema), (target.version, target.schema)
        return load_json_conversion(text, subject=subject, file=file, source=one, target=other)
    return load_conversion(
        text, subject=subject, file=file, source=_version_schema(source), target=_version_schema(target)
    )


def _version_schema(revision: Revision) -> VersionSchema:
    assert isinstance(revision.schema, AvroSchema)
    assert revision.root is not None
    return VersionSchema(revision.version, revision.schema, revision.root)


def _not_yet(finding: VersionFinding) -> VersionFinding:
    message = f"the file is not there, and without it {finding.message}"
    return VersionFinding(finding.place, Level.WARNING, finding.kind, message, finding.suggestion)


def _revision(found: re.Match[str], path: str, text: str) -> Revision:
    number = int(found["number"]) if found["number"] else None
    if found["form"] == "avsc":
        root = parse_avro_nodes(text, file=path)
        schema: AvroSchema | JsonSchema = parse_avro(text, file=path)
        return Revision(found["subject"], int(found["version"]), number, path, schema, root, fingerprint(root))
    schema = parse_json_schema(text, file=path)
    return Revision(found["subject"], int(found["version"]), number, path, schema, None, 0)


def _subject(
    name: str, revisions: tuple[Revision, ...], text: str | None, *, folder: str
) -> tuple[Subject, list[VersionFinding]]:
    if text is None:
        return Subject(name, revisions=revisions), []
    file = f"{folder}/{name}/subject.yaml"
    parsed, found = read_shape(text, SubjectFile, file=file, fallback={})
    findings = list(map(of_language, found))
    if parsed is None:
        return Subject(name, revisions=revisions), findings
    ids: dict[int, str] = {}
    known = {each.name for each in revisions}
    for stated, revision in parsed.shape.confluent_ids.items():
        place, problem = parsed.key_place("confluent-ids", stated), ""
        if not stated.isdecimal() or int(stated) >= 1 << 31:
            problem = f"'{stated}' is no id of a registry: it is a whole number"
        elif revision not in known:
            problem = f"there is no revision '{revision}': there is {', '.join(sorted(known))}"
        if problem:
            findings.append(VersionFinding(place, Level.ERROR, VersionKind.INVALID_SUBJECT, problem))
        else:
            ids[int(stated)] = revision
    shape = parsed.shape
    for index, field_path in enumerate(shape.mask):
        if not field_path.startswith("header:") and not any(_has(each, field_path) for each in revisions):
            problem = f"no version of '{name}' has the field '{field_path}', which is to be masked"
            place = parsed.place("mask", index)
            findings.append(VersionFinding(place, Level.ERROR, VersionKind.INVALID_SUBJECT, problem))
    return Subject(
        name, Encoding(shape.encoding), Mode(shape.compatibility), ids, tuple(shape.mask), shape.mask_key, revisions
    ), findings


def _has(revision: Revision, path: str) -> bool:
    """Whether a dotted path leads anywhere in records of the revision; of a JSON Schema that may be open, it may."""
    if revision.root is None:
        return True
    here = [revision.root]
    for name in path.split("."):
        here = [inner for node in here for inner in _inside(node, name)]
    return bool(here)


def _inside(node: AvroNode, name: str) -> Iterator[AvroNode]:
    """What a step of a path leads to: through unions and into each item of a list, a record's field, a map's value."""
    match node.kind:
        case Kind.UNION | Kind.ARRAY:
            for branch in node.branches:
                yield from _inside(branch, name)
        case Kind.RECORD:
            yield from (each.type for each in node.fields if each.name == name)
        case Kind.MAP:
            yield node.items
        case _:
            return
