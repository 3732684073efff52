"""A stage whose subject `event` is split by its colour, and what is written to it and to what it is split into."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import fastavro

from support.migrating import MigratingStage
from support.stage import EVENT, EVENT_SCHEMA, encode

COLOURS = ("red", "green", "blue")
"""Those that have a meaning; grey has none."""
_NOTES = {"red": "note", "green": "remark", "blue": "note"}
"""The name of the note by colour."""
SCHEMAS: dict[str, dict[str, Any]] = {
    colour: {
        "type": "record", "name": colour.title(), "namespace": "tests",
        "fields": [EVENT["fields"][0], {"name": note, "type": "string"}],
    }
    for colour, note in _NOTES.items()
}  # fmt: skip
PARSED = {colour: fastavro.parse_schema(schema) for colour, schema in SCHEMAS.items()}
SPLIT = """
of: v1
by: colour
into:
  event.red.v1: {types: [red], has: [note]}
  event.green.v1: {types: [green], has: [note], fields: {remark: note}, back: {fields: {note: remark}}}
  event.blue.v1: {types: [blue], has: [note]}
else: dead-letter
"""


def former(number: int, colour: str, note: str) -> bytes:
    """An event's bytes in the topic that is split."""
    return encode(EVENT_SCHEMA, {"number": number, "colour": colour, "note": note})


def meant(number: int, colour: str, note: str) -> bytes:
    """An event's bytes in its colour's topic."""
    return encode(PARSED[colour], {"number": number, _NOTES[colour]: note})


def _read(value: bytes, schema: Any) -> Mapping[str, Any]:
    body = io.BytesIO(value)
    found: Any = fastavro.schemaless_reader(body, schema, None)
    assert not body.read(1), "bytes behind the value"
    return found  # type: ignore[no-any-return]  # a record of the schemas above


def note_of(value: bytes, colour: str = "") -> str:
    """The note of an event of a colour's topic, or of the one that is split."""
    if colour:
        return str(_read(value, PARSED[colour])[_NOTES[colour]])
    return str(_read(value, EVENT_SCHEMA)["note"])


class SplittingStage(MigratingStage):
    """With a subject for each of three colours."""

    def split(self, text: str = SPLIT) -> SplittingStage:
        """Write schemas, and how it is split."""
        for colour, schema in SCHEMAS.items():
            self.schema(f"event.{colour}", schema)
        (self.home / "schemas" / "event" / "split.yaml").write_text(text, encoding="utf-8")
        return self

    @property
    def colour_topics(self) -> list[str]:
        """The new topics, by their short names."""
        return [f"@event.{colour}.v1" for colour in COLOURS]

    def until_all_copied(self, *, within: float = 60.0, generation: int = 1) -> None:
        """Wait until the mirror has split all and joined all."""
        topics = [self.name(each) for each in ("@event.v1", *self.colour_topics)]
        self.until_copied(*topics, within=within, versions=f"v1-split-{generation}")

    def notes_in(self, colour: str = "") -> list[list[str]]:
        """The notes in a colour's topic, or in the one that is split, by partition and in order."""
        topic = f"@event.{colour}.v1" if colour else "@event.v1"
        return [[note_of(each.value, colour) for each in part] for part in self.read(topic)]
