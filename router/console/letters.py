"""What was set aside, by cause: the same error at the same place, whatever numbers and names its message has."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import Any

from router.console.browsing import Browsing, From, Wanted
from router.console.masks import HIDDEN
from router.console.sight import Absent, Answer, Parameters, Sight
from router.failure.causes import Cause, Causes, Symptom, symptom_of
from router.failure.deaths import Death, Dialect
from router.failure.dialects import read_death
from router.language.topics import dead_letters_of
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.tables.questions import key_in
from router.tables.view import instant

__all__ = ["dead_letters"]

_NEWEST = 1_000
"""Of each topic, so many are counted; the page says so where there are more."""
_SHOWN = 50
_ENOUGH_SECONDS, _LEAST = 0.1, 200
"""After which no more of a topic is counted, and what is counted in any case."""


async def dead_letters(sight: Sight, parameters: Parameters) -> Answer:
    """Dead letters that are meant, by cause, and the newest of them. Raises Absent."""
    ending = dead_letters_of("")
    counts = await sight.kafka.partition_counts()
    there = sorted(name for name in counts if name.endswith(ending))
    chosen = parameters.get("topic", "")
    if chosen and chosen not in there:
        raise Absent(f"there is no topic of dead letters '{chosen}'; there is {', '.join(there) or 'none'}")
    key = key_in({name: parameters[name] for name in ("key",) if parameters.get(name)}, "key")
    shower = sight.today.shower
    causes = Causes()
    shown: list[dict[str, Any]] = []
    looked: list[dict[str, Any]] = []
    for topic in [chosen] if chosen else there:
        if not sight.watching.count(topic) and not chosen:
            continue
        wanted = Wanted(shower, topic, key=key, where="")
        found = await Browsing(sight.kafka).find(topic, From("newest"), wanted, limit=_NEWEST)
        told = {"topic": topic, "records": found.looked, "whole": found.whole}
        looked.append(told)
        until = time.monotonic() + _ENOUGH_SECONDS
        for number, record in enumerate(found.records):
            if number >= _LEAST and time.monotonic() > until:
                # They come newest first, so that what was counted is the newest.
                told |= {"records": number, "whole": False}
                break
            death = _seen(sight, record, _death(record))
            symptom = symptom_of(death)
            if not _is_meant(parameters, death, symptom):
                continue
            died = record.timestamp if death.last is None else death.last
            at = Origin(record.topic, record.partition, record.offset)
            causes.add(death, at=at, time=died)
            if len(shown) < _SHOWN:
                shown.append({"record": shower.show(record), "deaths": shower.deaths(record), "cause": _id(symptom)})
    return {
        "topics": there,
        "asked": {name: parameters.get(name, "") for name in ("topic", "destination", "cause", "key")},
        "causes": [_cause(each) for each in causes.largest_first()],
        "deaths": causes.deaths,
        "letters": shown,
        "looked": looked,
    }


def _is_meant(parameters: Parameters, death: Death, symptom: Symptom) -> bool:
    destination, cause = parameters.get("destination", ""), parameters.get("cause", "")
    if destination not in {"", death.destination}:
        return False
    return not cause or cause in {_id(symptom), _id(replace(symptom, message="…"))}


def _death(record: PlainRecord) -> Death:
    found = read_death(record.headers)
    return Death(dialect=Dialect.ROUTER, reason="unknown") if found is None else found


def _seen(sight: Sight, record: PlainRecord, death: Death) -> Death:
    """The death without what is masked in its record."""
    shower = sight.today.shower
    version = shower.version_of(record.topic)
    if not shower.masks.hides(None if version is None else version.subject):
        return death
    seen, problem = shower.plain(record)
    if problem:
        return replace(death, message=HIDDEN if death.message else "")
    return replace(death, message=seen.text(death.message))


def _id(symptom: Symptom) -> str:
    """As `router dead-letters list` shows it."""
    told = (symptom.reason, symptom.destination, symptom.error_class, symptom.place, symptom.message)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]


def _cause(cause: Cause) -> dict[str, Any]:
    symptom = cause.symptom
    return {
        "cause": _id(symptom), "deaths": cause.count, "reason": symptom.reason, "destination": symptom.destination,
        "error": symptom.error_class, "place": symptom.place, "message": symptom.message, "first": instant(cause.first),
        "last": instant(cause.last), "latest": str(cause.example), "example": cause.message,
    }  # fmt: skip
