"""Every address of the console, once: its method, its path, who may use it, what it is asked with. Pure.

Pages and API are the same questions. A `Question` is answered at its path as a page, and below `/api/v1` as JSON. The server takes its
routes from this table, the OpenAPI document is made from it, and the test that asks for each role on each route walks it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from router.console.access import Role
from router.tables.questions import WrongQuestion

__all__ = ["API", "QUESTIONS", "Parameter", "Question", "check", "key_page", "link", "questions_by_name"]

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a question is asked with."""

    name: str
    meaning: str
    where: str = "query"
    """`query` or `path`."""
    schema: Mapping[str, Any] | None = None
    """As JSON Schema; None: any text."""


@dataclass(frozen=True, slots=True)
class Question:
    """One page, and the same as JSON."""

    name: str
    path: str
    summary: str
    parameters: Sequence[Parameter] = ()
    role: Role = Role.VIEWER
    template: str = ""
    """The page; empty where there is only the API."""
    answers: Sequence[str] = ()
    """What every answer has, by name."""
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    """What a POST carries."""
    stream: bool = False
    """It is answered as server-sent events, and has no JSON."""
    only_api: bool = False


def _number(least: int, most: int, default: int | None = None) -> Mapping[str, Any]:
    more = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": least, "maximum": most, **more}


_TEXT: Mapping[str, Any] = {"type": "string", "maxLength": 4096}
_TOPIC = Parameter("topic", "A topic's name.", "path", {"type": "string", "minLength": 1, "maxLength": 249})
_PARTITION = Parameter("partition", "A partition's number.", "path", _number(0, 1_000_000))
_OFFSET = Parameter("offset", "An offset.", "path", _number(0, 2**63 - 1))
_KEY = Parameter("key", "A record's key, as text.", schema=_TEXT)
_KEY_BASE64 = Parameter("key-base64", "The key's bytes, where they are no text.", schema=_TEXT)
_CEL = Parameter(
    "where", "A condition in CEL, as in a binding: over the record's fields, `headers` and `key`.", schema=_TEXT
)
_FROM = (
    Parameter("from", "Where to begin.", schema={"enum": ["newest", "oldest", "offset", "time"]}),
    Parameter("partition", "One partition only.", schema=_number(0, 1_000_000)),
    Parameter("offset", "With `from=offset`: in each partition.", schema=_number(0, 2**63 - 1)),
    Parameter("time", "With `from=time`: ISO 8601, without a zone in UTC.", schema=_TEXT),
    _KEY,
    _KEY_BASE64,
    _CEL,
)
_PICTURE = (
    Parameter("team", "What this team owns, with what feeds it and what it feeds.", schema=_TEXT),
    Parameter("subject", "Topics of this subject, likewise.", schema=_TEXT),
    Parameter("exchange", "This exchange, likewise.", schema=_TEXT),
    Parameter("near", "A topic, exchange or team, likewise.", schema=_TEXT),
    Parameter("q", "Part of a name, likewise.", schema=_TEXT),
    Parameter("group", "What is drawn as one.", schema={"enum": ["", "team", "subject", "none"]}),
)
_TABLE = (
    Parameter("source", "A broad topic that routes put in order.", "path", {"type": "string", "minLength": 1, "maxLength": 249}),
    Parameter("prefix", "Keys that begin so.", schema=_TEXT),
    Parameter("state", "Only keys that are so; several with commas: waiting, parked, overdue, late, idle, unreadable.", schema=_TEXT),
    Parameter("sort", "`waiting`: those first that have waited longest, of the keys that hold something.", schema={"enum": ["", "waiting"]}),
    Parameter("where", "A condition in CEL over the key's view: `holds`, `partition`, `last`, `conditions` and so on.", schema=_TEXT),
    Parameter("limit", "Keys of one page.", schema=_number(1, 1000, 50)),
    Parameter("cursor", "Where the page before ended.", schema=_TEXT),
)  # fmt: skip
_MESSAGE = (
    Parameter("topic", "The broad topic.", schema=_TEXT),
    Parameter("value", "JSON that states the fields that matter; empty for a record without a value.", schema=_TEXT),
    Parameter("key", "The record's key.", schema=_TEXT),
    Parameter("headers", "Headers, a line each: `name: value`.", schema=_TEXT),
    Parameter("at", "A record instead: topic/partition/offset.", schema=_TEXT),
)

_LETTERS = (
    Parameter("topic", "One topic of dead letters; none: all.", schema=_TEXT),
    Parameter("destination", "Only those of this consumer.", schema=_TEXT),
    Parameter("cause", "Only those of this cause.", schema={"type": "string", "pattern": "^([0-9a-f]{8})?$"}),
    Parameter("key", "Only those with this key.", schema=_TEXT),
)
_REASON = Parameter("reason", "Why, for those who read the audit later.", schema=_TEXT)
_RATE = Parameter("rate", "At most so many records a second.", schema={"type": "string", "pattern": "^[0-9]{0,6}$"})
_COMMAND = Parameter("command", "A command's id.", "path", {"type": "string", "minLength": 1, "maxLength": 32})
_NAME = Parameter(
    "name", "The topics' name without a version.", "path", {"type": "string", "minLength": 1, "maxLength": 249}
)
_VERSIONS = Parameter(
    "versions",
    "From which to which: `v1-v2`, `g1-g2`, `v1-split`.",
    "path",
    {"type": "string", "pattern": "^[vg][0-9]{1,6}-([vg][0-9]{1,6}|split)$"},
)
_PARKED = Parameter("topic", "A consumer's topic.", schema=_TEXT)
_ALL = Parameter("all", "`1`: all keys of the topic.", schema={"enum": ["", "1"]})
_DRY = Parameter(
    "dry-run", "`1`: say what would be done, and do nothing; then it needs no reason.", schema={"enum": ["", "1"]}
)
_DIGITS: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9]{0,18}$"}
_EDIT = (
    Parameter("at", "The dead letter: topic/partition/offset.", schema=_TEXT),
    Parameter("value", "Its new value, as JSON.", schema={"type": "string", "maxLength": 65_536}),
    Parameter("to", "The topic that gets it, instead of the one that failed.", schema=_TEXT),
)
_GROUP = (
    Parameter("group", "A consumer group.", schema=_TEXT),
    Parameter("topic", "A topic that it reads.", schema=_TEXT),
    Parameter("partition", "A partition of it.", schema=_DIGITS),
)
_SKIP = (
    *_GROUP,
    Parameter("offset", "The record that it is to leave out.", schema=_DIGITS),
    Parameter("mark", "`1`: tell consumers that read skip marks, while they run.", schema={"enum": ["", "1"]}),
)
_REPLAY = (
    Parameter("topic", "The consumer's topic.", schema=_TEXT),
    Parameter("from", "A time, an age such as 2h, or an offset of the broad topic.", schema=_TEXT),
    Parameter("until", "The same, as the end; none: all until now.", schema=_TEXT),
    Parameter("partition", "One partition of the broad topic only.", schema=_DIGITS),
    _KEY,
    Parameter("where", "Only records of which this CEL expression holds.", schema=_TEXT),
    Parameter("source", "The broad topic, where several lead to the consumer's.", schema=_TEXT),
)


def _form(*parameters: Parameter) -> Mapping[str, Any]:
    """A POST's body."""
    told = {each.name: {"type": "string", **(each.schema or {})} for each in parameters}
    return {
        "type": "object",
        "properties": told,
        "required": ["reason"] if "reason" in told and "dry-run" not in told else [],
    }


QUESTIONS: tuple[Question, ...] = (
    Question("overview", "/", "What is wrong, worst first, and the topology with what flows.", _PICTURE, template="overview.html"),
    Question("troubles", "/troubles", "What is wrong, worst first.", only_api=True),
    Question("flows", "/flows", "By topic what flows, who reads it and how far behind.", only_api=True),
    Question("workers", "/workers", "The group's workers, their lanes and their health.", template="workers.html"),
    Question("topics", "/topics", "The topics that routes know, and others.", (
        Parameter("q", "Part of a name.", schema=_TEXT),
        Parameter("role", "What it is to the router.", schema={
            "enum": ["", "source", "narrow", "unroutable", "dead-letters", "changelog", "repartition", "rejected", "parked", "other"],
        }),
        Parameter("team", "Whose it is.", schema=_TEXT),
    ), template="topics.html"),
    Question("topic", "/topics/{topic}", "A topic: its partitions, who feeds and who reads it.", (_TOPIC,), template="topic.html"),
    Question("records", "/topics/{topic}/records", "Records of a topic, decoded.", (
        _TOPIC, *_FROM, Parameter("limit", "At most so many.", schema=_number(1, 500, 50)),
    ), template="records.html"),
    Question("tail", "/topics/{topic}/tail", "Records as they come, or as they are found.", (_TOPIC, *_FROM), stream=True),
    Question("download", "/topics/{topic}/download", "Records as JSON, one a line.", (
        _TOPIC, *_FROM, Parameter("limit", "At most so many.", schema=_number(1, 10_000, 1000)),
    ), stream=True),
    Question("record", "/topics/{topic}/{partition}/{offset}", "One record, with the path that it came.", (
        _TOPIC, _PARTITION, _OFFSET,
    ), template="record.html"),
    Question("why", "/why", "Where a message goes, and why, and why not elsewhere.", _MESSAGE, template="why.html"),
    Question("proposed", "/why", "The same by today's routes and by proposed ones.", _MESSAGE, template="why.html", method="POST", body={
        "type": "object",
        "properties": {
            **{each.name: each.schema for each in _MESSAGE},
            "value": {"type": "string", "maxLength": 1_048_576},
            "file": {"type": "string", "maxLength": 4096, "description": "The route file that is written anew; a new name adds one."},
            "routes": {"type": "string", "maxLength": 1_048_576, "description": "Its text."},
        },
        "required": ["routes"],
    }),
    Question("find_key", "/keys", "Where a key is asked for.", (_KEY, _KEY_BASE64, Parameter(
        "look", "1: look for its records in the topics as well.", schema=_number(0, 1, 0),
    )), template="key.html"),
    Question("key", "/keys/{key}", "All that is known of one key, in time.", (
        Parameter("key", "A record's key, as text.", "path", {"type": "string", "minLength": 1, "maxLength": 4096}),
        Parameter("look", "1: look for its records in the topics as well.", schema=_number(0, 1, 0)),
    ), template="key.html"),
    Question("tables", "/tables", "The tables, and who owns their partitions.", template="tables.html"),
    Question("table", "/tables/{source}", "Keys of a table, of all workers.", _TABLE, template="table.html"),
    Question("export", "/tables/{source}/export", "Keys of a table, as JSON lines or CSV.", (
        *_TABLE, Parameter("as", "The form.", schema={"enum": ["json", "csv"]}),
    ), stream=True),
    Question("dead_letters", "/dead-letters", "What was set aside, by cause.", (
        Parameter("topic", "One topic of dead letters.", schema=_TEXT),
        Parameter("destination", "Only those of this consumer.", schema=_TEXT),
        Parameter("cause", "Only those of this cause.", schema={"type": "string", "pattern": "^([0-9a-f]{8})?$"}),
        _KEY,
    ), template="dead_letters.html"),
    Question("plan", "/dead-letters/redrive", "What a redrive would do; nothing is done.", _LETTERS, role=Role.OPERATOR, template="redrive.html"),
    Question("redrive", "/dead-letters/redrive", "Redrive dead letters: a worker does it, and audits who asked and why.", _LETTERS, role=Role.OPERATOR,
             method="POST", template="redrive.html", body=_form(*_LETTERS, _REASON, _RATE)),
    Question("command", "/commands/{command}", "How far a command is.", (_COMMAND,), role=Role.OPERATOR, template="command.html"),
    Question("stop", "/commands/{command}/stop", "End a command behind what is being sent.", (_COMMAND,), role=Role.OPERATOR, method="POST",
             template="command.html", body=_form()),
    Question("migrations", "/migrations", "Topics on their way to the next version of their schema.", template="migrations.html"),
    Question("migration", "/migrations/{name}/{versions}", "One migration: what is copied, who holds it up, each step with its evidence.",
             (_NAME, _VERSIONS), template="migration.html"),
    Question("parked", "/parked", "Keys that wait because one of their records was rejected.",
             (_PARKED, Parameter("cursor", "Where the page before ended.", schema=_TEXT)), template="parked.html"),
    Question("release", "/parked/release", "Let a parked key flow again.", role=Role.OPERATOR, method="POST", template="parked.html",
             body=_form(_PARKED, _KEY, _ALL, _REASON)),
    Question("give_up", "/parked/give-up", "Give up the record that parks a key.", role=Role.OPERATOR, method="POST", template="parked.html",
             body=_form(_PARKED, _KEY, _ALL, _REASON)),
    Question("skip_letters", "/dead-letters/skip", "Decide that dead letters are not sent: redrives leave them out.", _LETTERS, role=Role.OPERATOR,
             method="POST", only_api=True, body=_form(*_LETTERS, _DRY, _REASON)),
    Question("edit", "/dead-letters/edit", "Send one dead letter with another value.", _EDIT, role=Role.OPERATOR,
             method="POST", only_api=True, body=_form(*_EDIT, _DRY, _REASON)),
    Question("offsets", "/offsets", "Where a consumer group stands, and whether it is active.", _GROUP, role=Role.OPERATOR, only_api=True),
    Question("skip_record", "/offsets/skip", "Have a group read on behind a record that it cannot process.", _SKIP, role=Role.OPERATOR,
             method="POST", only_api=True, body=_form(*_SKIP, _DRY, _REASON)),
    Question("replay", "/replays", "Send one consumer a stretch of its broad topic once more.", _REPLAY, role=Role.OPERATOR,
             method="POST", only_api=True, body=_form(*_REPLAY, _DRY, _REASON)),
    Question("progress", "/replays/{command}", "How far a replay is.", (_COMMAND,), role=Role.OPERATOR, only_api=True),
)  # fmt: skip


_ANSWERS: Mapping[str, str] = {
    "overview": "look at kafka troubles flows routes picture names wish",
    "troubles": "look at kafka troubles",
    "flows": "look at kafka flows",
    "workers": "look at kafka workers",
    "topics": "look at kafka topics more roles teams asked",
    "topic": "look at kafka topic role team schema settings rate partitions feeds readers beside table",
    "records": "topic records looked whole unasked further partitions asked schema",
    "record": "record path deaths asks_why copies",
    "why": "sources files form problem today proposed findings",
    "proposed": "sources files form problem today proposed findings refused",
    "find_key": "key look found events unanswered looked problems index",
    "key": "key look found events unanswered looked problems index",
    "tables": "tables problem",
    "table": "source asked keys cursor unanswered lanes problem looked",
    "plan": "asked plan problem",
    "redrive": "command problem goes_to",
    "command": "command problem",
    "stop": "command problem goes_to",
    "migrations": "migrations problem",
    "migration": "migration problem",
    "parked": "asked keys cursor unanswered lanes problem",
    "release": "command problem goes_to",
    "give_up": "command problem goes_to",
    "skip_letters": "command plan problem goes_to",
    "edit": "command plan problem goes_to",
    "offsets": "asked standing problem",
    "skip_record": "command plan standing problem goes_to",
    "replay": "replay plan problem goes_to",
    "progress": "replay problem",
    "dead_letters": "topics asked causes deaths letters looked",
}
"""Top-level names of each answer, which tests compare with real ones."""
QUESTIONS = tuple(replace(each, answers=_ANSWERS.get(each.name, "").split()) for each in QUESTIONS)


def check(question: Question, given: Mapping[str, str]) -> None:
    """Whether all that is given is as its parameter says; one that is empty was not given. Raises WrongQuestion."""
    for parameter in question.parameters:
        text = given.get(parameter.name, "")
        problem = _problem(parameter.schema or {}, text) if text else ""
        if problem:
            raise WrongQuestion(parameter=parameter.name, value=text[:100], problem=problem)


def _problem(schema: Mapping[str, Any], text: str) -> str:
    if "enum" in schema:
        return "" if text in schema["enum"] else f"is none of {', '.join(filter(None, schema['enum']))}"
    if schema.get("type") == "integer":
        least, most = schema["minimum"], schema["maximum"]
        whole = text.isdecimal() and text.isascii() and len(text) <= 19
        return "" if whole and least <= int(text) <= most else f"is no whole number from {least} to {most}"
    if len(text) > schema.get("maxLength", len(text)):
        return f"is longer than {schema['maxLength']} letters"
    if "pattern" in schema and not re.fullmatch(schema["pattern"], text):
        return "is not written as it must be"
    return ""


def questions_by_name() -> dict[str, Question]:
    """All of them."""
    return {each.name: each for each in QUESTIONS}


def link(path: str, **parameters: object) -> str:
    """An address with these parameters; those that are empty are left out."""
    told = {
        name.rstrip("_").replace("_", "-"): str(value) for name, value in parameters.items() if value not in {None, ""}
    }
    return f"{path}?{urlencode(told)}" if told else path


def key_page(key: Mapping[str, Any]) -> str:
    """The page of a key, as `bytes_json` has it. One that a browser would take for a part of the path goes behind the question mark."""
    if "base64" in key:
        return link("/keys", key_base64=key["base64"])
    text = str(key["text"])
    plain = bool(text) and not set(text) <= {"."} and all(each.isalnum() or each in "-_.:~@" for each in text)
    return f"/keys/{quote(text, safe='')}" if plain and text.isascii() else f"/keys?{urlencode({'key': text})}"
