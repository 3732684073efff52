"""Conversions between JSON Schemas: from a text and two schemas to a Conversion, or to everything that is wrong with it. Pure.

The files are those of Avro's conversions, and so are the rules and the findings (`router.versions.conversion_text`). A record
is parsed whole, since JSON cannot be stepped over, and written by one generated function. What is carried over is not
validated; what an expression makes is, against the schema of its property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from router.errors import Unreadable
from router.exchange.model import Place
from router.language.cel.functions import Functions
from router.language.cel.regex import Re2
from router.language.cel.source import FAILURES
from router.language.findings import Level
from router.language.reading import ParsedFile, read_shape
from router.language.suggestions import did_you_mean
from router.records.json_reader import format_json, parse_json
from router.records.json_schema import JsonSchema
from router.versions.conversion import Conversion, failed_step
from router.versions.conversion_findings import VersionFinding, VersionKind, of_language
from router.versions.conversion_shapes import NULLABLE, ConversionFile, StepShape
from router.versions.encoding import ConversionFailed
from router.versions.json_steps import JsonBuilder
from router.versions.json_types import JsonType

__all__ = ["build_json_conversion", "load_json_conversion"]


def load_json_conversion(
    text: str | None, *, subject: str, file: str, source: tuple[int, JsonSchema], target: tuple[int, JsonSchema]
) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    """The conversion between two versions, and all findings in order of place; None where any of them is an error.

    Without a text every property must carry over by itself. Both schemas must be of objects with properties.
    """
    parsed: ParsedFile[ConversionFile] | None = None
    findings: list[VersionFinding] = []
    if text is not None:
        parsed, found = read_shape(text, ConversionFile, file=file, nullable=NULLABLE, fallback={})
        findings += map(of_language, found)
        if parsed is None:
            return None, tuple(findings)
    return build_json_conversion(parsed, found=findings, subject=subject, file=file, source=source, target=target)


def build_json_conversion(
    parsed: ParsedFile[ConversionFile] | None,
    *,
    found: Sequence[VersionFinding] = (),
    subject: str,
    file: str,
    source: tuple[int, JsonSchema],
    target: tuple[int, JsonSchema],
    names: tuple[str, str] | None = None,
    implied: Mapping[str, StepShape] | None = None,
    free: frozenset[str] = frozenset(),
) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    """The conversion that a part of a file says: `router.versions.conversion_text.build_conversion` says what is what."""
    findings = list(found)
    start = Place(file, 1, 1) if parsed is None or names is None else parsed.place()
    named = names or (f"v{source[0]}", f"v{target[0]}")
    one, other = (JsonType.of(schema, schema.document) for _, schema in (source, target))
    for each, name in zip((one, other), named, strict=True):
        if not each.properties:
            message = f"{name} of '{subject}' declares no properties"
            return None, (VersionFinding(start, Level.ERROR, VersionKind.INVALID_STEP, message),)
    builder = JsonBuilder(Functions(Re2()), parsed, start=start, versions=named)
    steps = {**(implied or {}), **({} if parsed is None else parsed.shape.fields)}
    name = builder.level(one, other, steps, at=("fields",), path="", to="")
    declared = [] if parsed is None else parsed.shape.loses
    findings += builder.findings
    if not findings:
        findings += _losses(builder, declared, one, parsed, start, told=(subject, named[1]), free=free)
    ordered = tuple(sorted(set(findings)))
    if any(each.level is Level.ERROR for each in ordered):
        return None, ordered
    convert, code = _link(builder, name, file=file)
    loses = tuple(sorted({*declared, *(each for each in builder.lost if each not in free)}))
    told = tuple(dict.fromkeys(builder.steps))
    return Conversion(
        subject, source[0], target[0], "" if parsed is None else file, told, loses, convert, code
    ), ordered


def _losses(
    builder: JsonBuilder,
    declared: list[str],
    root: JsonType,
    parsed: ParsedFile[ConversionFile] | None,
    start: Place,
    *,
    told: tuple[str, str],
    free: frozenset[str],
) -> Iterator[VersionFinding]:
    known = {*_paths(root, "", frozenset())}
    for number, path in enumerate(declared):
        if path not in known:
            assert parsed is not None, "nothing is declared without a file"
            message = f"there is no field '{path}' that could be lost"
            kind = VersionKind.UNKNOWN_FIELD
            place = parsed.place("loses", number)
            yield VersionFinding(place, Level.ERROR, kind, message, did_you_mean(path, known))
    for path, problem in builder.lost.items():
        if not any(path == each or path.startswith(f"{each}.") for each in (*declared, *free)):
            place = start if parsed is None else parsed.key_place("loses")
            hint = f"make something of it, or write it under loses: [{path!r}]"
            if parsed is None:
                hint = f"say in {start.file} what becomes of it, if only loses: [{path!r}]"
            message = f"'{path}' of '{told[0]}' is lost in {told[1]}: {problem}"
            yield VersionFinding(place, Level.ERROR, VersionKind.UNDECLARED_LOSS, message, hint)


def _paths(of: JsonType, path: str, inside: frozenset[int]) -> Iterator[str]:
    """All paths of an object's properties, and `*` for those that it does not declare; what it contains of itself, once."""
    found = of.object_within
    if found is None or id(found.here) in inside:
        return
    above = f"{path}." if path else ""
    yield f"{above}*"
    for name in found.properties:
        yield f"{above}{name}"
        yield from _paths(found.property(name), f"{above}{name}", inside | {id(found.here)})


def _link(builder: JsonBuilder, name: str, *, file: str) -> tuple[Callable[[bytes], bytes], str]:
    """The function from bytes to bytes that a builder's functions make, and its source text."""
    space = dict(builder.globals) | {"CAUGHT": (*FAILURES, ConversionFailed), "failed": failed_step}
    text = "\n".join(builder.texts)
    exec(compile(text, f"<{file or 'conversion'}>", "exec"), space)  # noqa: S102 # all of it was written here, from parsed schemas
    make: Callable[[Any], Any] = space[name]

    def convert(value: bytes) -> bytes:
        record = parse_json(value)
        try:
            return format_json(make(record))
        except ConversionFailed as failed:
            raise ConversionFailed(problem=failed.problem, field=failed.field, conversion=file) from failed
        except KeyError as missing:
            raise Unreadable(field=str(missing.args[0]), position=-1, problem="it is required, and not there") from None
        except (TypeError, AttributeError):
            raise Unreadable(field="", position=-1, problem="it is not what its schema says") from None

    return convert, text
