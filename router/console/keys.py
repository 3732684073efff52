"""Tables of all workers as one: the list, an export, and everything about one key, in time."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from router.console.browsing import Found, From, Wanted
from router.console.copies import copies_of_key
from router.console.masks import Seen
from router.console.showing import Shower, place_of
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

_ENOUGH_SECONDS = 0.15
"""After which a page ends with what was found: it says how many keys it looked at, and where to look on."""
_ASKED_AT_ONCE = 500
"""Keys that a condition is asked of, before it is looked how long that took."""
_PASSED_ON = ("prefix", "prefix-base64", "state")
_LISTS: Mapping[str, str] = {"": "keys", "waiting": "waiting"}
"""By how it is sorted, the list of workers' that has it so."""
_LOOKED = 1_000
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
    read_list(parameters)
    limit = read_number(parameters, "limit", default=50, least=1, most=1_000)
    where = _condition(parameters.get("where", ""))
    sort = parameters.get("sort", "")
    if sort not in _LISTS:
        raise WrongQuestion(parameter="sort", value=sort, problem="is none of: waiting")
    _check_prefix(sight, source, parameters)
    asked = {name: parameters.get(name, "") for name in ("prefix", "state", "sort", "where", "limit")}
    answer: Answer = {"source": source, "asked": asked, "problem": None}
    keys, last = await _gathered(sight, source, parameters, where, most=limit)
    return {**answer, **last, "keys": keys}


async def _gathered(
    sight: Sight, source: str, parameters: Parameters, where: Where | None, *, most: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Keys that are meant, page by page until there are enough or it has taken long enough; what is known of the rest."""
    # Those that are overdue have waited longest: among very many that wait they are found at the beginning of that list.
    sort = "waiting" if parameters.get("state") == "overdue" else parameters.get("sort", "")
    path = f"/api/tables/{_quoted(source)}/{_LISTS[sort]}"
    told = {name: parameters[name] for name in _PASSED_ON if parameters.get(name)}
    keys: list[dict[str, Any]] = []
    unanswered: dict[int, Any] = {}
    lanes: dict[int, Any] = {}
    shower = sight.today.shower
    hidden = shower.hides_key(source)
    cursor: str | None = parameters.get("cursor", "")
    if hidden and cursor:
        # A cursor has the key in it behind which it goes on.
        opened = shower.masks.seal.open(cursor)
        cursor = "none of this table's" if opened is None else opened.decode(errors="replace")
    looked, asks = 0, min(2 * most, _ASKED_AT_ONCE)
    until = time.monotonic() + _ENOUGH_SECONDS
    while cursor is not None and len(keys) < most:
        # A condition is asked here, of more keys than there is room for: each says where to go on behind it.
        page = {"limit": str(most - len(keys))} if where is None else {"limit": str(asks), "marked": "1"}
        page |= {"cursor": cursor} if cursor else {}
        asks = _ASKED_AT_ONCE
        status, body = await sight.workers.api(sight.watching.urls, path, told | page)
        if status != 200:
            return keys, _refused(status, body, source)
        unanswered |= {each["partition"]: each for each in body["unanswered"]}
        lanes |= {each["partition"]: each for each in body["lanes"]}
        cursor = body["cursor"]
        found = [_seen(shower, source, each) for each in body["keys"]] if hidden else body["keys"]
        if where is None:
            keys += found
            looked += body["looked"]
        else:
            for number, each in enumerate(found, 1):
                mark = each.pop("cursor")
                looked += 1
                if _holds(where, each):
                    keys.append(each)
                    if len(keys) == most and (number < len(found) or cursor is not None):
                        cursor = mark
                        break
            else:
                # Of a sorted list each partition looks at as many as the page has, and most of these come again.
                looked += 0 if sort else body["looked"] - len(found)
        if time.monotonic() > until:
            break
    if hidden and cursor is not None:
        cursor = shower.masks.seal.seal(cursor.encode(), longest=None)
    return keys, {
        "cursor": cursor, "unanswered": list(unanswered.values()), "lanes": list(lanes.values()), "looked": looked,
    }  # fmt: skip


def _check_prefix(sight: Sight, source: str, parameters: Parameters) -> None:
    for name in ("prefix", "prefix-base64"):
        if parameters.get(name) and sight.today.shower.hides_key(source):
            problem = f"cannot be asked: the keys of '{source}' are masked"
            raise WrongQuestion(parameter=name, value=parameters[name], problem=problem)


def _seen(shower: Shower, source: str, view: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker tells of a key, without the key."""
    return {**view, "key": shower.key(source, key_in(_parameters(view["key"]), "key") or b"")}


def _parameters(shown: Mapping[str, str]) -> dict[str, str]:
    """Bytes, as `bytes_json` has them, as a question has them."""
    return {"key": shown["text"]} if "text" in shown else {"key-base64": shown["base64"]}


def _refused(status: int, body: Mapping[str, Any], source: str) -> dict[str, Any]:
    if status == 404:
        raise Absent(str(body.get("message", f"there is no table of '{source}'")))
    if status == 400:
        raise WrongQuestion(parameter="question", value="", problem=str(body.get("message", "was not understood")))
    return {"problem": dict(body), "cursor": None, "unanswered": [], "lanes": [], "looked": 0}


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
    _check_prefix(sight, source, parameters)
    where = _condition(parameters.get("where", ""))
    cursor: str | None = ""
    silent: dict[int, Any] = {}
    begun = False
    while cursor is not None:
        keys, last = await _gathered(sight, source, {**parameters, "cursor": cursor}, where, most=1_000)
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
        nothing: Answer = {"key": None, "look": look, "found": [], "events": [], "unanswered": [], "looked": []}
        return {**nothing, "problems": [], "index": None}
    ordered = sorted(name for name, each in sight.today.route_set.sources.items() if each.order is not None)
    # Somebody waits: none of these is asked after another.
    tables_, looked, index = await asyncio.gather(
        asyncio.gather(*(_in_table(sight, source, wanted) for source in ordered)),
        _in_topics(sight, wanted, look=look),
        copies_of_key(sight, wanted),
    )
    known = {(each["topic"], each["partition"], each["offset"]) for each in looked["events"]}
    copied = [each for each in index["events"] if (each["topic"], each["partition"], each["offset"]) not in known]
    events = [*(event for told in (*tables_, looked) for event in told["events"]), *copied]
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
        "index": index["index"],
    }


async def _in_table(sight: Sight, source: str, wanted: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"found": [], "events": [], "unanswered": [], "problems": []}
    shower = sight.today.shower
    meant = shower.meant(source, wanted)
    if meant is None:
        # Who knows a key that is masked learns nothing of it, and not that it is there.
        return told
    # No sentence names the key, as far as we know; should one of another version's do, it is masked there as well.
    said = Seen(
        None, frozenset({meant.decode(errors="backslashreplace")} if shower.hides_key(source) and meant else ())
    )
    asked = {**_parameters(bytes_json(meant)), "history": _HISTORY}
    status, body = await sight.workers.api(sight.watching.urls, f"/api/tables/{source}/key", asked)
    if status == 200:
        for each in body["found"]:
            each = _seen(shower, source, each)  # noqa: PLW2901 - what is told of it is without the key
            told["found"].append(
                {"source": source, **{name: value for name, value in each.items() if name != "history"}}
            )
            history = each.get("history") or {"changes": [], "problem": "", "whole": True, "begins": 0}
            told["found"][-1]["history"] = {name: history[name] for name in ("whole", "begins", "problem")}
            for change in history["changes"]:
                told["events"].append({
                    "at": change["at"], "what": said.text(change["what"]), "kind": "table", "topic": source, "partition": each["partition"],
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
        sealed = sight.today.shower.masks.seal.open(wanted.decode(errors="replace")) is not None
        if sealed:
            # Beside others that show the same key it would be masked no more.
            names = [name for name in names if sight.today.shower.hides_key(name)]
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
