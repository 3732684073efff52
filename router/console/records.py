"""Records of a topic: found, followed, downloaded, and one alone."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from router.console.browsing import From, Wanted, moment
from router.console.copies import copies_of_record
from router.console.pages import link
from router.console.sight import Absent, Answer, Parameters, Sight
from router.records.record import PlainRecord
from router.tables.questions import WrongQuestion, key_in, read_number

__all__ = ["asked_for", "download", "follow", "record", "records"]

_HOWS = ("newest", "oldest", "offset", "time")
_FOLLOWED_AT_ONCE = 100


async def records(sight: Sight, parameters: Parameters) -> Answer:
    """Some records of a topic. Raises Absent."""
    topic = parameters["topic"]
    shower = sight.today.shower
    begin, wanted = asked_for(sight, parameters)
    limit = read_number(parameters, "limit", default=50, least=1, most=500)
    try:
        found = await sight.browsing.find(topic, begin, wanted, limit=limit)
    except LookupError as error:
        raise Absent(str(error)) from error
    return {
        "topic": topic,
        "records": [shower.show(each) for each in found.records],
        "looked": found.looked,
        "whole": found.whole,
        "unasked": found.unasked,
        "further": _further(topic, parameters, begin, found.positions, whole=found.whole, count=len(found.records)),
        "partitions": (await sight.kafka.partition_counts()).get(topic, 0),
        "asked": {
            name: parameters.get(name, "")
            for name in ("from", "partition", "offset", "time", "key", "key-base64", "where", "limit")
        },
        "schema": None if (version := shower.version_of(topic)) is None else str(version),
    }


def _further(topic: str, parameters: Parameters, begin: From, positions: Any, *, whole: bool, count: int) -> str:
    """Where to look on, of one partition; several have no one offset to go on from."""
    if whole or begin.partition is None or not count:
        return ""
    kept = {name: parameters[name] for name in ("key", "key-base64", "where", "limit") if parameters.get(name)}
    offset = positions[topic, begin.partition]
    if begin.how == "newest":
        return ""
    return link(
        f"/topics/{topic}/records", **{**kept, "from": "offset", "partition": begin.partition, "offset": offset}
    )


def asked_for(sight: Sight, parameters: Parameters) -> tuple[From, Wanted]:
    """Where to begin, and which records are meant. Raises WrongQuestion."""
    how = parameters.get("from") or "newest"
    if how not in _HOWS:
        raise WrongQuestion(parameter="from", value=how, problem=f"is none of {', '.join(_HOWS)}")
    told = {name: value for name, value in parameters.items() if value != ""}
    begin = From(
        how=how,
        partition=None
        if "partition" not in told
        else read_number(told, "partition", default=0, least=0, most=1_000_000),
        offset=_offset(told.get("offset", "0")),
        time=moment(told.get("time", "")) if how == "time" else 0,
    )
    key = key_in({name: told[name] for name in ("key", "key-base64") if name in told}, "key")
    return begin, Wanted(sight.today.shower, parameters["topic"], key=key, where=told.get("where", ""))


def _offset(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= 19 and int(text) < 2**63):
        raise WrongQuestion(parameter="offset", value=text, problem="is no offset: a whole number")
    return int(text)


async def record(sight: Sight, parameters: Parameters) -> Answer:
    """One record. Raises Absent."""
    topic = parameters["topic"]
    partition = read_number(parameters, "partition", default=0, least=0, most=1_000_000)
    try:
        found = await sight.browsing.record(topic, partition, _offset(parameters["offset"]))
    except LookupError as error:
        raise Absent(str(error)) from error
    shower = sight.today.shower
    return {
        "record": shower.show(found),
        "path": shower.path(found),
        "deaths": shower.deaths(found),
        "asks_why": topic in sight.today.route_set.sources,
        "copies": await copies_of_record(sight, f"{topic}/{partition}/{found.offset}"),
    }


async def follow(sight: Sight, parameters: Parameters) -> AsyncGenerator[Answer, None]:
    """Records as they come, with how many were looked at so far. Raises Absent."""
    begin, wanted = asked_for(sight, parameters)
    shower = sight.today.shower
    try:
        async for found, looked in sight.browsing.follow(parameters["topic"], begin, wanted):
            shown = found[-_FOLLOWED_AT_ONCE:]
            yield {
                "records": [shower.show(each) for each in shown],
                "left_out": len(found) - len(shown),
                "looked": looked,
                "unasked": wanted.unasked,
            }
    except LookupError as error:
        raise Absent(str(error)) from error


async def download(sight: Sight, parameters: Parameters) -> AsyncIterator[str]:
    """Records whole, as JSON, one a line. Raises Absent."""
    begin, wanted = asked_for(sight, parameters)
    limit = read_number(parameters, "limit", default=1_000, least=1, most=10_000)
    try:
        found = await sight.browsing.find(parameters["topic"], begin, wanted, limit=limit)
    except LookupError as error:
        raise Absent(str(error)) from error
    for each in found.records:
        yield _line(sight, each)


def _line(sight: Sight, record: PlainRecord) -> str:
    return json.dumps(sight.today.shower.show(record, whole=True), ensure_ascii=False) + "\n"
