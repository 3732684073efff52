"""What an operator may ask workers to do: redrive dead letters, stop that, let parked keys flow. The console writes nothing itself.

A worker carries it out, and audits it with who asked and why; who asked is whom the console let in, never what a form says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.console.masks import HIDDEN
from router.console.pages import link
from router.console.sight import Absent, Answer, Parameters, Sight
from router.language.topics import dead_letters_of
from router.observe.logs import get_logger
from router.tables.questions import WrongQuestion

__all__ = [
    "ask_worker",
    "begun",
    "command",
    "give_up",
    "meant_key",
    "parked",
    "plan",
    "redrive",
    "release",
    "selection_of",
    "shown_plan",
    "stop",
    "who_asks",
]

log = get_logger("router.console")

_CHOSEN = ("destination", "cause", "key")
_ASKED = ("topic", *_CHOSEN, "reason", "rate")
_HEX = frozenset("0123456789abcdef")


async def plan(sight: Sight, parameters: Parameters) -> Answer:
    """What a redrive would do; nothing is done."""
    status, body = await ask_worker(sight, "/api/dead-letters/plan", selection_of(sight, parameters))
    asked = {name: parameters.get(name, "") for name in _ASKED}
    found = shown_plan(sight, dict(body["plan"]), parameters) if status == 200 else None
    return {"asked": asked, "plan": found, "problem": None if found is not None else dict(body)}


async def redrive(sight: Sight, parameters: Parameters) -> Answer:
    """Begin it. Raises WrongQuestion where nobody says why."""
    body = selection_of(sight, parameters) | who_asks(parameters) | {"rate": _rate(parameters)}
    status, told = await ask_worker(sight, "/api/dead-letters/redrive", body)
    return begun(status, told, f"/commands/{told.get('command', '')}")


async def command(sight: Sight, parameters: Parameters) -> Answer:
    """How far a command is. Raises Absent."""
    status, body = await sight.workers.api(
        sight.watching.urls, f"/api/commands/{_id(parameters)}", {}, whoever_knows=True
    )
    if status == 404:
        raise Absent(f"no worker that answers remembers command {parameters['command']}; the audit topic tells of all")
    if status != 200:
        return {"command": None, "problem": dict(body)}
    told = dict(body)
    if isinstance(told.get("done"), dict):
        told["done"] = shown_plan(sight, dict(told["done"]), {})
    return {"command": told, "problem": None}


async def stop(sight: Sight, parameters: Parameters) -> Answer:
    """End a command behind what is being sent. Raises Absent."""
    name = _id(parameters)
    status, told = await sight.workers.api(
        sight.watching.urls, f"/api/commands/{name}/stop", {}, body={}, whoever_knows=True
    )
    if status == 404:
        raise Absent(f"no worker that answers runs command {name}")
    log.info("a command was stopped", command=name, author=parameters.get("author", ""))
    return begun(status, told, f"/commands/{name}")


async def parked(sight: Sight, parameters: Parameters) -> Answer:
    """The keys that wait because one of their records was rejected."""
    topic, cursor = parameters.get("topic", ""), parameters.get("cursor", "")
    seal = sight.today.shower.masks.seal
    if cursor:
        # A cursor has the key in it behind which it goes on.
        cursor = (seal.open(cursor) or b"none of this list").decode(errors="replace")
    asked = {name: value for name, value in {"topic": topic, "cursor": cursor}.items() if value}
    status, body = await sight.workers.api(sight.watching.urls, "/api/kept", asked)
    if status == 400:
        raise WrongQuestion(parameter="cursor", value=parameters.get("cursor", ""), problem="is none of this list")
    behind = body.get("cursor")
    return {
        "asked": {"topic": topic},
        "keys": _seen(sight, body.get("keys", ())) if status == 200 else [],
        "cursor": None if behind is None else seal.seal(behind.encode(), longest=None),
        "unanswered": list(body.get("unanswered", ())) if status == 200 else [],
        "lanes": list(body.get("lanes", ())) if status == 200 else [],
        "problem": None if status == 200 else dict(body),
    }


async def release(sight: Sight, parameters: Parameters) -> Answer:
    """Let a key flow again, its parked records first."""
    return await _let(sight, parameters, "/api/parked/release")


async def give_up(sight: Sight, parameters: Parameters) -> Answer:
    """Give up the record that parks a key, and let the rest of it flow."""
    return await _let(sight, parameters, "/api/parked/give-up")


async def _let(sight: Sight, parameters: Parameters, path: str) -> Answer:
    body: dict[str, Any] = {"topic": parameters.get("topic", ""), **who_asks(parameters)}
    body |= {"key": meant_key(sight, body["topic"], parameters["key"])} if parameters.get("key") else {"all": True}
    if not body["topic"] or ("all" in body) is not (parameters.get("all") == "1"):
        raise WrongQuestion(
            parameter="key", value=parameters.get("key", ""), problem="and topic are needed, or all=1 for all keys"
        )
    status, told = await ask_worker(sight, path, body)
    if "keys" in told:
        told = {**told, "keys": _seen(sight, told["keys"])}
    return begun(status, told, link("/parked", topic=body["topic"]))


def _seen(sight: Sight, keys: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Parked keys without those that are masked."""
    shower = sight.today.shower
    return [
        {**each, "key": shower.key(each["topic"], each["key"].encode())["text"]}
        if each.get("key") is not None and shower.hides_key(str(each.get("topic", "")))
        else dict(each)
        for each in keys
    ]


def meant_key(sight: Sight, topic: str, key: str) -> str:
    """The key that an operator means, who may have seen what stands for it only. Raises WrongQuestion."""
    meant = sight.today.shower.meant(topic, key.encode())
    if meant is None:
        raise WrongQuestion(parameter="key", value=key, problem=f"is no key as those of '{topic}' are shown: masked")
    return meant.decode(errors="backslashreplace")


async def ask_worker(sight: Sight, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    """Have one worker do something; its status and answer."""
    if "author" in body:
        log.info("a worker is asked to act", path=path, author=body["author"], reason=body["reason"])
    return await sight.workers.api(sight.watching.urls, path, {}, body=body)


def begun(status: int, told: Mapping[str, Any], page: str) -> Answer:
    """What a worker that was asked to act has answered. Raises WrongQuestion where it did not understand."""
    if status == 400:
        raise WrongQuestion(parameter="command", value="", problem=str(told.get("message", "was not understood")))
    done = status in {200, 202}
    return {
        "command": dict(told) if done else None,
        "problem": None if done else dict(told),
        "goes_to": page if done else "",
    }


def selection_of(sight: Sight, parameters: Parameters) -> dict[str, Any]:
    """Which dead letters are meant, as a worker is told. Raises WrongQuestion."""
    topic = parameters.get("topic", "")
    chosen = {name: parameters[name] for name in _CHOSEN if parameters.get(name)}
    if "key" in chosen:
        chosen["key"] = meant_key(sight, _keyed(sight, topic, chosen["key"]), chosen["key"])
    return {"topics": [topic.removesuffix(dead_letters_of(""))] if topic else [], "selection": chosen}


def _keyed(sight: Sight, topic: str, key: str) -> str:
    """The topic by whose rules a key is read. Raises WrongQuestion where several are meant that read it otherwise."""
    hiding = [name for name in sight.today.plans if sight.today.shower.hides_key(name)]
    if not topic and hiding:
        raise WrongQuestion(parameter="key", value=key, problem="needs a topic: the keys of some are masked")
    return topic


def who_asks(parameters: Parameters) -> dict[str, str]:
    """Author and reason. Raises WrongQuestion where nobody says why."""
    reason = parameters.get("reason", "").strip()
    if not reason:
        raise WrongQuestion(
            parameter="reason", value="", problem="is missing: say why, for those who read the audit later"
        )
    return {"author": parameters["author"], "reason": reason}


def _rate(parameters: Parameters) -> float:
    text = parameters.get("rate", "") or "100"
    if not (text.isdecimal() and text.isascii() and 1 <= len(text) <= 6 and int(text)):
        raise WrongQuestion(parameter="rate", value=text, problem="is no number of records a second, 1 to 999999")
    return float(text)


def _id(parameters: Parameters) -> str:
    name = parameters["command"]
    if not name or len(name) > 32 or not set(name) <= _HEX:
        raise Absent(f"'{name[:40]}' is no command's id")
    return name


def shown_plan(sight: Sight, found: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    """The plan without the words of clients, where they may tell what is masked."""
    shower = sight.today.shower
    for each in found.get("sending", ()):
        version = shower.version_of(str(each.get("topic", "")))
        if shower.masks.hides(None if version is None else version.subject):
            each["message"] = HIDDEN if each.get("message") else ""
    version = shower.version_of(parameters.get("topic", ""))
    if not parameters.get("topic") or shower.masks.hides(None if version is None else version.subject):
        found["examples"] = dict.fromkeys(found.get("examples", {}), HIDDEN)
    return found
