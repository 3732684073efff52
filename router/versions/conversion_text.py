"""From a conversion's text and two schemas to a Conversion, or to everything that is wrong with it. Pure.

What it says is checked against both schemas at once: each field of the target is made, of something whose type fits; each
field of the source is used, or declared as lost. So a conversion that loads converts every record, but for values that an
expression cannot make, and loses nothing that nobody wrote down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from router.errors import InvalidSchema
from router.exchange.model import Place
from router.language.cel.functions import Functions
from router.language.cel.regex import Re2
from router.language.findings import Level
from router.language.reading import ParsedFile, read_shape
from router.language.suggestions import did_you_mean
from router.records.field_type import Kind
from router.records.schema import AvroSchema, parse_avro
from router.versions.avro_nodes import AvroNode, parse_avro_nodes
from router.versions.carrying import Carrier
from router.versions.conversion import Conversion, Converted, link
from router.versions.conversion_findings import VersionFinding, VersionKind, of_language
from router.versions.conversion_shapes import NULLABLE, ConversionFile, StepShape
from router.versions.conversion_steps import Builder, record_within

__all__ = ["VersionSchema", "build_conversion", "load_conversion", "parse_version", "resolve_revision"]


@dataclass(frozen=True, slots=True)
class VersionSchema:
    """One version's Avro schema, as reading and as comparing see it."""

    version: int
    schema: AvroSchema
    root: AvroNode

    @property
    def name(self) -> str:
        """`v1`."""
        return f"v{self.version}"


def parse_version(text: str, *, version: int, file: str) -> VersionSchema:
    """A version of a schema's text; raises InvalidSchema."""
    return VersionSchema(version, parse_avro(text, file=file), parse_avro_nodes(text, file=file))


def load_conversion(
    text: str | None, *, subject: str, file: str, source: VersionSchema, target: VersionSchema
) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    """The conversion, and all findings in order of place; None where any of them is an error.

    Without a text every field must carry over by itself. Both schemas must be records.
    """
    parsed: ParsedFile[ConversionFile] | None = None
    findings: list[VersionFinding] = []
    if text is not None:
        parsed, found = read_shape(text, ConversionFile, file=file, nullable=NULLABLE, fallback={})
        findings += map(of_language, found)
        if parsed is None:
            return None, tuple(findings)
    return build_conversion(parsed, found=findings, subject=subject, file=file, source=source, target=target)


def build_conversion(
    parsed: ParsedFile[ConversionFile] | None,
    *,
    found: Sequence[VersionFinding] = (),
    subject: str,
    file: str,
    source: VersionSchema,
    target: VersionSchema,
    names: tuple[str, str] | None = None,
    implied: Mapping[str, StepShape] | None = None,
    free: frozenset[str] = frozenset(),
) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    """The conversion that a part of a file says, and all findings, those that were `found` before among them.

    `names` are what people call the two sides, if not by their versions. `implied` are steps for fields of which the file says
    nothing, `free` fields of the source that need not be used and are no loss.
    """
    findings = list(found)
    start = Place(file, 1, 1) if parsed is None or names is None else parsed.place()
    named = names or (source.name, target.name)
    for each, name in zip((source, target), named, strict=True):
        if each.root.kind is not Kind.RECORD:
            return None, (_error(start, VersionKind.INVALID_STEP, f"{name} of '{subject}' is no record"),)
    carrier = Carrier()
    builder = Builder(carrier, source.schema, Functions(Re2()), parsed, start=start, versions=named)
    steps = {**(implied or {}), **({} if parsed is None else parsed.shape.fields)}
    name = builder.level(source.root, target.root, steps, at=("fields",), path="", to="")
    declared = [] if parsed is None else parsed.shape.loses
    findings += builder.findings
    if not findings:
        findings += _losses(builder, declared, source.root, parsed, start, told=(subject, named[1]), free=free)
    ordered = tuple(sorted(set(findings)))
    if any(each.level is Level.ERROR for each in ordered):
        return None, ordered
    convert, code = link(carrier, name, file=file)
    order = {path: number for number, path in enumerate(_paths(target.root, "", frozenset()))}
    parts = sorted(builder.parts, key=lambda part: order.get(part.path, len(order)))
    told = tuple(dict.fromkeys(Converted(part.path, part.how, part.told) for part in parts))
    loses = tuple(sorted({*declared, *(each for each in builder.lost if each not in free)}))
    return (
        Conversion(subject, source.version, target.version, "" if parsed is None else file, told, loses, convert, code),
        ordered,
    )


def resolve_revision(
    source: VersionSchema, target: VersionSchema, *, refusing: bool = False
) -> Callable[[bytes], bytes]:
    """From one revision of a version to another, by Avro's resolution: what was dropped since is dropped.

    Raises InvalidSchema where a field of the target cannot be made. With `refusing`, only where it can be made of no record:
    the function then raises ConversionFailed for a value that the target's stricter type does not have.
    """
    carrier = Carrier(refusing=refusing)
    start = Place(target.schema.file, 1, 1)
    builder = Builder(carrier, source.schema, Functions(Re2()), None, start=start, versions=(source.name, target.name))
    name = builder.level(source.root, target.root, {}, at=(), path="", to="")
    for finding in builder.findings:
        raise InvalidSchema(file=target.schema.file, problem=f"it cannot read {source.schema.file}: {finding.message}")
    return link(carrier, name, file=target.schema.file)[0]


def _losses(
    builder: Builder,
    declared: list[str],
    root: AvroNode,
    parsed: ParsedFile[ConversionFile] | None,
    start: Place,
    *,
    told: tuple[str, str],
    free: frozenset[str],
) -> Iterator[VersionFinding]:
    known = set(_paths(root, "", frozenset()))
    for number, path in enumerate(declared):
        if path not in known:
            assert parsed is not None
            place = parsed.place("loses", number)
            message = f"there is no field '{path}' that could be lost"
            yield _error(place, VersionKind.UNKNOWN_FIELD, message, did_you_mean(path, known))
    for path, problem in builder.lost.items():
        if not any(path == each or path.startswith(f"{each}.") for each in (*declared, *free)):
            place = start if parsed is None else parsed.key_place("loses")
            hint = f"make something of it, or write it under loses: [{path}]"
            if parsed is None:
                hint = f"say in {start.file} what becomes of it, if only loses: [{path}]"
            yield _error(
                place, VersionKind.UNDECLARED_LOSS, f"'{path}' of '{told[0]}' is lost in {told[1]}: {problem}", hint
            )


def _paths(node: AvroNode, path: str, inside: frozenset[int]) -> Iterator[str]:
    """All paths of a record's fields; what it contains of itself is not entered again."""
    record = record_within(node)
    if record is None or id(record) in inside:
        return
    for each in record.fields:
        here = f"{path}.{each.name}" if path else each.name
        yield here
        yield from _paths(each.type, here, inside | {id(record)})


def _error(place: Place, kind: VersionKind, message: str, suggestion: str = "") -> VersionFinding:
    return VersionFinding(place, Level.ERROR, kind, message, suggestion)
