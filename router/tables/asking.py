"""Answers for the whole group: each partition is asked of its owner, which is this worker or another.

In which partition a key lies only its producers know, for partitioners differ between clients. So a key is asked of all
partitions, each worker once; it is unknown only where all of them have answered. What did not answer is named.
"""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from router.environment import nearest
from router.language.topics import changelog_of
from router.tables.answers import Answer, Refusal, Unanswered, named_partitions
from router.tables.changes import History
from router.tables.here import Here, Json
from router.tables.owners import Owner
from router.tables.peers import AskPeers, NoAnswer
from router.tables.questions import Cursor, ListQuestion, Waited, key_in
from router.tables.view import bytes_json, kind_of

__all__ = ["KEYS_HERE", "KEY_HERE", "LONGEST_HERE", "Asking", "ReadHistory"]

KEY_HERE = "/api/worker/tables/{source}/key"
"""What one worker says of a key, of the partitions that it is asked for."""
KEYS_HERE = "/api/worker/tables/{source}/keys"
"""A page of one partition, of its owner."""
LONGEST_HERE = "/api/worker/tables/{source}/waiting"
"""What waits longest in some partitions, of their owner."""
_MOST_PARTITIONS = 64
"""That one page asks."""


Dealt = tuple[Owner | None, list[int]]
"""Who owns some partitions, and these."""


class ReadHistory(Protocol):
    """A way to read what became of a key."""

    async def read(self, changelog: str, partition: int, key: bytes, *, explainer: Any, most: int) -> History:
        """Its latest changes, at most so many."""


class Asking:
    """The questions of the API."""

    def __init__(
        self,
        *,
        group: str,
        me: Owner,
        here: Here,
        peers: AskPeers,
        owners: Callable[[str], Mapping[int, Owner]],
        count: Callable[[str], int],
        past: ReadHistory,
    ) -> None:
        """`owners` tells who has which partition of a changelog, `count` how many a topic has, 0 where it is not there."""
        self.here = here
        self._group = group
        self.me = me
        self._peers = peers
        self._owners = owners
        self._count = count
        self._past = past

    def tables(self) -> Answer:
        """All tables, their orders, and who owns which of their partitions."""
        return Answer(
            200, {"instance": self.me.instance, "tables": [self._table(each) for each in sorted(self._sources)]}
        )

    @property
    def _sources(self) -> Mapping[str, Any]:
        return self.here.explainers

    def _table(self, source: str) -> Json:
        policy = self._sources[source].policy
        owners = self._owners(changelog_of(self._group, source))
        partitions = []
        for partition in range(self._count(source)):
            owner = self._owner(source, partition, owners)
            told = {"instance": None, "url": None} if owner is None else {"instance": owner.instance, "url": owner.url}
            partitions.append({"partition": partition, **told})
        order = {"by": policy.by, "kind": kind_of(policy), "field": policy.kind.field, "wait_ms": policy.wait_ms}
        return {"source": source, "order": order, "partitions": partitions}

    def _owner(self, source: str, partition: int, owners: Mapping[int, Owner]) -> Owner | None:
        """What was dealt, where this worker's own lanes say nothing else."""
        return self.me if self.here.owns(source, partition) else owners.get(partition)

    def refusal(self, source: str) -> Refusal | None:
        """Why there is nothing to ask of this table; None where there is."""
        if source not in self._sources:
            known = ", ".join(sorted(self._sources)) or "none"
            message = f"'{source}' has no table{nearest(source, self._sources)}; sources that are put in order: {known}"
            return Refusal(404, "unknown-table", message)
        if not self._count(source):
            return Refusal(503, "source-unavailable", f"'{source}' has no partitions that this worker may see")
        return None

    async def key(self, source: str, key: bytes, *, history: int = 0) -> Answer:
        """What is known of a key, with its latest changes, at most so many."""
        if (refusal := self.refusal(source)) is not None:
            return refusal.answer()
        told = await self._ask_all(source, key)
        found = sorted((each for each in told if each.get("view")), key=_partition)
        unanswered = sorted((each for each in told if "reason" in each), key=_partition)
        shown = key.decode(errors="backslashreplace")
        if found:
            answers = [{**each["view"], "carried_to": each["carried_to"], "lane": each["lane"]} for each in found]
            if history:
                await self._add_histories(source, key, answers, history)
            told_of = {"source": source, "key": bytes_json(key), "found": answers, "unanswered": unanswered}
            return Answer(200, told_of)
        if unanswered:
            where = named_partitions(source, [each["partition"] for each in unanswered])
            message = f"key '{shown}' is in no partition that answered, and {where} did not: {unanswered[0]['message']}"
            return Refusal(503, "undecided", message).answer(source=source, unanswered=unanswered)
        message = f"nothing is known of key '{shown}' in any of the {len(told)} partitions of '{source}'"
        return Refusal(404, "unknown-key", message).answer(source=source)

    async def _ask_all(self, source: str, key: bytes) -> list[Json]:
        async def ask(asked: Dealt) -> list[Json]:
            if asked[0] == self.me:
                return self.here.key(source, key, asked[1])
            return await self._ask(source, asked, KEY_HERE, _bytes_parameter("key", key))

        return [each for some in await asyncio.gather(*map(ask, self._dealt(source))) for each in some]

    def _dealt(self, source: str) -> list[Dealt]:
        """The partitions, by owner."""
        owners = self._owners(changelog_of(self._group, source))
        dealt: dict[Owner | None, list[int]] = defaultdict(list)
        for partition in range(self._count(source)):
            dealt[self._owner(source, partition, owners)].append(partition)
        return list(dealt.items())

    async def _ask(self, source: str, asked: Dealt, path: str, parameters: Mapping[str, str]) -> list[Json]:
        """What another worker says of some of its partitions."""
        owner, partitions = asked
        if owner is None:
            return [_no_owner(source, each).to_json() for each in partitions]
        parameters = {"partitions": ",".join(map(str, partitions)), **parameters}
        told = await self._peers.ask(owner, path.format(source=source), parameters)
        if isinstance(told, NoAnswer):
            return _silent(partitions, told)
        answers = told.get("answers")
        if not isinstance(answers, list) or {_partition(each) for each in answers} != set(partitions):
            return _silent(partitions, _strange(owner))
        return answers

    async def _add_histories(self, source: str, key: bytes, answers: Iterable[Json], most: int) -> None:
        changelog, explainer = changelog_of(self._group, source), self._sources[source]
        for each in answers:
            past = await self._past.read(changelog, each["partition"], key, explainer=explainer, most=most)
            each["history"] = past.to_json()

    async def keys(self, source: str, question: ListQuestion, cursor: Cursor) -> Answer:
        """A page of the keys that are meant, partition by partition."""
        if (refusal := self.refusal(source)) is not None:
            return refusal.answer()
        owners = self._owners(changelog_of(self._group, source))
        keys: list[Json] = []
        lanes: list[Json] = []
        unanswered: list[Json] = []
        silent: dict[Owner, NoAnswer] = {}
        count = self._count(source)
        looked = 0
        next_page: Cursor | None = cursor
        for _ in range(_MOST_PARTITIONS):
            if next_page is None or next_page.partition >= count or len(keys) >= question.limit:
                break
            partition = next_page.partition
            told = await self._page(source, question.with_limit(question.limit - len(keys)), next_page, owners, silent)
            next_page = Cursor(partition + 1)
            if "reason" in told:
                unanswered.append(told)
                continue
            keys += _marked(told["keys"], question, partition)
            looked += told.get("looked", 0)
            if told["lane"]:
                lanes.append({"partition": partition, "problem": told["lane"]})
            if told["after"] is not None:
                # What was looked through is enough for one page, found or not.
                next_page = Cursor(partition, key_in(_parameters(told["after"]), "after"))
                break
        more = next_page is not None and next_page.partition < count
        return Answer(
            200,
            {
                "source": source,
                "keys": keys,
                "cursor": next_page.write(question) if more and next_page is not None else None,
                "unanswered": unanswered,
                "lanes": lanes,
                "looked": looked,
            },
        )

    async def longest(self, source: str, question: ListQuestion, after: Waited | None) -> Answer:
        """A page of the keys that wait, of all partitions together those first that have waited longest."""
        if (refusal := self.refusal(source)) is not None:
            return refusal.answer()
        parameters = _asked(question) | (
            {}
            if after is None
            else {"due": str(after.deadline), "of": str(after.partition), **_bytes_parameter("after", after.key)}
        )

        async def ask(asked: Dealt) -> list[Json]:
            if asked[0] == self.me:
                return await self.here.longest(source, asked[1], question, after)
            return await self._ask(source, asked, LONGEST_HERE, parameters)

        told = [each for some in await asyncio.gather(*map(ask, self._dealt(source))) for each in some]
        answered = [each for each in told if "reason" not in each]
        # Behind where one of them stopped looking nothing is known of it, so that nothing is told of the others either.
        upto = min((_upto(each) for each in answered if each["upto"] is not None), default=None)
        found = sorted(
            (Waited(one["due"], _bytes(one["view"]["key"]), each["partition"]), one["view"])
            for each in answered for one in each["keys"]
        )  # fmt: skip
        within = [each for each in found if upto is None or each[0] <= upto]
        page = within[: question.limit]
        behind = page[-1][0] if len(found) > len(page) and len(page) == question.limit else upto
        body = {
            "source": source,
            "keys": [{**view, "cursor": at.write(question)} if question.marked else view for at, view in page],
            "cursor": None if behind is None else behind.write(question),
            "unanswered": sorted((each for each in told if "reason" in each), key=_partition),
            "lanes": [{"partition": _partition(each), "problem": each["lane"]} for each in answered if each["lane"]],
            "looked": sum(each["looked"] for each in answered),
        }
        return Answer(200, body)

    async def _page(
        self,
        source: str,
        question: ListQuestion,
        at: Cursor,
        owners: Mapping[int, Owner],
        silent: dict[Owner, NoAnswer],
    ) -> Json:
        owner = self._owner(source, at.partition, owners)
        if owner is None:
            return _no_owner(source, at.partition).to_json()
        if owner == self.me:
            return await self.here.keys(source, at.partition, question, at.after)
        if owner in silent:
            return _silent([at.partition], silent[owner])[0]
        parameters = {
            "partition": str(at.partition),
            **_asked(question),
            **({} if at.after is None else _bytes_parameter("after", at.after)),
        }
        told = await self._peers.ask(owner, KEYS_HERE.format(source=source), parameters)
        if isinstance(told, NoAnswer):
            silent[owner] = told
            return _silent([at.partition], told)[0]
        answer = told.get("answer")
        if not isinstance(answer, dict) or _partition(answer) != at.partition:
            return _silent([at.partition], _strange(owner))[0]
        return answer


def _asked(question: ListQuestion) -> dict[str, str]:
    return {
        "limit": str(question.limit),
        "state": ",".join(sorted(question.conditions)),
        "whole": str(int(question.whole)),
        **_bytes_parameter("prefix", question.prefix),
    }


def _marked(keys: list[Json], question: ListQuestion, partition: int) -> list[Json]:
    if not question.marked:
        return keys
    return [{**each, "cursor": Cursor(partition, _bytes(each["key"])).write(question)} for each in keys]


def _upto(answer: Json) -> Waited:
    deadline, key = answer["upto"]
    return Waited(deadline, _bytes(key), answer["partition"])


def _bytes(told: Mapping[str, str]) -> bytes:
    """What `bytes_json` gave, as bytes."""
    return key_in(_parameters(told), "after") or b""


def _partition(answer: Any) -> int:
    number = answer.get("partition") if isinstance(answer, dict) else None
    return number if isinstance(number, int) else -1


def _no_owner(source: str, partition: int) -> Unanswered:
    return Unanswered(partition, "no-owner", f"nobody owns {source}/{partition} now, as far as this worker was told")


def _strange(owner: Owner) -> NoAnswer:
    return NoAnswer("owner-unreachable", f"{owner} answers something else at {owner.url}: is it of another version?")


def _silent(partitions: Iterable[int], why: NoAnswer) -> list[Json]:
    return [Unanswered(each, why.reason, why.message).to_json() for each in partitions]


def _bytes_parameter(name: str, value: bytes) -> dict[str, str]:
    return {f"{name}-base64": base64.urlsafe_b64encode(value).decode()}


def _parameters(told: Mapping[str, str]) -> dict[str, str]:
    """What `bytes_json` gave, as parameters."""
    return {"after": told["text"]} if "text" in told else {"after-base64": told["base64"]}
