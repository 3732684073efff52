"""The catalogue of a folder, with the conversions between its versions. Pure but for the one function that reads it.

A conversion is compiled when it is first asked for: most commands, and most workers, need none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from router.language.findings import Level
from router.records.catalogue import Catalogue
from router.records.catalogue_files import read_catalogue_texts
from router.records.conversion import NoConversion, ValueConversion
from router.versions.chain import Chain
from router.versions.conversion import Conversion
from router.versions.subjects import Encoding, load_conversions, read_subjects

__all__ = ["new_catalogue", "read_catalogue"]


def read_catalogue(directory: Path) -> Catalogue:
    """The catalogue that a folder holds; `InvalidSchema` where it cannot be read at all.

    Schemas that are read but not sound are in the catalogue's `faults`.
    """
    return new_catalogue(read_catalogue_texts(directory))


def new_catalogue(texts: Mapping[str, str]) -> Catalogue:
    """The catalogue of schemas and conversions, by their paths in the folder."""
    return Catalogue.from_texts(texts, _conversions(texts), _told(texts))


def _told(texts: Mapping[str, str]) -> dict[str, str]:
    """The encodings of subjects that have a subject.yaml."""
    named = {path.partition("/")[0] for path in texts if path.endswith("/subject.yaml")}
    subjects, _ = read_subjects({path: text for path, text in texts.items() if path.partition("/")[0] in named})
    return {name: str(each.encoding) for name, each in subjects.items() if each.encoding is not Encoding.BARE}


def _conversions(texts: Mapping[str, str]) -> Callable[[str, int, int], ValueConversion]:
    """Compiles each once."""

    @cache
    def conversion(name: str, source: int, target: int) -> ValueConversion:
        subjects, _ = read_subjects({path: text for path, text in texts.items() if path.startswith(f"{name}/")})
        subject = subjects.get(name)
        if subject is None:
            raise NoConversion(subject=name, source=source, target=target)
        if subject.encoding is not Encoding.BARE:
            problem = f"workers convert bare records only, and those of this subject are {subject.encoding}"
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
        return ValueConversion(
            subject=name,
            source=source,
            target=target,
            files=tuple(each.file for each in chain.conversions if each.file),
            text="\n".join(text for each in chain.conversions for text in _texts(texts, each)),
            convert=chain.convert if len(chain.conversions) > 1 else chain.conversions[0].convert,
        )

    return conversion


def _texts(texts: Mapping[str, str], conversion: Conversion) -> Iterator[str]:
    name = conversion.subject
    files = (
        f"v{conversion.source}.avsc",
        f"v{conversion.source}_to_v{conversion.target}.yaml",
        f"v{conversion.target}.avsc",
    )
    return (texts.get(f"{name}/{file}", "") for file in files)
