"""`router schemas convert`: what becomes of one record in another version, step by step."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from router.commands.live import PLACE, read_record
from router.commands.schemas_texts import folder_texts
from router.errors import RouterError
from router.language.case_values import Misfit, encode_value
from router.language.findings import Level
from router.records.catalogue import Catalogue
from router.records.headers import Origin
from router.records.marks import marked_value
from router.records.revisions import decode_body
from router.settings import Settings
from router.versions.chain import Chain
from router.versions.conversion import Conversion
from router.versions.subjects import Revision, Subject, load_conversions, read_subjects
from router.versions.writer import revisions_of

__all__ = ["convert"]


@click.command()
@click.argument("subject")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--value", help="The record's value as JSON; what it leaves out is filled in. - reads it from stdin.")
@click.option("--at", type=PLACE, help="A live record instead, from the Kafka of ROUTER_BROKER.")
@click.option(
    "--schemas",
    type=click.Path(path_type=Path),
    default=Path("schemas"),
    show_default=True,
    help="The folder of the schemas.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
def convert(
    *, subject: str, source: str, target: str, value: str | None, at: Origin | None, schemas: Path, as_json: bool
) -> None:
    """Convert one record of SUBJECT from version FROM to version TO, and show each step.

    \b
      $ router schemas convert order.status v1 v2 --value '{"status": "money_refunded", "amount": 1250}'
      v1 to v2 (schemas/order.status/v1_to_v2.yaml)
        event_id      carried over  event_id    ""
        status        symbols       status …    "refunded"
        total.amount  expression    decimal(amount) * 0.01    "12.50"

    Over several versions all conversions on the way are shown, one after another.

    Exit status: 0 converted, 1 where the record or a conversion cannot be, 2 where something cannot be read.
    """
    if (value is None) == (at is None):
        raise click.UsageError("give either a --value or a place with --at")
    texts = folder_texts(schemas)
    subjects, _ = read_subjects(texts, folder=str(schemas))
    if subject not in subjects:
        raise click.UsageError(f"there is no subject '{subject}': there is {', '.join(sorted(subjects)) or 'none'}")
    known = subjects[subject]
    versions = _version(known, source), _version(known, target)
    conversions, findings = load_conversions(known, texts, folder=str(schemas))
    faults = [each for each in findings if each.level is Level.ERROR]
    try:
        chain = Chain.between(known, conversions, *versions)
        body = (
            _body(known, versions[0], value)
            if at is None
            else _live(known, versions[0], at, Catalogue.from_texts(texts))
        )
        shown = list(_steps(chain, known, body))
    except Misfit as misfit:
        raise click.ClickException(f"--value does not fit {source}: {misfit}") from misfit
    except RouterError as error:
        said = "".join(f"{each}\n" for each in faults)
        raise click.ClickException(f"{said}{error}") from error
    if as_json:
        click.echo(json.dumps({"subject": subject, "conversions": shown}, indent=2, ensure_ascii=False))
    else:
        for each in shown:
            _show(each)


def _version(subject: Subject, name: str) -> int:
    number = name.removeprefix("v")
    if not number.isdecimal() or int(number) not in subject.versions:
        there = ", ".join(f"v{each}" for each in subject.versions)
        raise click.UsageError(f"'{subject.name}' has no version '{name}': there is {there}")
    return int(number)


def _newest(subject: Subject, version: int) -> Revision:
    newest = subject.newest(version)
    if newest is None:
        raise click.UsageError(f"'{subject.name}' has revisions of v{version} and no v{version} itself")
    return newest


def _body(subject: Subject, version: int, value: str | None) -> bytes:
    text = click.get_text_stream("stdin").read() if value == "-" else value or "{}"
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--value is not JSON: {error}") from error
    return encode_value(_newest(subject, version).schema, stated)


def _live(subject: Subject, version: int, place: Origin, catalogue: Catalogue) -> bytes:
    found = catalogue.resolve(place.topic)
    if found is None or (found.subject, found.version) != (subject.name, version):
        raise click.UsageError(f"the records of '{place.topic}' are not v{version} of '{subject.name}'")
    record = read_record(Settings.from_environment(os.environ), place)
    if record.value is None:
        raise click.ClickException(f"the record at {place} has no value: a tombstone is the same in every version")
    revisions = revisions_of(subject, version)
    if revisions is None:
        return record.value
    # What an earlier revision wrote is shown as the newest reads it, which is what a conversion begins with.
    return revisions.body(marked_value(revisions.encoding, record.value, record.headers))


def _steps(chain: Chain, subject: Subject, body: bytes) -> list[dict[str, Any]]:
    shown = []
    for each in chain.conversions:
        before = _plain(_newest(subject, each.source), body)
        body = each.convert(body)
        after = _plain(_newest(subject, each.target), body)
        shown.append(_told(each, before, after))
    return shown


def _plain(revision: Revision, body: bytes) -> Any:
    return decode_body(revision.schema, body)


def _told(conversion: Conversion, before: Any, after: Any) -> dict[str, Any]:
    return {
        "from": f"v{conversion.source}",
        "to": f"v{conversion.target}",
        "file": conversion.file,
        "before": _jsonable(before),
        "steps": [
            {
                "field": step.path,
                "how": str(step.how),
                "of": step.told,
                "value": _jsonable(_at(after, step.path.split("."))),
            }
            for step in conversion.steps
        ],
        "after": _jsonable(after),
        "loses": list(conversion.loses),
    }


def _at(value: Any, names: list[str]) -> Any:
    """What a path leads to; of lists and maps, of each of them."""
    if not names:
        return value
    if isinstance(value, list):
        return [_at(each, names) for each in value]
    if isinstance(value, dict) and names[0] in value:
        return _at(value[names[0]], names[1:])
    if isinstance(value, dict):
        return {key: _at(each, names) for key, each in value.items()}
    return None


def _jsonable(value: Any) -> Any:
    match value:
        case dict():
            return {key: _jsonable(each) for key, each in value.items()}
        case list():
            return [_jsonable(each) for each in value]
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return value.hex()
    return str(value)


def _show(told: dict[str, Any]) -> None:
    click.secho(f"{told['from']} to {told['to']}" + (f" ({told['file']})" if told["file"] else ""), bold=True)
    rows = [
        (each["field"], each["how"], each["of"], json.dumps(each["value"], ensure_ascii=False))
        for each in told["steps"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else [0, 0, 0]
    for row in rows:
        click.echo("  " + "  ".join(text.ljust(width) for text, width in zip(row, (*widths, 0), strict=True)))
    if told["loses"]:
        click.echo(f"  loses {', '.join(told['loses'])}")
