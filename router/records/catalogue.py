"""The catalogue: every subject's schema versions, from texts that somebody else has read.

A topic's name carries subject and version, `<prefix.>subject.vN`: `vip.order.status.v2` is version 2 of the longest subject
that the name before `.v2` ends with, word by word: `order.status`, though there be a `status`. A generation behind it
(`vip.order.status.v2.g2`) changes nothing of what its records are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from router.errors import InvalidSchema
from router.records.conversion import NoConversion, ValueConversion
from router.records.generations import generation_of
from router.records.revisions import Revisions
from router.records.schema import Schema, parse_avro, parse_json_schema
from router.records.splitting import NoSplit, ValueSplit

__all__ = ["Catalogue", "SubjectVersion"]

_FILE = re.compile(r"(?P<subject>[^/]+)/v(?P<version>[1-9][0-9]*)\.(?P<form>avsc|schema\.json)")
_TOPIC = re.compile(r"(?P<name>.+)\.v(?P<version>[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class SubjectVersion:
    """One version of a subject."""

    subject: str
    version: int
    schema: Schema
    file: str
    """Where its schema stands, relative to the catalogue's folder."""
    revisions: Revisions | None = field(default=None, compare=False, repr=False)
    """Where its records say which revision of it wrote them; None where their bodies are bare."""

    def __str__(self) -> str:
        return f"{self.subject}.v{self.version}"


def _no_conversion(subject: str, source: int, target: int) -> ValueConversion:
    raise NoConversion(subject=subject, source=source, target=target)


def _no_split(subject: str) -> ValueSplit:
    raise NoSplit(subject=subject)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All subjects and their versions."""

    versions: Mapping[tuple[str, int], SubjectVersion]
    faults: tuple[InvalidSchema, ...] = ()
    """What is wrong with schemas that could not be taken in, in the order of their files. Their versions are missing."""
    conversion: Callable[[str, int, int], ValueConversion] = field(default=_no_conversion, compare=False, repr=False)
    """From one version of a subject to another. Raises NoConversion."""
    split: Callable[[str], ValueSplit] = field(default=_no_split, compare=False, repr=False)
    """How a subject is split into several. Raises NoSplit."""

    @classmethod
    def from_texts(
        cls,
        texts: Mapping[str, str],
        conversion: Callable[[str, int, int], ValueConversion] = _no_conversion,
        revisions: Mapping[tuple[str, int], Revisions] | None = None,
        faults: Sequence[InvalidSchema] = (),
    ) -> Catalogue:
        """The catalogue of `<subject>/v<N>.avsc` and `<subject>/v<N>.schema.json`; other paths are not schemas.

        `revisions` are of the versions whose records are not bare, `faults` what is wrong besides with other files.
        """
        versions: dict[tuple[str, int], SubjectVersion] = {}
        known = revisions or {}
        found_faults = []
        for path in sorted(texts):
            found = _FILE.fullmatch(path)
            if found is None:
                continue
            key = found["subject"], int(found["version"])
            if key in versions:
                found_faults.append(InvalidSchema(file=path, problem=f"'{versions[key].file}' is the same version"))
                continue
            parse = parse_avro if found["form"] == "avsc" else parse_json_schema
            try:
                schema: Schema = parse(texts[path], file=path)
            except InvalidSchema as error:
                found_faults.append(error)
            else:
                versions[key] = SubjectVersion(*key, schema=schema, file=path, revisions=known.get(key))
        told = {each.file for each in found_faults}
        found_faults += [each for each in faults if each.file not in told]
        return cls(versions, tuple(sorted(found_faults, key=lambda each: each.file)), conversion)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The names of all subjects, sorted."""
        return tuple(sorted({subject for subject, _ in self.versions}))

    def get(self, subject: str, version: int) -> SubjectVersion | None:
        """One version of a subject, if the catalogue has it."""
        return self.versions.get((subject, version))

    def versions_of(self, subject: str) -> tuple[int, ...]:
        """A subject's versions, lowest first."""
        return tuple(sorted(version for name, version in self.versions if name == subject))

    def resolve(self, topic: str) -> SubjectVersion | None:
        """What the records of a topic are, by its name; None where the longest subject that fits has no such version."""
        found = _TOPIC.fullmatch(generation_of(topic)[0])
        if found is None:
            return None
        subjects = set(self.subjects)
        words = found["name"].split(".")
        for start in range(len(words)):
            subject = ".".join(words[start:])
            if subject in subjects:
                return self.get(subject, int(found["version"]))
        return None
