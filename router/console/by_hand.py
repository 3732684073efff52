"""What else an operator may ask workers to do, for programs: skip and edit dead letters, skip a record for a group, replay.

As with `acting`, a worker carries it out and audits it with who asked and why. `dry-run` has it say what would be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.console.acting import ask_worker, begun, meant_key, selection_of, shown_plan, who_asks
from router.console.sight import Absent, Answer, Parameters, Sight
from router.language.topics import sources_by_topic
from router.tables.questions import WrongQuestion

__all__ = ["edit", "offsets", "progress", "replay", "skip_letters", "skip_record"]

_HEX = frozenset("0123456789abcdef")


async def skip_letters(sight: Sight, parameters: Parameters) -> Answer:
    """Decide that dead letters are not sent."""
    body = selection_of(sight, parameters)
    if _is_dry(parameters):
        return _planned(sight, *await ask_worker(sight, "/api/dead-letters/plan", body | {"kind": "skip"}), parameters)
    return _command(await ask_worker(sight, "/api/dead-letters/skip", body | who_asks(parameters)))


async def edit(sight: Sight, parameters: Parameters) -> Answer:
    """Send one dead letter with another value."""
    body: dict[str, Any] = {name: parameters.get(name, "") for name in ("at", "value")}
    if parameters.get("to"):
        body["to"] = parameters["to"]
    if _is_dry(parameters):
        return _planned(sight, *await ask_worker(sight, "/api/dead-letters/plan", body | {"kind": "edit"}), parameters)
    return _command(await ask_worker(sight, "/api/dead-letters/edit", body | who_asks(parameters)))


async def offsets(sight: Sight, parameters: Parameters) -> Answer:
    """Where a group stands; nothing where none is named."""
    asked = {name: parameters.get(name, "") for name in ("group", "topic", "partition")}
    if not asked["group"]:
        return {"asked": asked, "standing": None, "problem": None}
    status, told = await sight.workers.api(sight.watching.urls, "/api/offsets", asked)
    if status == 400:
        raise WrongQuestion(parameter="offsets", value="", problem=str(told.get("message", "was not understood")))
    done = status == 200
    return {
        "asked": asked,
        "standing": dict(told["standing"]) if done else None,
        "problem": None if done else dict(told),
    }


async def skip_record(sight: Sight, parameters: Parameters) -> Answer:
    """Have a group read on behind a record."""
    body: dict[str, Any] = {name: parameters.get(name, "") for name in ("group", "topic", "partition", "offset")}
    body["mark"] = parameters.get("mark") == "1"
    if _is_dry(parameters):
        status, told = await ask_worker(sight, "/api/offsets/plan", body)
    else:
        status, told = await ask_worker(sight, "/api/offsets/skip", body | who_asks(parameters))
    answer = begun(status, told, "/offsets")
    return {**answer, "command": None, "plan": None, "standing": None} | (
        {name: told.get(name) for name in ("command", "plan", "standing")} if answer["problem"] is None else {}
    )


async def replay(sight: Sight, parameters: Parameters) -> Answer:
    """Send one consumer a stretch of its broad topic once more."""
    topic, source = parameters.get("topic", ""), parameters.get("source", "")
    names = ("topic", "from", "until", "partition", "where", "source")
    body: dict[str, Any] = {name: parameters[name] for name in names if parameters.get(name)}
    if parameters.get("key"):
        body["key"] = meant_key(sight, topic, parameters["key"])
    if parameters.get("where"):
        _must_be_open(sight, topic, source)
    if _is_dry(parameters):
        status, told = await ask_worker(sight, "/api/replays/plan", body)
    else:
        status, told = await ask_worker(sight, "/api/replays", body | who_asks(parameters))
    answer = begun(status, told, f"/replays/{told.get('replay', '')}")
    done = answer["problem"] is None
    return {
        "replay": told.get("replay") if done else None,
        "plan": told.get("plan") if done else None,
        "problem": answer["problem"],
        "goes_to": answer["goes_to"],
    }


async def progress(sight: Sight, parameters: Parameters) -> Answer:
    """How far a replay is. Raises Absent."""
    name = parameters["command"]
    if not name or len(name) > 32 or not set(name) <= _HEX:
        raise Absent(f"'{name[:40]}' is no replay's id")
    status, told = await sight.workers.api(sight.watching.urls, f"/api/replays/{name}", {}, whoever_knows=True)
    if status == 404:
        raise Absent(f"no replay {name} was asked for")
    done = status == 200
    return {"replay": dict(told) if done else None, "problem": None if done else dict(told)}


def _is_dry(parameters: Parameters) -> bool:
    return parameters.get("dry-run") == "1"


def _planned(sight: Sight, status: int, told: Mapping[str, Any], parameters: Parameters) -> Answer:
    answer = begun(status, told, "/dead-letters")
    plan = shown_plan(sight, dict(told["plan"]), parameters) if answer["problem"] is None else None
    return {**answer, "command": None, "plan": plan}


def _command(answered: tuple[int, Mapping[str, Any]]) -> Answer:
    status, told = answered
    return {**begun(status, told, f"/commands/{told.get('command', '')}"), "plan": None}


def _must_be_open(sight: Sight, *topics: str) -> None:
    """Who may not see a value must not learn it by counting the records of which something holds. Raises WrongQuestion."""
    shower = sight.today.shower
    feeding = sources_by_topic(sight.today.route_set)
    for name in sorted({name for topic in topics if topic for name in (topic, *feeding.get(topic, ()))}):
        version = shower.version_of(name)
        if shower.masks.hides(None if version is None else version.subject):
            problem = f"cannot be asked here of '{name}', some of which is masked: use the command line"
            raise WrongQuestion(parameter="where", value="", problem=problem)
