"""The ready-made consumer's heart in the small world: `router.consumer.gathering` itself, its records and all that it writes.

A member that gathers meets records and commits later; what it has not committed dies with it. Its memory is kept as what it
has met since its last commit, and made again for each step by meeting that again. Marks that skip come at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from router.consumer.gathering import Gathering, Met, Share, Write
from router.consumer.reasons import Failure
from router.failure.consuming import decode_mark, encode_mark
from router.failure.parking import Place
from router.failure.rejections import (
    Acknowledgement,
    Lane,
    Rejection,
    ReleaseMark,
    read_rejected,
    release_headers,
)
from router.failure.skipping import skip_mark
from router.records.headers import ORIGIN, Origin
from router.records.record import PlainRecord

if TYPE_CHECKING:
    from failure.world import Member, Rules

SOURCE, TOPIC = "s.v1", "t.v1"
SKIP = b"router-skip"
"""The key of a mark that skips, in the world's marks."""
DONE, PROCESSED, FAILED, SKIPPED = "done", "processed", "failed", "skipped"


def restored(member: Member, rules: Rules, topic: tuple[Any, ...]) -> Gathering:
    """The heart as this member remembers it."""
    heart = Gathering(TOPIC)
    heart.given(0, committed=member.position - len(member.gathered), marks_end=1)
    for key, since in member.parked:
        heart.marked(0, key, encode_mark(since), ())
    heart.marks_read(0, 1)
    for offset in member.skips:
        mark = skip_mark(Origin(TOPIC, 0, offset))
        heart.marked(0, mark.key, mark.value, mark.headers)
    for offset, outcome in member.gathered:
        _meet(heart, record_of(topic[offset], offset, rules.keys), outcome)
    return heart


def meetings(member: Member, rules: Rules, topic: tuple[Any, ...], *, may_fail: bool) -> Iterator[tuple[str, Member]]:
    """What can become of the record that the member meets next."""
    heart = restored(member, rules, topic)
    record = record_of(topic[member.position], member.position, rules.keys)
    met = heart.meet(record, 0.0)
    assert met is not Met.STRANGE, record
    skipped = heart.counts.skipped > sum(outcome == SKIPPED for _, outcome in member.gathered)
    outcomes = [SKIPPED if skipped else DONE] if met is Met.DONE else [PROCESSED, *([FAILED] if may_fail else [])]
    for outcome in outcomes:
        gathered = (*member.gathered, (member.position, outcome))
        yield outcome, member._replace(position=member.position + 1, gathered=gathered)


def share_of(member: Member, rules: Rules, topic: tuple[Any, ...]) -> Share:
    """What the member commits next."""
    (share,) = restored(member, rules, topic).shares
    return share


def committed(member: Member, share: Share) -> Member:
    """What the member remembers once that is committed."""
    parked = dict(member.parked)
    for key, since in marks_in(share):
        parked.pop(key, None)
        if since is not None:
            parked[key] = since
    assert share.next == member.position
    return member._replace(parked=tuple(sorted(parked.items())), gathered=())


def marks_in(share: Share) -> list[tuple[bytes, Place | None]]:
    """The marks among what a share writes."""
    return [(each.key or b"", decode_mark(each.value)) for each in share.writes if each.topic.endswith(".parked")]


def rejected_in(share: Share) -> list[tuple[Any, ...]]:
    """The rejections and acknowledgements among what a share writes, as the world has them."""
    return [_entry(each) for each in share.writes if each.topic.endswith(".rejected")]


def _meet(heart: Gathering, record: PlainRecord, outcome: str) -> None:
    met = heart.meet(record, 0.0)
    assert (met is Met.PROCESS) == (outcome in {PROCESSED, FAILED})
    if outcome == PROCESSED:
        heart.processed(record, 0.0)
    elif outcome == FAILED:
        heart.failed(record, Failure(), 0.0)


def _entry(write: Write) -> tuple[Any, ...]:
    told = read_rejected(
        PlainRecord(
            topic=write.topic, partition=write.partition, key=write.key, value=write.value, headers=write.headers
        )
    )
    if isinstance(told, Acknowledgement):
        return ("acknowledged", told.key, told.epoch)
    assert isinstance(told, Rejection), told
    place = (told.copy.partition, told.copy.offset)
    return ("rejected", place, told.origin.offset, told.behind, told.parks)


@lru_cache(maxsize=10_000)
def record_of(entry: tuple[Any, ...], offset: int, keys: str) -> PlainRecord:
    """An entry of the narrow topic as the router writes it."""
    if entry[0] == "release":
        _, key, epoch, first = entry
        named = None if first is None else Origin(TOPIC, *first)
        headers = release_headers(ReleaseMark(key, epoch, Lane(SOURCE, 0), named))
        return PlainRecord(topic=TOPIC, offset=offset, headers=headers)
    source = entry[1]
    origin = b"%b/0/%d" % (SOURCE.encode(), source)
    return PlainRecord(topic=TOPIC, offset=offset, key=keys[source].encode(), value=b"v", headers=((ORIGIN, origin),))
