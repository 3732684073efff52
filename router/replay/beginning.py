"""What somebody asks to have replayed: made sense of, surveyed, and begun. The command line and the API do it alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from router.environment import EXACTLY_ONCE
from router.failure.audit import AuditEvent
from router.language.routes import RouteSet
from router.language.topics import sources_by_topic
from router.records.catalogue import Catalogue
from router.redrive.kafka import RedriveKafka
from router.redrive.selection import WrongSelection, moment
from router.replay.asking import asked_of, why_not
from router.replay.log import ReplayLog
from router.replay.plan import Replay
from router.replay.surveying import ReplaySurvey
from router.settings import Settings

__all__ = ["Stretch", "Wish", "begin", "source_of", "stretch_of"]

_LONGEST_OFFSET = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for, in words."""

    topic: str
    """The consumer's."""
    start: str
    """A time, an age, or an offset."""
    until: str | None = None
    partition: int | None = None
    key: str | None = None
    where: str = ""
    source: str | None = None
    """The broad topic, where several lead to the consumer's."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of the log that is now."""

    asked: Replay
    ends: Mapping[int, int]
    """By partition, where the log ends."""
    gone: Mapping[int, int] = field(default_factory=dict)
    """By partition, where the log begins, of those from whose beginning something is missing."""

    @property
    def total(self) -> int:
        """Offsets that are read."""
        return sum(self.ends[number] - at for number, at in self.asked.starts.items())


def source_of(wish: Wish, routes: RouteSet, *, guarantee: str) -> str:
    """The broad topic that is meant. Raises WrongSelection."""
    if guarantee != EXACTLY_ONCE:
        raise WrongSelection(f"ROUTER_GUARANTEE is '{guarantee}': lanes replay only in transactions ({EXACTLY_ONCE})")
    topic, named = wish.topic, wish.source
    feeding = sources_by_topic(routes).get(topic, ())
    if named is not None and named not in feeding:
        told = ", ".join(feeding) or "no broad topic"
        raise WrongSelection(f"'{named}' does not lead to '{topic}' by today's routes: {told} does")
    if named is None and len(feeding) != 1:
        told = f"{', '.join(feeding)} lead there: say which with --source" if feeding else "no route leads there"
        raise WrongSelection(f"'{topic}': {told}")
    source = feeding[0] if named is None else named
    if problem := why_not(routes, source):
        raise WrongSelection(f"'{source}' {problem}")
    return source


async def stretch_of(
    wish: Wish,
    source: str,
    survey: ReplaySurvey,
    catalogue: Catalogue,
    *,
    group: str,
    who: tuple[str, str],
    now: float,
) -> Stretch:
    """What it comes to on the log as it is; `who` are author and reason, `now` is in seconds since the epoch.

    Raises WrongSelection for what makes no sense, and BrokerUnavailable.
    """
    since, offset = _edge(wish.start, now)
    until, end = (None, None) if wish.until is None else _edge(wish.until, now)
    key = None if wish.key is None else wish.key.encode(errors="surrogateescape")
    author, reason = who
    asked = Replay(
        id=uuid4().hex[:8], group=group, topic=wish.topic, source=source, starts={}, at=round(now * 1000), by=author,
        reason=reason, since=since, until=until, key=key, where=wish.where,
    )  # fmt: skip
    asked_of(catalogue, asked)
    starts, first, ends = await survey.starts(source, since=since, offset=offset, partition=wish.partition)
    asked = asked.over(starts, {} if end is None else dict.fromkeys(starts, end))
    gone = {} if offset is None else {number: at for number, at in first.items() if number in starts and at > offset}
    return Stretch(asked, ends, gone)


async def begin(settings: Settings, survey: ReplaySurvey, asked: Replay) -> None:
    """Have the lanes do it. The audit is told first: what is told and not done can be asked for again."""
    kafka, log = RedriveKafka(settings), ReplayLog(settings)
    try:
        await kafka.make_own_topics()
        await survey.make_log()
        event = AuditEvent(
            command=asked.id,
            type="router.replay.begun",
            source=settings.group,
            subject=asked.topic,
            at=asked.at,
            data={"author": asked.by, "reason": asked.reason, **asked.to_json()},
        )
        await kafka.tell(event)
        await log.write(asked, before=None)
    finally:
        await log.close()
        await kafka.close()


def _edge(text: str, now: float) -> tuple[int | None, int | None]:
    """A time, or an offset."""
    if not (text.isascii() and text.isdecimal()):
        return moment(text, now=now), None
    if len(text) > _LONGEST_OFFSET:
        raise WrongSelection(f"'{text[:40]}' is no offset: it is longer than {_LONGEST_OFFSET} digits")
    return None, int(text)
