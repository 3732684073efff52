"""What an index of origins tells of copies, where somebody runs one; and what it does not know yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from router.console.sight import Sight
from router.language.topics import TopicRole
from router.tables.view import bytes_json

__all__ = ["copies_of_key", "copies_of_record"]

_PATH = "/api/copies"
_WITHIN_SECONDS = 2.0


async def copies_of_key(sight: Sight, wanted: bytes) -> dict[str, Any]:
    """`events`: a copy each, of the key that is meant; `index`: None where there is none, else what is to be said of its answer."""
    shower = sight.today.shower
    opened = shower.masks.seal.open(wanted.decode(errors="replace"))
    # A text that stands for a masked key is asked for as that, of topics where it is masked; any other, of all others.
    shown = bytes_json(wanted if opened is None else opened)
    asked = {"key": shown["text"]} if "text" in shown else {"key-base64": shown["base64"]}
    told = await _asked(sight, asked)
    if told is None:
        return {"events": [], "index": None}
    events = [
        {
            "at": each["at"], "what": f"copied from {each['origin']}", "kind": TopicRole.NARROW.value, "topic": each["topic"],
            "partition": each["partition"], "offset": each["offset"],
            "page": f"/topics/{each['topic']}/{each['partition']}/{each['offset']}",
        }
        for each in told.get("copies", ())
        if shower.hides_key(str(each["topic"])) is (opened is not None)
    ]  # fmt: skip
    return {"events": events, "index": _said(told)}


async def copies_of_record(sight: Sight, place: str) -> dict[str, Any] | None:
    """The copies of a record, `topic/partition/offset`, and what is to be said of them; None where there is no index."""
    told = await _asked(sight, {"origin": place})
    if told is None:
        return None
    return {
        **_said(told),
        "copies": [f"{each['topic']}/{each['partition']}/{each['offset']}" for each in told.get("copies", ())],
    }


async def _asked(sight: Sight, asked: Mapping[str, str]) -> dict[str, Any] | None:
    if sight.index is None:
        return None
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            status, body = await sight.workers.api([sight.index], _PATH, asked)
    except TimeoutError:
        # All else that is known of the key is not to wait for it.
        status, body = 0, {"message": f"no answer in {_WITHIN_SECONDS:g} s"}
    if status == 200:
        return dict(body)
    message = f"the index of origins does not answer: {body.get('message', status)}"
    return {"problem": message, "behind": [], "cut": False}


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer leaves open."""
    return {
        "problem": str(told.get("problem", "")),
        "cut": bool(told.get("cut")),
        "behind": list(told.get("behind", ())),
    }
