"""Why: a stated message, or a real record, decided by today's routes and by proposed ones."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from router.console.masks import SHORTEST, Seen
from router.console.showing import jsonable
from router.console.sight import Absent, Answer, Parameters, Sight
from router.console.today import Today
from router.console.why import Decided, Stated, Unstated, decide, proposed, stated_record
from router.records.record import Record
from router.tables.questions import WrongQuestion

__all__ = ["propose", "why"]


async def why(sight: Sight, parameters: Parameters) -> Answer:
    """Where a message goes. What is wrong with the message is part of the answer. Raises Absent, WrongQuestion."""
    today = sight.today
    form, record, seen, problem = await _message(sight, today, parameters)
    found = None
    if record is not None:
        found, problem = await asyncio.to_thread(_decided, today.decided, record, seen)
    return {
        "sources": sorted(name for name, each in today.route_set.sources.items() if not each.gathers),
        "files": sorted(today.texts),
        "form": form,
        "problem": problem,
        "today": found,
        "proposed": None,
        "findings": [],
    }


async def propose(sight: Sight, parameters: Parameters) -> Answer:
    """The same, and by routes of which one file is written anew."""
    today = sight.today
    answer = await why(sight, parameters)
    text, file = parameters.get("routes", ""), parameters.get("file", "") or "routes/proposed.yaml"
    answer["form"] |= {"routes": text, "file": file}
    route_set, findings = await asyncio.to_thread(proposed, today.texts, file, text, today.catalogue)
    answer["findings"] = [str(each) for each in findings]
    answer["refused"] = route_set is None
    _, record, seen, _ = await _message(sight, today, parameters)
    if route_set is not None and record is not None:
        found, problem = await asyncio.to_thread(_decided, Decided(route_set), record, seen)
        answer["proposed"] = found
        answer["problem"] = answer["problem"] or problem
        if found is not None and answer["today"] is not None:
            now, then = set(answer["today"]["to"]), set(found["to"])
            answer["changes"] = {"more": sorted(then - now), "less": sorted(now - then)}
    return answer


async def _message(
    sight: Sight, today: Today, parameters: Parameters
) -> tuple[dict[str, Any], Record | None, Seen | None, str]:
    """What the form says by now, the record that it means, what of it must not be seen, and what is wrong with it."""
    form = {name: parameters.get(name, "") for name in ("topic", "key", "value", "headers", "at", "file", "routes")}
    seen: Seen | None = None
    if form["at"]:
        record = await _picked(sight, form["at"])
        seen, problem = today.shower.plain(record)
        form |= {
            "topic": record.topic,
            "key": _shown_key(today, record),
            "value": ""
            if record.value is None or problem
            else json.dumps(jsonable(seen.value), indent=2, ensure_ascii=False),
        }
        return form, record, seen, ""
    if not form["topic"]:
        return form, None, None, ""
    # A key that is masked may be stated by what stands for it, as it was when the record was picked.
    opened = today.shower.meant(form["topic"], form["key"].encode()) if today.shower.hides_key(form["topic"]) else None
    key = form["key"] if opened is None else opened.decode(errors="backslashreplace")
    if opened is not None:
        seen = Seen(None, frozenset({key} if len(key) >= SHORTEST else ()))
    stated = Stated(form["topic"], form["value"], key or None, form["headers"])
    try:
        return form, stated_record(today.decided, stated), seen, ""
    except Unstated as error:
        return form, None, None, str(error) if seen is None else seen.text(str(error))


def _shown_key(today: Today, record: Record) -> str:
    key = record.key or b""
    hidden = record.key is not None and today.shower.hides_key(record.topic)
    return today.shower.masks.seal.seal(key) if hidden else key.decode(errors="backslashreplace")


async def _picked(sight: Sight, place: str) -> Record:
    topic, _, rest = place.partition("/")
    partition, _, offset = rest.partition("/")
    if not (topic and all(each.isdecimal() and each.isascii() and len(each) < 20 for each in (partition, offset))):
        raise WrongQuestion(
            parameter="at", value=place, problem="is no place of a record: write topic/partition/offset"
        )
    try:
        return await sight.browsing.record(topic, int(partition), int(offset))
    except LookupError as error:
        raise Absent(str(error)) from error


def _decided(decided: Decided, record: Record, seen: Seen | None) -> tuple[dict[str, Any] | None, str]:
    try:
        return decide(decided, record, seen=seen), ""
    except Unstated as error:
        return None, str(error)
