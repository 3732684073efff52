"""Definitions files for tests of `router.rabbitmq`: parts to build them of, random ones, and what they mean, the plain way.

The reading here knows nothing of ours: it walks the definitions' own objects and compares each binding with each message.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

BUILT_IN = {
    "amq.direct": "direct",
    "amq.topic": "topic",
    "amq.fanout": "fanout",
    "amq.headers": "headers",
    "amq.match": "headers",
}


def exchange(name: str, type_: str = "direct", **more: Any) -> dict[str, Any]:
    """An exchange as the management plugin's export has it."""
    return {
        "name": name,
        "vhost": "/",
        "type": type_,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
        **more,
    }


def queue(name: str, **more: Any) -> dict[str, Any]:
    """A queue, likewise."""
    return {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}, **more}


def binding(source: str, destination: str, key: str = "", *, to: str = "queue", **arguments: Any) -> dict[str, Any]:
    """A binding, likewise; names of arguments have `_` where they have a hyphen."""
    return {
        "source": source,
        "vhost": "/",
        "destination": destination,
        "destination_type": to,
        "routing_key": key,
        "arguments": {name.replace("_", "-"): value for name, value in arguments.items()},
    }


def policy(name: str, pattern: str, *, priority: int = 0, apply_to: str = "all", **definition: Any) -> dict[str, Any]:
    """A policy, likewise."""
    return {
        "vhost": "/",
        "name": name,
        "pattern": pattern,
        "apply-to": apply_to,
        "definition": {key.replace("_", "-"): value for key, value in definition.items()},
        "priority": priority,
    }


def definitions(**sections: Any) -> dict[str, Any]:
    """A whole file as plain data."""
    return {
        "rabbit_version": "3.10.8",
        "vhosts": [{"name": "/"}],
        "exchanges": [],
        "queues": [],
        "bindings": [],
        "policies": [],
        **sections,
    }


def text_of(**sections: Any) -> str:
    """A whole file as text."""
    return json.dumps(definitions(**sections))


# --- what they mean -------------------------------------------------------------------------------------------------


def reached(file: dict[str, Any], start: str, key: str, headers: dict[str, Any]) -> set[str]:
    """The queues that get a copy of a message, by RabbitMQ's rules; CC is a list of texts among the headers."""
    keys = [key, *(each for name in ("CC", "BCC") for each in headers.get(name, []))]
    seen = {name: value for name, value in headers.items() if name != "BCC"}
    queues = {each["name"] for each in file["queues"]}
    if start == "":
        return queues & set(keys)
    types = BUILT_IN | {each["name"]: each["type"] for each in file["exchanges"]}
    got: set[str] = set()
    visited: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in visited:
            continue
        visited.add(name)
        matched = [
            each
            for each in file["bindings"]
            if each["source"] == name
            and each["destination"] in (queues if each["destination_type"] == "queue" else types)
            and _matches(types[name], each, keys, seen)
        ]
        got |= {each["destination"] for each in matched if each["destination_type"] == "queue"}
        waiting += [each["destination"] for each in matched if each["destination_type"] == "exchange"]
        if not matched and alternate_of(file, name) in types:
            waiting.append(alternate_of(file, name))
    return got


def alternate_of(file: dict[str, Any], name: str) -> str:
    """The alternate exchange's name; empty where there is none."""
    own = [each["arguments"] for each in file["exchanges"] if each["name"] == name]
    if own and "alternate-exchange" in own[0]:
        return str(own[0]["alternate-exchange"])
    # The patterns of these tests are the beginnings of names, or everything.
    fitting = [
        each
        for each in file["policies"]
        if each["apply-to"] != "queues" and name.startswith(each["pattern"].removeprefix("^").removesuffix(".*"))
    ]
    best = max(fitting, key=lambda each: each["priority"], default=None)
    return str(best["definition"].get("alternate-exchange", "")) if best else ""


def _matches(type_: str, bound: dict[str, Any], keys: list[str], headers: dict[str, Any]) -> bool:
    match type_:
        case "direct":
            return any(bound["routing_key"] == key for key in keys)
        case "topic":
            pattern = bound["routing_key"]
            return any(_words_match(_words(pattern), _words(key)) for key in keys)
        case "headers":
            return _headers_match(bound["arguments"], headers)
        case _:
            return True


def _words(key: str) -> list[str]:
    return key.split(".") if key else []


def _words_match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_words_match(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and _words_match(pattern[1:], words[1:])


def _headers_match(arguments: dict[str, Any], headers: dict[str, Any]) -> bool:
    mode = arguments.get("x-match", "all")
    wanted = {
        name: value
        for name, value in arguments.items()
        if name != "x-match" and (mode.endswith("with-x") or not name.startswith("x-"))
    }
    held = [name in headers and _same(value, headers[name]) for name, value in wanted.items()]
    return all(held) if mode.startswith("all") else any(held)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    return bool(one == other)


# --- random ones ----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b.c", "d e", "ü", "no", "#", "x: y"])
QUEUES = st.sampled_from(["q1", "q.two", "q three", "7", "true", "ключ"])
WORDS = st.lists(st.sampled_from(["a", "b", "", "*", "#", "no", "1"]), max_size=4).map(".".join)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["pdf", "5", "true", "no", "null", "undefined", "", "a: b", "#x", "é\n"]),
    st.integers(-2, 6),
    st.sampled_from([5.0, 0.5, 1e300]),
    st.booleans(),
    st.sampled_from([[5, "a"], [5.0], [], {"k": 1}, {}]),
)
HEADERS = st.sampled_from(["type", "x-up", "X-Up", "no", "5", "a b", "CC"])
MODES = st.sampled_from(["all", "any", "all-with-x", "any-with-x"])
MESSAGE_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        **{name: VALUES | st.none() for name in ("type", "x-up", "X-Up", "no", "5", "a b")},
        **{name: st.lists(WORDS, max_size=2) for name in ("CC", "BCC")},
    },
)


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """A file in which everything can lead to everything; rings have one destination, so that they need no luck."""
    kinds = ["direct", "topic", "fanout", "headers", "x-consistent-hash"]
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    exchanges = []
    for name in names:
        arguments = draw(st.fixed_dictionaries({}, optional={"alternate-exchange": NAMES | st.just("amq.fanout")}))
        exchanges.append(
            exchange(name, draw(st.sampled_from(kinds)), arguments=arguments, internal=draw(st.booleans()))
        )
    queues = [queue(name) for name in draw(st.lists(QUEUES, max_size=4, unique=True))]
    types = BUILT_IN | {each["name"]: each["type"] for each in exchanges}
    rings: set[str] = set()
    bindings = []
    for _ in range(draw(st.integers(0, 10))):
        source = draw(st.sampled_from([*names, *BUILT_IN]))
        to = draw(st.sampled_from(["queue", "exchange"]))
        destination = draw(QUEUES if to == "queue" else st.sampled_from([*names, "amq.topic", "gone"]))
        asked: dict[str, Any] = {}
        key = draw(WORDS)
        if types[source] == "headers":
            asked = draw(st.dictionaries(HEADERS, VALUES, max_size=3))
            asked |= draw(st.fixed_dictionaries({}, optional={"x-match": MODES}))
        elif types[source] == "x-consistent-hash":
            if source in rings:
                continue
            rings.add(source)
            key = str(draw(st.integers(1, 3000)))
        bindings.append({**binding(source, destination, key, to=to), "arguments": asked})
    priorities = draw(st.permutations(range(4)))
    policies = [
        policy(f"p{number}", pattern, priority=priorities[number], apply_to=apply_to, alternate_exchange=alternate)
        for number, (pattern, apply_to, alternate) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.sampled_from([".*", "^a", "^b", "^amq"]),
                        st.sampled_from(["all", "exchanges", "queues"]),
                        NAMES,
                    ),
                    max_size=3,
                )
            )
        )
    ]
    return definitions(exchanges=exchanges, queues=queues, bindings=bindings, policies=policies)
