"""`router where`: try an expression before it stands in a route file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from router.commands.folders import schemas_option
from router.commands.live import PLACE, read_record
from router.errors import InvalidSchema, RouterError, Unreadable
from router.language.case_values import Misfit, encode_value
from router.language.cel.cases import answer_case
from router.language.cel.environment import Environment
from router.language.cel.facts import Facts
from router.language.cel.plain import header_texts
from router.language.cel.problems import InvalidWhere, WhereProblem
from router.language.cel.regex import Re2
from router.language.cel.trial import Trial, try_out
from router.records.catalogue import SubjectVersion
from router.records.headers import Origin
from router.records.revisions import Revisions, decode_body, decode_record
from router.records.schema import AvroSchema, JsonSchema, parse_avro, parse_json_schema
from router.settings import Settings
from router.versions.catalogue import read_catalogue

__all__ = ["where"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("expression", required=False)
@click.option(
    "--value", help="The record's value as JSON; with a schema, what it leaves out is filled in. - reads it from stdin."
)
@click.option("--schema", type=_FILE, help="The schema of the record: .avsc, or .json for JSON Schema.")
@click.option("--key", default="", help="The record's key.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; may be given several times.")
@click.option("--at", type=PLACE, help="A live record instead, from the Kafka of ROUTER_BROKER.")
@schemas_option("The catalogue that has a live record's schema, unless --schema says it.")
@click.option("--cases", type=_FILE, help="A file of cases, one JSON object a line, instead of one expression.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def where(
    *,
    expression: str | None,
    value: str | None,
    schema: Path | None,
    key: str,
    headers: tuple[str, ...],
    at: Origin | None,
    schemas: Path,
    cases: Path | None,
    as_json: bool,
) -> None:
    """Try EXPRESSION, as `where` in a binding has it: its type, what it reads of a record, and its value.

    \b
        router where 'amount > 1000000 && country == "RU"' --value '{"amount": 5, "country": "RU"}'
        router where 'customer.emial != null' --schema schemas/order.status/v1.avsc
        router where 'headers["source"] == "web"' --at order.status.v1/0/4711
        router where --cases cases.jsonl

    A line of --cases has `expr`, and may have `bindings` (typed values by name), `type_env` and `disable_check`; for each
    line one is printed, `{"value": …}` or `{"error": …}`, in the same order.
    """
    if cases is not None:
        if expression is not None:
            raise click.UsageError("give either an EXPRESSION or --cases")
        for answer in _answers(cases):
            click.echo(json.dumps(answer, ensure_ascii=False))
        return
    if expression is None:
        raise click.UsageError("give an EXPRESSION, or a file of --cases")
    read = _schema(schema)
    record = None
    if at is not None:
        if value is not None or key or headers:
            raise click.UsageError("give either a record with --at, or its --value, --key and --header")
        known = None if read is not None else _version_of(at, schemas)
        read = known.schema if known is not None else read
        record = _live(at, read, None if known is None else known.revisions)
    elif value is not None or key or headers:
        record = (_plain(value, read), _headers(headers), key)
    try:
        trial = try_out(expression, Environment.of_schema(read), engine=Re2(), record=record)
    except InvalidWhere as invalid:
        _show_problems(expression, invalid, as_json=as_json)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(_to_json(trial), ensure_ascii=False))
    else:
        _show(trial)
    if trial.failure:
        sys.exit(1)


def _answers(cases: Path) -> Iterator[dict[str, Any]]:
    engine = Re2()
    with cases.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                case = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield {"error": f"the line is not JSON: {error}"}
                continue
            yield answer_case(case, engine=engine)


def _schema(path: Path | None) -> AvroSchema | JsonSchema | None:
    if path is None:
        return None
    try:
        text = path.read_text()
        return parse_avro(text, file=str(path)) if path.suffix == ".avsc" else parse_json_schema(text, file=str(path))
    except InvalidSchema as error:
        raise click.ClickException(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error


def _version_of(place: Origin, schemas: Path) -> SubjectVersion | None:
    """What the catalogue says of the topic; without either, the value is JSON."""
    try:
        return read_catalogue(schemas).resolve(place.topic) if schemas.is_dir() else None
    except RouterError as error:
        raise click.ClickException(str(error)) from error


def _live(
    place: Origin, schema: AvroSchema | JsonSchema | None, revisions: Revisions | None
) -> tuple[Any, dict[str, str], str]:
    """What an expression sees of the record at a place."""
    try:
        record = read_record(Settings.from_environment(os.environ), place)
        if record.value is None:
            raise click.ClickException(f"the record at {place} has no value: no condition is asked of a tombstone")
        value = decode_record(record, schema, revisions)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"the value at {place} is not JSON: {error}; --schema names its schema") from error
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    key = b"" if record.key is None else record.key
    return value, header_texts(record.headers), key.decode(errors="surrogateescape")


def _plain(value: str | None, schema: AvroSchema | JsonSchema | None) -> Any:
    """The plain value that a decoder would give of a record that states this."""
    text = click.get_text_stream("stdin").read() if value == "-" else value or "{}"
    try:
        stated = json.loads(text)
        return decode_body(schema, encode_value(schema, stated))
    except Misfit as misfit:
        hint = f": {misfit.suggestion}" if misfit.suggestion else ""
        raise click.ClickException(f"--value does not fit the schema: {misfit}{hint}") from misfit
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"--value is not JSON: {error}") from error
    except Unreadable as error:
        raise click.ClickException(str(error)) from error


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [header.partition("=") for header in given]
    for name, sign, _ in pairs:
        if not (name and sign):
            raise click.UsageError(f"a header is NAME=VALUE, not '{name}'")
    return {name: value for name, _, value in pairs}


def _to_json(trial: Trial) -> dict[str, Any]:
    facts = trial.facts
    reads = {
        "paths": list(facts.paths),
        "whole": list(facts.whole),
        "headers": None if facts.all_headers else list(facts.headers),
        "key": facts.key,
    }
    found: dict[str, Any] = {"type": trial.type, "reads": reads}
    if trial.failure:
        return found | {"error": trial.failure}
    return found if trial.value is None else found | {"value": trial.value}


def _show(trial: Trial) -> None:
    click.echo(f"type   {trial.type}")
    click.echo(f"reads  {', '.join(_reads(trial.facts)) or 'nothing of the record'}")
    if trial.failure:
        click.echo(f"fails  {trial.failure}: the binding would not match")
    elif trial.value is not None:
        click.echo(f"value  {_readable(trial.value)}")


def _reads(facts: Facts) -> Iterator[str]:
    yield from facts.paths
    yield from (f"{name} (whole)" if name else "the whole record" for name in facts.whole)
    yield from ("all headers",) if facts.all_headers else (f"header {name}" for name in facts.headers)
    if facts.key:
        yield "the key"


def _readable(typed: Any) -> str:
    """A typed value as its plain JSON, as far as JSON goes."""

    def plain(typed: Any) -> Any:
        match typed["t"], typed["v"]:
            case "list", items:
                return [plain(each) for each in items]
            case "map", entries:
                return {str(plain(key)): plain(each) for key, each in entries}
            case "optional", inner:
                return inner and plain(inner)
        return typed["v"]

    return json.dumps(plain(typed), ensure_ascii=False)


def _show_problems(expression: str, invalid: InvalidWhere, *, as_json: bool) -> None:
    if as_json:
        problems = [
            {"line": each.line, "column": each.column, "message": each.message, "suggestion": each.suggestion}
            for each in invalid.problems
        ]
        click.echo(json.dumps({"error": str(invalid), "problems": problems}, ensure_ascii=False))
        return
    for problem in invalid.problems:
        for line in _pointed(expression, problem):
            click.echo(line, err=True)


def _pointed(expression: str, problem: WhereProblem) -> Iterator[str]:
    """The line at fault with a caret under the place; a long line is cut around it."""
    lines = expression.split("\n")
    line = lines[problem.line - 1] if problem.line <= len(lines) else ""
    start = max(0, problem.column - 60)
    yield line[start : start + 100].replace("\t", " ")
    yield " " * (problem.column - 1 - start) + "^"
    yield str(problem)
