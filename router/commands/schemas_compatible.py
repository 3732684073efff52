"""`router schemas compatible`: whether a reader's schema can read what a writer's wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from router.errors import ConfigError
from router.records.json_schema import parse_json_schema
from router.versions.avro_nodes import AvroNode, parse_avro_value
from router.versions.compatibility import Compatibility, Incompatibility, compatibility
from router.versions.json_compatibility import json_compatibility
from router.versions.value_changes import ValueChange, value_changes

__all__ = ["compatible"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("reader", type=_FILE, required=False)
@click.argument("writer", type=_FILE, required=False)
@click.option("--pairs", type=_FILE, help='A file of pairs, {"reader": …, "writer": …} a line, instead of two files.')
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
def compatible(*, reader: Path | None, writer: Path | None, pairs: Path | None, as_json: bool) -> None:
    """Say whether READER, a schema, can read all that was written with WRITER.

    By Avro's schema resolution, in the verdicts, types and places of its Java implementation; two files that end in .json are
    compared as JSON Schemas, where UNKNOWN is a verdict as well. Beside the verdict stands what Avro lets pass and what still
    changes values: a decimal's scale, a timestamp's unit.

    \b
      $ router schemas compatible schemas/order.status/v2.avsc schemas/order.status/v1.avsc
      INCOMPATIBLE
      /fields/5 READER_FIELD_MISSING_DEFAULT_VALUE the writer has no field 'total', and it has no default

    With --pairs one JSON object a line comes out, in the order of the lines; a line that is no pair gets an `error`.

    Exit status: 0 compatible, 1 not or not known, 2 where a schema cannot be read. With --pairs 0.
    """
    if pairs is not None:
        if reader is not None:
            raise click.UsageError("give either two files or --pairs")
        with pairs.open("rb") as lines:
            for line in lines:
                click.echo(json.dumps(_answer(line), ensure_ascii=False))
        return
    if reader is None or writer is None:
        raise click.UsageError("give READER and WRITER, or a file of --pairs")
    try:
        json_schemas = reader.name.endswith(".json") and writer.name.endswith(".json")
        compare = _compared_json if json_schemas else _compared
        found, changes = compare(_read(reader), _read(writer), names=(str(reader), str(writer)))
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(_to_json(found, changes), ensure_ascii=False))
    else:
        _show(found, changes)
    if not found.compatible:
        raise SystemExit(1)


_Found = tuple[Compatibility, tuple[ValueChange, ...]]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"'{path}' is not JSON: {error}") from error


def _answer(line: bytes) -> dict[str, Any]:
    """One line's answer. Whatever the line is, there is one."""
    try:
        stated = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"error": f"the line is not JSON: {error}"}
    if not isinstance(stated, dict) or not {"reader", "writer"} <= stated.keys():
        return {"error": 'the line is no pair: {"reader": …, "writer": …}'}
    try:
        found, changes = _compared(stated["reader"], stated["writer"], names=("reader", "writer"))
    except (ConfigError, RecursionError) as error:
        return {"error": str(error)}
    return _to_json(found, changes)


def _compared(reader: Any, writer: Any, *, names: tuple[str, str]) -> _Found:
    nodes: list[AvroNode] = [
        parse_avro_value(each, file=name) for each, name in zip((reader, writer), names, strict=True)
    ]
    found = compatibility(nodes[0], nodes[1])
    return found, value_changes(nodes[0], nodes[1])


def _compared_json(reader: Any, writer: Any, *, names: tuple[str, str]) -> _Found:
    for each, name in zip((reader, writer), names, strict=True):
        parse_json_schema(json.dumps(each), file=name)
    return json_compatibility(reader, writer), ()


def _to_json(found: Compatibility, changes: tuple[ValueChange, ...]) -> dict[str, Any]:
    def one(each: Incompatibility) -> dict[str, str]:
        return {"type": each.type, "location": each.location, "message": each.message, "field": each.field}

    said: dict[str, Any] = {
        "verdict": str(found.verdict),
        "compatible": found.compatible,
        "incompatibilities": [one(each) for each in found.incompatibilities],
        "warnings": [
            {"type": str(each.type), "location": each.location, "message": each.message, "field": each.field}
            for each in changes
        ],
    }
    if found.unknown:
        said["unknown"] = [
            {"location": each.location, "message": each.message, "field": each.field} for each in found.unknown
        ]
    return said


def _show(found: Compatibility, changes: tuple[ValueChange, ...]) -> None:
    click.secho(str(found.verdict), fg="green" if found.compatible else "red", bold=True)
    for each in found.incompatibilities:
        click.echo(f"{each.location} {each.type} {each.message}")
    for each in found.unknown:
        click.echo(f"{each.location} unknown: {each.message}")
    for change in changes:
        click.secho(f"{change.location} {change.type} {change.message}", fg="yellow")
