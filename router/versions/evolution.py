"""Whether subjects changed as they may, against a state before: what is committed, or another folder. Pure.

Within a version only what its readers and records bear: see docs/versions.md. What a record's bytes cannot tell, its version
must: where bodies are bare, any change of the canonical form needs the next version, since a reader that has the new schema
would read old bytes by it without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from router.errors import ConfigError
from router.exchange.model import Place
from router.language.findings import Level
from router.versions.compatibility import Compatibility, Incompatibility, compatibility
from router.versions.conversion_findings import VersionFinding, VersionKind
from router.versions.json_compatibility import json_compatibility
from router.versions.subjects import Encoding, Mode, Revision, Subject
from router.versions.value_changes import value_changes

__all__ = ["Violation", "check_evolution", "compare"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A finding, with the field that it is about, so that it can be said whom it would break."""

    finding: VersionFinding
    subject: str
    version: int
    field: str = ""
    """Dotted path; empty where the whole record is meant."""


def compare(reader: Revision, writer: Revision) -> Compatibility:
    """Whether one revision's readers can read what the other wrote; both of one format. Raises AmbiguousField."""
    if reader.root is not None and writer.root is not None:
        return compatibility(reader.root, writer.root)
    return json_compatibility(reader.document, writer.document)


def check_evolution(
    now: Mapping[str, Subject], before: Mapping[str, Subject], *, folder: str = "schemas"
) -> tuple[Violation, ...]:
    """What must not be, in order of subject and version."""
    found: list[Violation] = []
    for name in sorted(before):
        for version in before[name].versions:
            was = before[name].newest(version)
            if was is not None:
                found += _version(now.get(name), before[name], was, folder)
    return tuple(found)


def _version(subject: Subject | None, before: Subject, was: Revision, folder: str) -> Iterator[Violation]:
    newest = None if subject is None else subject.newest(was.version)
    if subject is None or newest is None:
        place = Place(f"{folder}/{was.file}", 1, 1)
        message = f"{was.name} of '{was.subject}' was deleted: its records may still be there"
        yield _violation(was, place, Level.WARNING, VersionKind.DELETED_VERSION, message)
        return
    place = Place(f"{folder}/{newest.file}", 1, 1)
    if (newest.root is None) is not (was.root is None):
        message = f"{was.name} of '{was.subject}' was in another format: that is another version"
        yield _violation(was, place, Level.ERROR, VersionKind.BREAKING_CHANGE, message)
        return
    changed = newest.fingerprint != was.fingerprint or (newest.root is None and newest.document != was.document)
    if changed and newest.root is not None and subject.encoding is Encoding.BARE:
        next_version = max(subject.versions) + 1
        message = (
            f"{was.name} of '{was.subject}' has changed, and nothing in its records says which revision wrote them"
        )
        hint = f"keep {newest.file} as it was, and make v{next_version}.avsc"
        yield _violation(was, place, Level.ERROR, VersionKind.BARE_CHANGE, message, suggestion=hint)
    elif newest.root is not None and subject.encoding is not Encoding.BARE:
        yield from _lost(subject, before, was, place)
    earlier = [each for each in before.of_version(was.version) if each.fingerprint or each is was]
    for each in earlier if changed else [was]:
        yield from _pair(subject, newest, each, place)


def _lost(subject: Subject, before: Subject, was: Revision, place: Place) -> Iterator[Violation]:
    kept = {each.fingerprint for each in subject.of_version(was.version)}
    for each in before.of_version(was.version):
        if each.fingerprint not in kept:
            number = 1 + max((one.number or 0 for one in subject.of_version(was.version)), default=0)
            message = f"the revision that was {each.file} is gone, and records that it wrote could not be read"
            hint = f"keep its text as {each.subject}/v{each.version}.r{number}.avsc"
            yield _violation(was, place, Level.ERROR, VersionKind.LOST_REVISION, message, suggestion=hint)


def _pair(subject: Subject, newest: Revision, was: Revision, place: Place) -> Iterator[Violation]:
    directions = {
        Mode.BACKWARD: (newest, was, f"readers of {newest.name} cannot read what {was.name} wrote"),
        Mode.FORWARD: (was, newest, f"readers of {was.name} as it was cannot read what is written now"),
    }
    for mode, (reader, writer, words) in directions.items():
        if subject.mode not in {Mode.FULL, mode}:
            continue
        try:
            result = compare(reader, writer)
        except ConfigError as error:
            yield _violation(newest, place, Level.ERROR, VersionKind.BREAKING_CHANGE, f"{words}: {error}")
            continue
        for each in result.incompatibilities:
            yield _breaking(newest, place, each, words)
        for each in result.unknown:
            message = (
                f"it cannot be said whether {words.replace(' cannot read', ' can read')}: {_where(each)}{each.message}"
            )
            yield _violation(newest, place, Level.WARNING, VersionKind.UNKNOWN_COMPATIBILITY, message, field=each.field)
    if newest.root is not None and was.root is not None:
        for change in value_changes(newest.root, was.root):
            message = f"{change.type} at {change.location}: {change.message}"
            yield _violation(newest, place, Level.ERROR, VersionKind.VALUE_CHANGE, message, field=change.field)


def _breaking(newest: Revision, place: Place, found: Incompatibility, words: str) -> Violation:
    message = f"{words}: {found.type} {_where(found)}{found.message}"
    return _violation(newest, place, Level.ERROR, VersionKind.BREAKING_CHANGE, message, field=found.field)


def _where(found: Incompatibility) -> str:
    return f"at {found.location}: "


def _violation(
    of: Revision,
    place: Place,
    level: Level,
    kind: VersionKind,
    message: str,
    *,
    field: str = "",
    suggestion: str = "",
) -> Violation:
    return Violation(VersionFinding(place, level, kind, message, suggestion), of.subject, of.version, field)
