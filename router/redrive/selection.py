"""Which dead letters are meant: by destination, cause, key, time, and an expression over the record. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from router.durations import parse_duration
from router.errors import ConfigError, Unreadable
from router.failure.causes import Symptom, symptom_of
from router.failure.deaths import Death, Dialect
from router.failure.dialects import read_death
from router.language.cel.environment import Environment
from router.language.cel.failure import WhereFailed
from router.language.cel.plain import header_texts
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2
from router.language.cel.where import Where, compile_where
from router.language.topics import dead_letters_of
from router.records.catalogue import Catalogue, SubjectVersion
from router.records.headers import Origin
from router.records.record import PlainRecord, Record, plain_record
from router.records.revisions import decode_record

__all__ = [
    "DeadLetter",
    "Selection",
    "WrongSelection",
    "cause_id",
    "choose_topics",
    "decoded",
    "moment",
    "question",
    "read_letter",
]

_ENDING = dead_letters_of("")
_CAUSE = re.compile(r"[0-9a-f]{8}")


class WrongSelection(ConfigError):
    """What says which dead letters are meant makes no sense."""

    reason = "wrong-selection"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of a topic of dead letters."""

    record: PlainRecord
    death: Death

    @property
    def at(self) -> Origin:
        """Where it lies."""
        return Origin(self.record.topic, self.record.partition, self.record.offset)

    @property
    def time(self) -> int:
        """When it died, as far as its headers tell; else its own timestamp. Milliseconds since the epoch."""
        return self.record.timestamp if self.death.last is None else self.death.last


def read_letter(record: Record, *, brief: bool = False) -> DeadLetter:
    """What a record's headers say of its death; one that says nothing died of `unknown`. `brief` is that of `read_death`."""
    death = read_death(record.headers, brief=brief)
    return DeadLetter(plain_record(record), Death(dialect=Dialect.ROUTER, reason="unknown") if death is None else death)


def cause_id(symptom: Symptom) -> str:
    """8 hex digits that stay the same for the same cause."""
    told = (symptom.reason, symptom.destination, symptom.error_class, symptom.place, symptom.message)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]


def choose_topics(named: Sequence[str], partition_counts: Mapping[str, int]) -> list[str]:
    """The topics of dead letters that are meant: of each name the one beside it, or, where there is none, itself.

    Without names all that end in `.dead-letters`. Raises WrongSelection for a name that leads nowhere.
    """
    if not named:
        return sorted(name for name in partition_counts if name.endswith(_ENDING))
    found = []
    for name in named:
        beside = dead_letters_of(name)
        topic = beside if beside in partition_counts else name
        if topic not in partition_counts:
            raise WrongSelection(f"there is no topic '{beside}' or '{name}', or you may not see it")
        found.append(topic)
    return list(dict.fromkeys(found))


def moment(text: str, *, now: float) -> int:
    """A time as milliseconds since the epoch: ISO 8601 (without a zone: UTC), or a duration before now, such as `2h`.

    Raises WrongSelection.
    """
    try:
        return round(now * 1000) - parse_duration(text)
    except ValueError:
        pass
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise WrongSelection(f"'{text}' is no time: write 2026-03-01T12:00, or how long ago, such as 2h") from None
    return round((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)


def decoded(record: Record, version: SubjectVersion | None) -> Any:
    """The value as plain data; without a schema it is JSON. Raises ValueError, RecursionError or Unreadable."""
    return decode_record(record, *((None, None) if version is None else (version.schema, version.revisions)))


class Selection:
    """What a dead letter must be; what is not said is anything."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        destination: str | None = None,
        cause: str | None = None,
        key: str | None = None,
        since: int | None = None,
        until: int | None = None,
        where: str | None = None,
    ) -> None:
        """Raises WrongSelection for a cause that is none."""
        if cause is not None and not _CAUSE.fullmatch(cause):
            raise WrongSelection(f"'{cause}' is no cause: the first column of `router dead-letters list` has them")
        self.unasked = 0
        """Dead letters that `where` could not be asked of: they are left out."""
        self._catalogue = catalogue
        self._destination, self._cause = destination, cause
        self._key = None if key is None else key.encode(errors="surrogateescape")
        self._since, self._until = since, until
        self._where = where
        self._asked: dict[str, Callable[[PlainRecord], bool]] = {}

    @property
    def takes_all(self) -> bool:
        """Nothing is asked of a dead letter: each is meant."""
        criteria = (self._destination, self._cause, self._key, self._since, self._until, self._where)
        return all(criterion is None for criterion in criteria)

    @property
    def asks_when(self) -> bool:
        """It depends on when dead letters died."""
        return self._since is not None or self._until is not None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the dead letter is meant. Raises WrongSelection where `where` cannot be compiled for its schema."""
        death, record = letter.death, letter.record
        if self._destination is not None and death.destination != self._destination:
            return False
        if self._key is not None and record.key != self._key:
            return False
        if self._since is not None and letter.time < self._since:
            return False
        if self._until is not None and letter.time >= self._until:
            return False
        return (self._cause is None or self._is_of(death)) and (self._where is None or self._holds(record))

    def version_of(self, record: PlainRecord) -> SubjectVersion | None:
        """The subject and version that the record has by its topic's name, as far as the catalogue knows it."""
        return self._catalogue.resolve(record.topic.removesuffix(_ENDING))

    def _is_of(self, death: Death) -> bool:
        symptom = symptom_of(death)
        # Of one error and place only so many messages are told apart; what comes then is listed as one cause.
        return self._cause in {cause_id(symptom), cause_id(replace(symptom, message="…"))}

    def _holds(self, record: PlainRecord) -> bool:
        asked = self._asked.get(record.topic)
        if asked is None:
            asked = self._asked[record.topic] = self._question(record)
        try:
            return asked(record)
        except (WhereFailed, Unreadable, ValueError, RecursionError):
            self.unasked += 1
            return False

    def _question(self, record: PlainRecord) -> Callable[[PlainRecord], bool]:
        assert self._where is not None
        return question(self._where, self.version_of(record), of=record.topic)


def question(where: str, version: SubjectVersion | None, *, of: str) -> Callable[[Record], bool]:
    """What evaluates an expression over records of this version. Raises WrongSelection where it cannot be asked of them.

    What it gives raises WhereFailed, Unreadable, ValueError or RecursionError for a record of which there is no telling.
    """
    environment = Environment.of_schema(None if version is None else version.schema)
    try:
        compiled: Where = compile_where(where, environment, engine=Re2())
    except InvalidWhere as invalid:
        raise WrongSelection(f"--where cannot be asked of '{of}': {invalid}") from invalid
    reads_value = bool(compiled.paths or compiled.whole)

    def holds(one: Record) -> bool:
        value = decoded(one, version) if reads_value else {}
        key = b"" if one.key is None else one.key
        return compiled.evaluate(
            value=value, headers=header_texts(one.headers), key=key.decode(errors="surrogateescape")
        )

    return holds
