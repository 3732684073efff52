"""Tables of all workers as one: the list, an export, and everything about one key, in time."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from router.console.browsing import Found, From, Wanted
from router.console.showing import place_of
from router.console.sight import Absent, Answer, Parameters, Sight
from router.errors import RouterError
from router.failure.dialects import read_deaths
from router.language.cel.environment import Environment
from router.language.cel.failure import WhereFailed
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2
from router.language.cel.where import Where, compile_where
from router.language.topics import TopicRole
from router.tables.questions import WrongQuestion, key_in, read_list, read_number
from router.tables.view import bytes_json, instant

__all__ = ["CSV_COLUMNS", "export", "key", "table", "tables"]

_MOST_SORTED = 5_000
_MOST_PAGES = 40
_PASSED_ON = ("prefix", "prefix-base64", "state", "cursor")
_LOOKED = 2_000
"""Newest records of a topic that are looked through for a key, where nobody asks for more."""
_LOOKED_MORE = 20_000
_HISTORY = "200"
CSV_COLUMNS = (
    "key", "key_base64", "partition", "conditions", "last", "expects", "holds", "missing", "since", "deadline", "active", "given_up",
)  # fmt: skip


async def tables(sight: Sight, _: Parameters) -> Answer:
    """The tables, and who owns which partition."""
    status, body = await sight.workers.api(sight.watching.urls, "/api/tables", {})
    snapshot = sight.watching.snapshot
    told = [{**each, "held": snapshot.held.get(str(each.get("source")), (0.0, 0.0))} for each in body.get("tables", ())]
    return {"tables": told, "problem": None if status == 200 else dict(body)}


async def table(sight: Sight, parameters: Parameters) -> Answer:
    """A page of a table's keys. Raises WrongQuestion, Absent."""
    source = parameters["source"]
    question = read_list(parameters)
    limit = read_number(parameters, "limit", default=50, least=1, most=1_000)
    where = _condition(parameters.get("where", ""))
    sort = parameters.get("sort", "")
    if sort not in {"", "waiting"}:
        raise WrongQuestion(parameter="sort", value=sort, problem="is none of: waiting")
    asked = {name: parameters.get(name, "") for name in ("prefix", "state", "sort", "where", "limit")}
    answer: Answer = {
        "source": source,
        "asked": asked,
        "keys": [],
        "cursor": None,
        "unanswered": [],
        "lanes": [],
        "problem": None,
        "cut": False,
    }
    if sort == "waiting":
        told = dict(parameters) | ({} if question.conditions else {"state": "waiting"})
        keys, last, cut = await _gathered(sight, source, told, where, most=_MOST_SORTED)
        keys.sort(key=lambda each: (each.get("since") is None, each.get("since") or ""))
        answer |= {**last, "keys": keys[:limit], "cursor": None, "cut": cut or len(keys) > limit}
        return answer
    told = dict(parameters) | {"limit": str(limit)}
    keys, last, cut = await _gathered(sight, source, told, where, most=limit, pages=_MOST_PAGES if where else 4)
    answer |= {**last, "keys": keys, "cut": cut}
    return answer


async def _gathered(
    sight: Sight, source: str, parameters: Parameters, where: Where | None, *, most: int, pages: int = _MOST_PAGES
) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    """Keys that are meant, page by page until there are enough; what the last page said; and whether there may be more."""
    keys: list[dict[str, Any]] = []
    unanswered: dict[int, Any] = {}
    lanes: dict[int, Any] = {}
    cursor: str | None = parameters.get("cursor", "")
    for _ in range(pages):
        told = {name: parameters[name] for name in _PASSED_ON if parameters.get(name)} | {
            "limit": str(min(1_000, most - len(keys)))
        }
        told |= {"cursor": cursor} if cursor else {}
        status, body = await sight.workers.api(sight.watching.urls, f"/api/tables/{_quoted(source)}/keys", told)
        if status != 200:
            return keys, _refused(status, body, source), False
        keys += [each for each in body["keys"] if where is None or _holds(where, each)]
        unanswered |= {each["partition"]: each for each in body["unanswered"]}
        lanes |= {each["partition"]: each for each in body["lanes"]}
        cursor = body["cursor"]
        if cursor is None or len(keys) >= most:
            break
    last = {"cursor": cursor, "unanswered": list(unanswered.values()), "lanes": list(lanes.values())}
    return keys, last, cursor is not None


def _refused(status: int, body: Mapping[str, Any], source: str) -> dict[str, Any]:
    if status == 404:
        raise Absent(str(body.get("message", f"there is no table of '{source}'")))
    if status == 400:
        raise WrongQuestion(parameter="question", value="", problem=str(body.get("message", "was not understood")))
    return {"problem": dict(body), "cursor": None, "unanswered": [], "lanes": []}


def _quoted(source: str) -> str:
    # A topic's name has letters, digits and these; what has others leads nowhere, and to no other path of a worker.
    if not all(each.isalnum() or each in "._-" for each in source) or not source.isascii() or set(source) <= {"."}:
        raise Absent(f"there is no table of '{source}'")
    return source


def _condition(text: str) -> Where | None:
    if not text.strip():
        return None
    try:
        return compile_where(text, Environment.of_schema(None), engine=Re2())
    except InvalidWhere as invalid:
        raise WrongQuestion(parameter="where", value=text, problem=f"cannot be asked: {invalid}") from invalid


def _holds(where: Where, view: Mapping[str, Any]) -> bool:
    key_of = view.get("key") or {}
    try:
        return where.evaluate(value=dict(view), headers={}, key=str(key_of.get("text", key_of.get("base64", ""))))
    except (WhereFailed, ValueError):
        return False


async def export(sight: Sight, parameters: Parameters) -> AsyncIterator[str]:
    """All keys that are meant: JSON, one a line, or CSV with a heading. What did not answer is told in a last line of its own."""
    source = parameters["source"]
    as_csv = parameters.get("as", "json") == "csv"
    read_list(parameters)
    where = _condition(parameters.get("where", ""))
    cursor: str | None = ""
    silent: dict[int, Any] = {}
    begun = False
    while cursor is not None:
        told = {**parameters, "cursor": cursor, "limit": "1000"}
        keys, last, _ = await _gathered(sight, source, told, where, most=1_000, pages=1)
        if as_csv and not begun:
            yield _csv(CSV_COLUMNS)
        begun = True
        for each in keys:
            yield _csv(_row(each)) if as_csv else json.dumps(each, ensure_ascii=False) + "\n"
        cursor = last["cursor"]
        silent |= {each["partition"]: each for each in last["unanswered"]}
        if last.get("problem"):
            silent[-1] = last["problem"]
    if silent and as_csv:
        yield _csv([f"# not whole: {each.get('message')}" for each in silent.values()])
    elif silent:
        yield json.dumps({"unanswered": list(silent.values())}, ensure_ascii=False) + "\n"


def _row(view: Mapping[str, Any]) -> list[str]:
    def text(value: Any) -> str:
        joined = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        # A spreadsheet takes such a cell for a formula.
        return f"'{joined}" if joined.startswith(("=", "+", "-", "@", "\t", "\r")) else joined

    key_of = view["key"]
    return [text(key_of.get("text")), text(key_of.get("base64")), *(text(view.get(name)) for name in CSV_COLUMNS[2:])]


def _csv(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


async def key(sight: Sight, parameters: Parameters) -> Answer:
    """Everything about one key, in time. Without a key, nothing."""
    wanted = key_in({name: parameters[name] for name in ("key", "key-base64") if parameters.get(name)}, "key")
    look = bool(read_number(parameters, "look", default=0, least=0, most=1))
    if wanted is None:
        return {"key": None, "look": look, "found": [], "events": [], "unanswered": [], "looked": [], "problems": []}
    ordered = sorted(name for name, each in sight.today.route_set.sources.items() if each.order is not None)
    tables_ = await asyncio.gather(*(_in_table(sight, source, wanted) for source in ordered))
    looked = await _in_topics(sight, wanted, look=look)
    events = [event for told in (*tables_, looked) for event in told["events"]]
    events.sort(
        key=lambda each: (each["at"] or "", _RANKS.get(each["kind"], len(_RANKS)), each["topic"], each["offset"])
    )
    return {
        "key": bytes_json(wanted),
        "look": look,
        "found": [each for told in tables_ for each in told["found"]],
        "events": events,
        "unanswered": [each for told in tables_ for each in told["unanswered"]],
        "looked": looked["looked"],
        "problems": [each for told in (*tables_, looked) for each in told["problems"]],
    }


async def _in_table(sight: Sight, source: str, wanted: bytes) -> dict[str, Any]:
    shown = bytes_json(wanted)
    asked = {"key": shown["text"]} if "text" in shown else {"key-base64": shown["base64"]}
    status, body = await sight.workers.api(
        sight.watching.urls, f"/api/tables/{source}/key", {**asked, "history": _HISTORY}
    )
    told: dict[str, Any] = {"found": [], "events": [], "unanswered": [], "problems": []}
    if status == 200:
        for each in body["found"]:
            told["found"].append(
                {"source": source, **{name: value for name, value in each.items() if name != "history"}}
            )
            history = each.get("history") or {"changes": [], "problem": "", "whole": True, "begins": 0}
            told["found"][-1]["history"] = {name: history[name] for name in ("whole", "begins", "problem")}
            for change in history["changes"]:
                told["events"].append({
                    "at": change["at"], "what": change["what"], "kind": "table", "topic": source, "partition": each["partition"],
                    "offset": change["offset"], "page": "",
                })  # fmt: skip
        told["unanswered"] = [{"source": source, **each} for each in body["unanswered"]]
    elif status == 503 and body.get("reason") == "undecided":
        told["unanswered"] = [{"source": source, **each} for each in body["unanswered"]]
    elif status != 404:
        told["problems"].append(
            {"where": source, **{name: str(body.get(name, "")) for name in ("message", "what_to_do")}}
        )
    return told


async def _in_topics(sight: Sight, wanted: bytes, *, look: bool) -> dict[str, Any]:
    """Records with this key: in what was set aside, always; in broad and narrow topics, and deeper, where that is asked for."""
    plans = sight.today.plans
    aside = {TopicRole.DEAD_LETTERS, TopicRole.UNROUTABLE, TopicRole.REJECTED}
    roles = aside | ({TopicRole.SOURCE, TopicRole.NARROW} if look else set())
    told: dict[str, Any] = {"events": [], "looked": [], "problems": []}
    try:
        counts = await sight.kafka.partition_counts()
        names = [name for name, plan in plans.items() if plan.role in roles and name in counts]
        found = await asyncio.gather(*(_look(sight, name, wanted, deep=look) for name in names))
    except RouterError as error:
        told["problems"].append({"where": "Kafka", "message": str(error), "what_to_do": "see whether the brokers run"})
        return told
    for name, one in zip(names, found, strict=True):
        told["looked"].append({"topic": name, "records": one.looked, "whole": one.whole})
        for record in one.records:
            deaths = read_deaths(record.headers)
            role = plans[name].role
            died = deaths[-1].last if deaths else None
            at = record.timestamp if died is None else died
            what = f"died of {deaths[-1].reason}" if deaths else _WORDS[role]
            told["events"].append({
                "at": instant(at) if at >= 0 else None, "what": what, "kind": role.value, "topic": name,
                "partition": record.partition, "offset": record.offset, "page": f"/topics/{place_of(record)}",
            })  # fmt: skip
    return told


_RANKS: Mapping[str, int] = {TopicRole.SOURCE: 0, "table": 1, TopicRole.NARROW: 2}
"""What comes first of one instant: a copy has its original's timestamp."""
_WORDS: Mapping[TopicRole, str] = {
    TopicRole.SOURCE: "arrived", TopicRole.NARROW: "copied", TopicRole.UNROUTABLE: "nobody wanted it",
    TopicRole.DEAD_LETTERS: "set aside", TopicRole.REJECTED: "rejected by its consumer",
}  # fmt: skip


async def _look(sight: Sight, topic: str, wanted: bytes, *, deep: bool) -> Found:
    """The newest records of all partitions: in which one a key lies, only its producer's partitioner knows."""
    question = Wanted(sight.today.shower, topic, key=wanted, where="")
    return await sight.browsing.find(topic, From("newest"), question, limit=100, most=_LOOKED_MORE if deep else _LOOKED)
