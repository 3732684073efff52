"""Which revision wrote a record: by what its bytes or its headers say, or because its version has only one. Pure.

| encoding | what tells | the body |
|---|---|---|
| `single-object` | C3 01, then the fingerprint as 8 little-endian bytes | what follows |
| `header` | the header `router-schema`: the fingerprint as 16 hex digits, most significant first | the whole value |
| `confluent` | a zero byte, then a registry's id as 4 big-endian bytes, which subject.yaml maps to a revision | what follows |
| `bare` | nothing: the version has one revision | the whole value |

A fingerprint is CRC-64-AVRO of the parsing canonical form. A record that says what nobody knows is unreadable, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from router.errors import Unreadable
from router.records.record import Headers
from router.versions.subjects import Encoding, Revision, Subject

__all__ = ["SCHEMA_HEADER", "Writers", "Written", "encode_schema_header", "with_prefix"]

SCHEMA_HEADER = "router-schema"
_SINGLE_OBJECT = b"\xc3\x01"
_CONFLUENT = b"\x00"


@dataclass(frozen=True, slots=True)
class Written:
    """A record's revision and its bare body."""

    revision: Revision
    body: bytes


@dataclass(frozen=True, slots=True)
class Writers:
    """Tells the revisions of one version's records."""

    subject: Subject
    version: int
    _by_fingerprint: Mapping[int, Revision] = field(init=False, repr=False)
    _by_id: Mapping[int, Revision] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        revisions = self.subject.of_version(self.version)
        # The newest of those that are alike is the one that readers know.
        object.__setattr__(self, "_by_fingerprint", {each.fingerprint: each for each in revisions})
        names = {each.name: each for each in revisions}
        ids = {number: names[name] for number, name in self.subject.confluent_ids.items() if name in names}
        object.__setattr__(self, "_by_id", ids)

    def written(self, value: bytes, headers: Headers = ()) -> Written:
        """What wrote a value. Raises Unreadable where it does not say, or says what nobody knows."""
        match self.subject.encoding:
            case Encoding.SINGLE_OBJECT:
                self._expect(value, _SINGLE_OBJECT, 10, "single-object encoding")
                return Written(self._known(int.from_bytes(value[2:10], "little"), 2), value[10:])
            case Encoding.CONFLUENT:
                self._expect(value, _CONFLUENT, 5, "a registry's prefix")
                number = int.from_bytes(value[1:5], "big")
                if number not in self._by_id:
                    problem = f"no revision of {self._name} has the registry's id {number}: add it to subject.yaml"
                    raise Unreadable(field="", position=1, problem=problem)
                return Written(self._by_id[number], value[5:])
            case Encoding.HEADER:
                return Written(self._known(_stated(headers), -1), value)
        newest = self.subject.newest(self.version)
        if newest is None:
            raise Unreadable(field="", position=-1, problem=f"there is no schema of {self._name}")
        return Written(newest, value)

    @property
    def _name(self) -> str:
        return f"{self.subject.name} v{self.version}"

    def _known(self, fingerprint: int, position: int) -> Revision:
        revision = self._by_fingerprint.get(fingerprint)
        if revision is None:
            problem = f"no revision of {self._name} has the fingerprint {fingerprint:016x}"
            raise Unreadable(field="", position=position, problem=problem)
        return revision

    @staticmethod
    def _expect(value: bytes, mark: bytes, length: int, what: str) -> None:
        if not value.startswith(mark) or len(value) < length:
            raise Unreadable(field="", position=0, problem=f"it does not begin with {what}")


def encode_schema_header(revision: Revision) -> bytes:
    """The value of a `router-schema` header."""
    return b"%016x" % revision.fingerprint


def with_prefix(subject: Subject, revision: Revision, body: bytes) -> bytes:
    """A value as the subject's records are written, from its bare body; of `header` and `bare` the body itself."""
    match subject.encoding:
        case Encoding.SINGLE_OBJECT:
            return _SINGLE_OBJECT + revision.fingerprint.to_bytes(8, "little") + body
        case Encoding.CONFLUENT:
            by_name: Callable[[int], bool] = lambda number: subject.confluent_ids[number] == revision.name  # noqa: E731 -- named for what it asks
            return _CONFLUENT + max(filter(by_name, subject.confluent_ids)).to_bytes(4, "big") + body
    return body


def _stated(headers: Headers) -> int:
    values = [value for name, value in headers if name == SCHEMA_HEADER]
    try:
        return int((values[-1] or b"").decode("ascii"), 16)
    except (IndexError, ValueError):
        problem = (
            f"the header {SCHEMA_HEADER} is missing" if not values else f"the header {SCHEMA_HEADER} is no fingerprint"
        )
        raise Unreadable(field="", position=-1, problem=problem) from None
