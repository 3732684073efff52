"""The keys that wait for consumers which rejected records, from the disks of the lanes that keep them, a page at a time.

What a lane keeps for consumers lies in its table, by topic and key (`failure.stored`), and a key that flows again leaves it. So a list of
what waits reads what waits, however much else the table has; each worker that of its own partitions, and one of them that of all.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from router.errors import UnreadableState
from router.failure.parking import KeyState, Phase
from router.failure.stored import (
    STATE_PREFIX,
    back_prefix,
    decode_state,
    held_prefix,
    key_of_ident,
    parts_of_state_key,
    phase_of,
    states_of,
)
from router.language.topics import changelog_of
from router.order.stored import decode_record
from router.order.table_errors import DiskFailed
from router.tables.answers import Answer, Unanswered
from router.tables.here import OwnedPartition, PartitionStore, stopped
from router.tables.owners import Owner
from router.tables.peers import AskPeers, NoAnswer
from router.tables.questions import WrongQuestion

__all__ = ["KEPT_HERE", "AskingKept", "KeptPage", "entry_in", "read_kept"]

KEPT_HERE = "/api/worker/kept/{source}"
"""A page of one partition, of its owner."""
_STEP = 32
_MOST_LOOKED = 4_096
"""Keys that one page looks at."""
_MOST_COUNTED = 1_000
"""Copies behind one key that are counted."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeptPage:
    """Some keys of one partition."""

    keys: tuple[Json, ...]
    after: bytes | None
    """The entry behind which the next page begins; None where there is no more."""
    looked: int


async def read_kept(disk: PartitionStore, lane: str, *, topic: str | None, after: bytes | None, limit: int) -> KeptPage:
    """The keys of one partition that do not flow, of one topic or of all. Raises DiskFailed."""
    prefix = STATE_PREFIX if topic is None else states_of(topic)
    start = prefix if after is None else after + b"\0"
    found: list[Json] = []
    looked = 0
    while True:
        entries = disk.entries(prefix, start, _STEP)
        for entry, stored in entries:
            looked += 1
            told = _told(disk, entry, stored, lane)
            if told is not None:
                found.append(told)
            if len(found) == limit or looked == _MOST_LOOKED:
                return KeptPage(tuple(found), entry, looked)
        if len(entries) < _STEP:
            return KeptPage(tuple(found), None, looked)
        start = entries[-1][0] + b"\0"
        await asyncio.sleep(0)


def _told(disk: PartitionStore, entry: bytes, stored: bytes, lane: str) -> Json | None:
    topic, ident = parts_of_state_key(entry)
    key = key_of_ident(ident)
    told: Json = {"topic": topic, "key": None if key is None else key.decode(errors="backslashreplace"), "lane": lane}
    try:
        if phase_of(stored) is Phase.FLOWING:
            return None
        state = decode_state(stored)
        back = disk.entries(back_prefix(entry), back_prefix(entry), _MOST_COUNTED)
        since = min((decode_record(value).record.timestamp for _, value in back), default=None)
    except UnreadableState:
        # It is not left out: something waits, and nobody can say what.
        return {**told, "state": "unreadable", "since": None, "until": None, "came_back": 0, "held": 0}
    held = len(disk.entries(held_prefix(entry), held_prefix(entry), _MOST_COUNTED))
    return {
        **told, "state": _word(state), "since": since, "until": state.due, "came_back": len(state.back), "held": held,
    }  # fmt: skip


def _word(state: KeyState) -> str:
    """As `redrive.parked` has it."""
    if state.phase is Phase.RELEASING:
        return "releasing"
    return "parked" if any(each.parked for each in state.back) else "retry"


class AskingKept:
    """The same of all partitions of all sources, whoever owns them."""

    def __init__(
        self,
        *,
        group: str,
        me: Owner,
        sources: Iterable[str],
        look: Callable[[str, int], OwnedPartition | None],
        peers: AskPeers,
        owners: Callable[[str], Mapping[int, Owner]],
        count: Callable[[str], int],
    ) -> None:
        """`sources` are those whose lanes keep what consumers reject; the rest is as `Asking` has it."""
        self.sources = tuple(sorted(sources))
        self._group = group
        self._me = me
        self._look = look
        self._peers = peers
        self._owners = owners
        self._count = count

    async def here(self, source: str, partition: int, *, topic: str | None, after: bytes | None, limit: int) -> Json:
        """A page of a partition of this worker's, or why it does not answer."""
        owned = self._look(source, partition)
        if owned is None:
            return Unanswered(
                partition, "moving", f"{source}/{partition} is not this worker's, or not any more"
            ).to_json()
        if owned.restoring:
            return Unanswered(partition, "restoring", f"{source}/{partition}: {owned.restoring}").to_json()
        if owned.disk.db is None:
            return stopped(source, partition, owned).to_json()
        try:
            page = await read_kept(owned.disk, f"{source}/{partition}", topic=topic, after=after, limit=limit)
        except DiskFailed as error:
            return Unanswered(partition, error.reason, str(error)).to_json()
        behind = None if page.after is None else _coded(page.after)
        problem = "" if owned.carrying else owned.message or "its lane opens"
        told: Json = {"partition": partition, "keys": list(page.keys), "after": behind, "looked": page.looked}
        return {**told, "lane": problem}

    async def keys(self, *, topic: str | None, cursor: str, limit: int) -> Answer:
        """A page of all, lane by lane; of these those first that have waited longest. Raises WrongQuestion."""
        lanes = [(source, partition) for source in self.sources for partition in range(self._count(source))]
        number, after = _read(cursor)
        keys: list[Json] = []
        unanswered: list[Json] = []
        silent: dict[Owner, NoAnswer] = {}
        owners: dict[str, Mapping[int, Owner]] = defaultdict(dict)
        for source in self.sources:
            owners[source] = self._owners(changelog_of(self._group, source))
        lanes_told: list[Json] = []
        looked = 0
        while number < len(lanes) and len(keys) < limit and looked < _MOST_LOOKED:
            source, partition = lanes[number]
            asked = {"partition": str(partition), "limit": str(limit - len(keys))}
            asked |= {"after": _coded(after)} if after is not None else {}
            asked |= {"topic": topic} if topic is not None else {}
            told = await self._page(source, owners[source].get(partition), asked, silent)
            number, after = number + 1, None
            if "reason" in told:
                unanswered.append({"source": source, **told})
                continue
            keys += told["keys"]
            looked += told["looked"]
            if told["lane"]:
                lanes_told.append({"source": source, "partition": partition, "problem": told["lane"]})
            if told["after"] is not None:
                number, after = number - 1, _decoded(told["after"])
        more = number < len(lanes)
        body = {
            "keys": sorted(keys, key=lambda each: (each["since"] or 0, each["topic"], each["key"] or "")),
            "cursor": f"{number}.{'' if after is None else _coded(after)}" if more else None,
            "unanswered": unanswered,
            "lanes": lanes_told,
            "looked": looked,
        }
        return Answer(200, body)

    async def _page(
        self, source: str, owner: Owner | None, asked: Mapping[str, str], silent: dict[Owner, NoAnswer]
    ) -> Json:
        partition = int(asked["partition"])
        if self._look(source, partition) is not None or owner == self._me:
            after = _decoded(asked["after"]) if "after" in asked else None
            limit = int(asked["limit"])
            return await self.here(source, partition, topic=asked.get("topic"), after=after, limit=limit)
        if owner is None:
            message = f"nobody owns {source}/{partition} now, as far as this worker was told"
            return Unanswered(partition, "no-owner", message).to_json()
        told = silent.get(owner) or await self._peers.ask(owner, KEPT_HERE.format(source=source), asked)
        if isinstance(told, NoAnswer):
            silent[owner] = told
            return Unanswered(partition, told.reason, told.message).to_json()
        answer = told.get("answer")
        if not isinstance(answer, dict) or answer.get("partition") != partition:
            message = f"{owner} answers something else at {owner.url}: is it of another version?"
            return Unanswered(partition, "owner-unreachable", message).to_json()
        return answer


def _coded(entry: bytes) -> str:
    return base64.urlsafe_b64encode(entry).decode().rstrip("=")


def entry_in(text: str) -> bytes | None:
    """Behind which entry a page begins, as another worker says it; nothing: at the first. Raises WrongQuestion."""
    return _decoded(text) if text else None


def _decoded(text: str) -> bytes:
    """Raises WrongQuestion."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise WrongQuestion(parameter="after", value=text, problem="is none that a page ended with") from None


def _read(cursor: str) -> tuple[int, bytes | None]:
    """Raises WrongQuestion."""
    number, dot, after = cursor.partition(".")
    if not cursor:
        return 0, None
    if not (dot and number.isdecimal() and number.isascii() and len(number) < 10):
        raise WrongQuestion(parameter="cursor", value=cursor, problem="is none that a page ended with")
    return int(number), entry_in(after)
