"""`router schemas convert`: what becomes of one record in another version, step by step."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from router.commands.folders import schemas_option
from router.commands.live import PLACE, read_record
from router.commands.schemas_texts import folder_texts
from router.errors import RouterError
from router.language.case_values import Misfit, encode_value
from router.language.findings import Level
from router.records.catalogue import Catalogue
from router.records.headers import Origin
from router.records.marks import marked_value
from router.records.revisions import decode_body
from router.records.splitting import Otherwise
from router.settings import Settings
from router.versions.chain import Chain
from router.versions.conversion import Conversion
from router.versions.conversion_findings import VersionFinding
from router.versions.splits import Meaning, Split, load_splits
from router.versions.subjects import Revision, Subject, load_conversions, read_subjects
from router.versions.writer import revisions_of

__all__ = ["convert"]

_SPLIT = "split"
_OTHERWISE = {
    Otherwise.DEAD_LETTER: "it becomes a dead letter",
    Otherwise.KEEP: "it stays in the old topic, and goes nowhere else",
    Otherwise.REFUSE: "nothing of its partition goes on until somebody names it",
}


@click.command()
@click.argument("subject")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--value", help="The record's value as JSON; what it leaves out is filled in. - reads it from stdin.")
@click.option("--at", type=PLACE, help="A live record instead, from the Kafka of ROUTER_BROKER.")
@schemas_option("The folder of the schemas.")
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

    Over several versions all conversions on the way are shown, one after another. Where split.yaml says what is behind a field,
    TO may be `split`: the record goes where its type says. The way back is from the subject to the one that was split:

    \b
      $ router schemas convert refund.update v1 split --value '{"type": "money_refunded", "money_refunded": {"amount": 5}}'
      type 'money_refunded' is refund.paid.v1
      refund.update.v1 to refund.paid.v1 (schemas/refund.update/split.yaml)
        …
      $ router schemas convert refund.paid v1 refund.update.v1 --value '{"amount": 5}'

    Exit status: 0 converted, 1 where the record or a conversion cannot be, 2 where something cannot be read.
    """
    if (value is None) == (at is None):
        raise click.UsageError("give either a --value or a place with --at")
    texts = folder_texts(schemas)
    subjects, _ = read_subjects(texts, folder=str(schemas))
    if subject not in subjects:
        raise click.UsageError(f"there is no subject '{subject}': there is {', '.join(sorted(subjects)) or 'none'}")
    known = subjects[subject]
    if target == _SPLIT or "." in target:
        number = _version(known, source)
        ways = _Ways(subjects, *load_splits(subjects, texts, folder=str(schemas)))
        shown = _converted(lambda: ways.shown(known, number, target, _given(known, number, value, at, texts)), source)
        _print(subject, shown, as_json=as_json)
        return
    versions = _version(known, source), _version(known, target)
    conversions, findings = load_conversions(known, texts, folder=str(schemas))
    faults = [each for each in findings if each.level is Level.ERROR]

    def steps() -> list[dict[str, Any]]:
        chain = Chain.between(known, conversions, *versions)
        return list(_steps(chain, known, _given(known, versions[0], value, at, texts)))

    _print(subject, _converted(steps, source, faults), as_json=as_json)


def _converted(
    make: Callable[[], list[dict[str, Any]]], source: str, faults: Sequence[VersionFinding] = ()
) -> list[dict[str, Any]]:
    try:
        return make()
    except Misfit as misfit:
        raise click.ClickException(f"--value does not fit {source}: {misfit}") from misfit
    except RouterError as error:
        said = "".join(f"{each}\n" for each in faults)
        raise click.ClickException(f"{said}{error}") from error


def _print(subject: str, shown: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"subject": subject, "conversions": shown}, indent=2, ensure_ascii=False))
    else:
        for each in shown:
            _show(each)


def _given(subject: Subject, version: int, value: str | None, at: Origin | None, texts: Mapping[str, str]) -> bytes:
    """The bare body that is converted."""
    if at is None:
        return _body(subject, version, value)
    return _live(subject, version, at, Catalogue.from_texts(texts))


class _Ways:
    """The ways between a subject that is split and those that it is split into."""

    def __init__(
        self, subjects: Mapping[str, Subject], splits: Mapping[str, Split], findings: Sequence[VersionFinding]
    ) -> None:
        self._subjects = subjects
        self._splits = splits
        self._faults = [each for each in findings if each.level is Level.ERROR]

    def shown(self, subject: Subject, version: int, target: str, body: bytes) -> list[dict[str, Any]]:
        """The one step of a record to `split`, to a meaning's subject, or from there to the one that is split. Raises RouterError."""
        split = self._splits.get(subject.name)
        if split is not None and split.version == version:
            return [self._forth(split, target, body)]
        name = f"{subject.name}.v{version}"
        for each in self._splits.values():
            for meaning in each.meanings:
                if meaning.name == name and target == f"{each.subject}.v{each.version}":
                    return [self._back(each, meaning, body)]
        said = "".join(f"{each}\n" for each in self._faults)
        raise click.ClickException(f"{said}no split.yaml leads from {name} to '{target}'")

    def _forth(self, split: Split, target: str, body: bytes) -> dict[str, Any]:
        said, meaning = split.meaning_of(body)
        if meaning is None:
            told = "nothing" if said is None else f"'{said}'"
            raise click.ClickException(
                f"field '{split.by}' says {told}, which {split.file} does not name: {_OTHERWISE[split.otherwise]}"
            )
        if target not in {_SPLIT, meaning.name}:
            raise click.ClickException(f"type '{said}' is {meaning.name}, and not {target}")
        ends = f"{split.subject}.v{split.version}", meaning.name
        told_steps = self._told(meaning.forth, ends, body)
        return {"type": said, **told_steps}

    def _back(self, split: Split, meaning: Meaning, body: bytes) -> dict[str, Any]:
        if meaning.back is None:
            raise click.ClickException(
                f"{split.file} says `back: none`: nothing of {meaning.name} gets to the old topic"
            )
        return self._told(meaning.back, (meaning.name, f"{split.subject}.v{split.version}"), body)

    def _told(self, conversion: Conversion, ends: tuple[str, str], body: bytes) -> dict[str, Any]:
        one, other = (self._newest(each) for each in ends)
        told = _told(conversion, _plain(one, body), _plain(other, conversion.convert(body)))
        return {**told, "from": ends[0], "to": ends[1]}

    def _newest(self, name: str) -> Revision:
        subject, _, version = name.rpartition(".v")
        return _newest(self._subjects[subject], int(version))


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
    if "type" in told:
        click.echo(f"type '{told['type']}' is {told['to']}")
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
