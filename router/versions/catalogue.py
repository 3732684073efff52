"""The catalogue of a folder, with the conversions between its versions. Pure but for the one function that reads it.

A conversion is compiled when it is first asked for: most commands, and most workers, need none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from router.errors import InvalidSchema
from router.language.findings import Level
from router.records.catalogue import Catalogue
from router.records.catalogue_files import read_catalogue_texts
from router.records.conversion import NoConversion, ValueConversion
from router.records.marks import Encoding, marked_value
from router.records.record import Record
from router.records.revisions import Revisions
from router.records.splitting import Branch, NoSplit, ValueSplit
from router.versions.chain import Chain
from router.versions.conversion import Conversion
from router.versions.splits import SPLIT, load_split
from router.versions.subjects import Subject, load_conversions, read_subjects
from router.versions.writer import revisions_of

__all__ = ["new_catalogue", "read_catalogue"]

_FORMS = ("avsc", "schema.json")


def read_catalogue(directory: Path) -> Catalogue:
    """The catalogue that a folder holds; `InvalidSchema` where it cannot be read at all.

    Schemas that are read but not sound are in the catalogue's `faults`.
    """
    return new_catalogue(read_catalogue_texts(directory))


def new_catalogue(texts: Mapping[str, str]) -> Catalogue:
    """The catalogue of schemas and conversions, by their paths in the folder."""
    subjects, faults = _marked(texts)
    revisions = {
        (name, version): found
        for name, subject in subjects.items()
        for version in subject.versions
        if (found := revisions_of(subject, version)) is not None
    }
    catalogue = Catalogue.from_texts(texts, _conversions(texts, revisions), revisions, faults)
    return replace(catalogue, split=_splits(texts, revisions))


def _marked(texts: Mapping[str, str]) -> tuple[dict[str, Subject], list[InvalidSchema]]:
    """The subjects that have a subject.yaml, and what keeps their records from being read."""
    named = {path.partition("/")[0] for path in texts if path.endswith("/subject.yaml")}
    own = {path: text for path, text in texts.items() if path.partition("/")[0] in named}
    subjects, findings = read_subjects(own)
    faults = [
        InvalidSchema(file=each.place.file.partition("/")[2], problem=each.message)
        for each in findings
        if each.level is Level.ERROR
    ]
    for name, subject in subjects.items():
        faults += [InvalidSchema(file=f"{name}/subject.yaml", problem=each) for each in _unmarked(subject)]
    return subjects, faults


def _unmarked(subject: Subject) -> Iterator[str]:
    """Why records of a subject could not say which revision wrote them."""
    json = next((each.file for each in subject.revisions if each.root is None), None)
    if json is not None and subject.encoding in {Encoding.SINGLE_OBJECT, Encoding.HEADER}:
        yield f"'encoding: {subject.encoding}' is for Avro, whose schemas have fingerprints: {json} has none"


def _conversions(
    texts: Mapping[str, str], revisions: Mapping[tuple[str, int], Revisions]
) -> Callable[[str, int, int], ValueConversion]:
    """Compiles each once."""

    @cache
    def conversion(name: str, source: int, target: int) -> ValueConversion:
        subjects, _ = read_subjects({path: text for path, text in texts.items() if path.startswith(f"{name}/")})
        subject = subjects.get(name)
        if subject is None:
            raise NoConversion(subject=name, source=source, target=target)
        made = revisions.get((name, target))
        if made is not None and made.mark is None:
            problem = (
                f"'confluent-ids' in schemas/{name}/subject.yaml has no id for v{target}, with which it is written"
            )
            raise NoConversion(subject=name, source=source, target=target, problem=problem)
        conversions, findings = load_conversions(subject, texts)
        try:
            chain = Chain.between(subject, conversions, source, target)
        except NoConversion as error:
            file = f"schemas/{name}/v{error.source}_to_v{error.target}.yaml"
            wrong = next((each for each in findings if each.level is Level.ERROR and each.place.file == file), None)
            if wrong is None:
                raise
            problem = f"{wrong.place} {wrong.message} (`router schemas check` tells all)"
            raise NoConversion(subject=name, source=error.source, target=error.target, problem=problem) from error
        bare = chain.convert if len(chain.conversions) > 1 else chain.conversions[0].convert
        text = "\n".join(text for each in chain.conversions for text in _texts(texts, each))
        given = revisions.get((name, source))
        if given is not None and made is not None:
            text += f"\n{given.encoding} {given.facts} {made.mark!r}"
        return ValueConversion(
            subject=name,
            source=source,
            target=target,
            files=tuple(each.file for each in chain.conversions if each.file),
            text=text,
            convert=_of_marked(bare, given, made),
            header=made.mark if made is not None and made.in_header else None,
        )

    return conversion


def _splits(texts: Mapping[str, str], revisions: Mapping[tuple[str, int], Revisions]) -> Callable[[str], ValueSplit]:
    """Compiles each once."""

    def way(conversion: Conversion, one: tuple[str, int], other: tuple[str, int], text: str) -> ValueConversion:
        given, made = revisions.get(one), revisions.get(other)
        if made is not None and made.mark is None:
            problem = f"'confluent-ids' in schemas/{other[0]}/subject.yaml has no id for v{other[1]}, with which it is written"
            raise NoSplit(subject=one[0], problem=problem)
        marks = [f"{each.encoding} {each.facts} {each.mark!r}" for each in (given, made) if each is not None]
        return ValueConversion(
            subject=one[0],
            source=one[1],
            target=other[1],
            files=(conversion.file,),
            text="\n".join((text, *marks)),
            convert=_of_marked(conversion.convert, given, made),
            header=made.mark if made is not None and made.in_header else None,
        )

    @cache
    def split(name: str) -> ValueSplit:
        subjects, _ = read_subjects(texts)
        found, findings = load_split(name, subjects, texts)
        if found is None:
            wrong = next((each for each in findings if each.level is Level.ERROR), None)
            told = "" if wrong is None else f"{wrong.place} {wrong.message} (`router schemas check` tells all)"
            raise NoSplit(subject=name, problem=told)
        source = name, found.version
        own = [texts[f"{name}/{SPLIT}"], *_schema_texts(texts, *source)]
        branches = []
        for each in found.meanings:
            target = each.subject, each.version
            text = "\n".join((*own, *_schema_texts(texts, *target)))
            forth = way(each.forth, source, target, text)
            back = None if each.back is None else way(each.back, target, source, text)
            branches.append(Branch(each.subject, each.version, each.types, forth, back))
        given = revisions.get(source)
        return ValueSplit(
            subject=name,
            version=found.version,
            by=found.by,
            otherwise=found.otherwise,
            branches=tuple(branches),
            file=found.file,
            type_of=_type_of(found.type_in, given),
        )

    return split


def _type_of(type_in: Callable[[bytes], str | None], given: Revisions | None) -> Callable[[Record], str | None]:
    def type_of(record: Record) -> str | None:
        assert record.value is not None, "a record without a value has no type"
        if given is None:
            return type_in(record.value)
        return type_in(given.body(marked_value(given.encoding, record.value, record.headers)))

    return type_of


def _schema_texts(texts: Mapping[str, str], name: str, version: int) -> Iterator[str]:
    return (texts.get(f"{name}/v{version}.{form}", "") for form in _FORMS)


def _of_marked(
    bare: Callable[[bytes], bytes], given: Revisions | None, made: Revisions | None
) -> Callable[[bytes], bytes]:
    """A conversion of bare bodies as one of values that say which revision wrote them; the same for bare ones."""
    if given is None and made is None:
        return bare
    body = given.body if given is not None else _as_it_is
    mark = b"" if made is None or made.mark is None or made.in_header else made.mark
    return lambda value: mark + bare(body(value))


def _as_it_is(value: bytes) -> bytes:
    return value


def _texts(texts: Mapping[str, str], conversion: Conversion) -> Iterator[str]:
    name = conversion.subject
    between = f"v{conversion.source}_to_v{conversion.target}.yaml"
    files = [between, *(f"v{each}.{form}" for each in (conversion.source, conversion.target) for form in _FORMS)]
    return (texts.get(f"{name}/{file}", "") for file in files)
