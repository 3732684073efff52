"""What people tell a lane, as headers."""

from __future__ import annotations

import pytest

from router.failure.commands import (
    COMMAND,
    ENDS,
    GIVES_UP,
    REDRIVES,
    RELEASES,
    End,
    GiveUpKey,
    Redrive,
    ReleaseKey,
    end_headers,
    give_up_headers,
    read_command,
    redrive_headers,
    release_key_headers,
)
from router.failure.rejections import LANE, REJECTS, Lane, Malformed
from router.records.headers import ORIGIN, Origin
from router.records.record import Headers, PlainRecord

LETTER = Origin("vip.v1.dead-letters", 0, 17)
OURS = Lane("orders.v1", 3)
COPY: Headers = (("source", b"web"), (ORIGIN, b"orders.v1/3/1234"), ("router-hop", b"1;r"))


def told(*headers: tuple[str, bytes | None], key: bytes | None = b"k") -> PlainRecord:
    """Return a record among the rejections of vip.v1."""
    return PlainRecord(topic="vip.v1.rejected", partition=3, key=key, value=b"1", timestamp=5, headers=headers)


@pytest.mark.parametrize("copy", [Origin("vip.v1", 2, 9), None], ids=["was a copy", "never was one"])
def test_redrive_comes_back(copy: Origin | None) -> None:
    """With the copy as it is to be sent, and its place among what came back."""
    headers = redrive_headers(
        told(*COPY), "7c1e", LETTER, copy=copy, reason="failed", error="out of range", error_class="E", place="value:n"
    )
    read = read_command(told(*headers))
    assert isinstance(read, Redrive)
    assert (read.command, read.letter) == ("7c1e", LETTER)
    rejection = read.rejection
    assert rejection.copy == (copy or Origin("vip.v1", -1, 1234))
    assert rejection.origin == Origin("orders.v1", 3, 1234)
    assert (rejection.reason, rejection.error, rejection.error_class, rejection.place) == (
        "failed", "out of range", "E", "value:n"
    )  # fmt: skip
    assert not rejection.parks
    assert (rejection.record.headers, rejection.record.value, rejection.record.timestamp) == (COPY, b"1", 5)


def test_redrive_of_a_copy_elsewhere_has_no_place_here() -> None:
    """A dead letter that is sent to another topic than the one that it died in is the first there."""
    read = read_command(told(*redrive_headers(told(*COPY), "c", LETTER, copy=Origin("other.v1", 2, 9), reason="")))
    assert isinstance(read, Redrive)
    assert (read.rejection.copy, read.rejection.reason) == (Origin("vip.v1", -1, 1234), "failed")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(release_key_headers("c", OURS), ReleaseKey("c", OURS, b"k"), id="release"),
        pytest.param(give_up_headers("c", OURS, silently=True), GiveUpKey("c", OURS, b"k", silently=True), id="skip"),
        pytest.param(
            give_up_headers("c", OURS, silently=False), GiveUpKey("c", OURS, b"k", silently=False), id="dead letter"
        ),
        pytest.param(end_headers("c", OURS, 12), End("c", OURS, 12), id="end"),
    ],
)
def test_what_is_said_to_a_lane_comes_back(headers: Headers, expected: object) -> None:
    """Each is read as it was written."""
    assert read_command(told(*headers)) == expected


def test_rejection_is_no_command() -> None:
    """Nor is anything else that has no command's id."""
    assert read_command(told(*COPY, (REJECTS, b"vip.v1/2/9"))) is None


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        pytest.param([(COMMAND, b"no id!"), (RELEASES, b"1")], "no id", id="an id that is none"),
        pytest.param([(COMMAND, None), (RELEASES, b"1")], "no id", id="no id at all"),
        pytest.param([(COMMAND, b"c"), (REDRIVES, b"?")], REDRIVES, id="no dead letter"),
        pytest.param([(COMMAND, b"c"), (REDRIVES, b"t/0/1")], ORIGIN, id="no original"),
        pytest.param([(COMMAND, b"c"), (REDRIVES, b"t/0/1"), (ORIGIN, b"o/4/1")], ORIGIN, id="another partition's"),
        pytest.param([(COMMAND, b"c"), (RELEASES, b"1")], LANE, id="no lane"),
        pytest.param([(COMMAND, b"c"), (RELEASES, b"1"), (LANE, b"o/4")], LANE, id="a lane of another partition"),
        pytest.param([(COMMAND, b"c"), (LANE, b"o/3")], "one of the headers", id="nothing to do"),
        pytest.param([(COMMAND, b"c"), (LANE, b"o/3"), (GIVES_UP, b"?")], "one of the headers", id="no way to give up"),
        pytest.param([(COMMAND, b"c"), (LANE, b"o/3"), (ENDS, b"x")], "one of the headers", id="no number"),
    ],
)
def test_unreadable_command_says_what_is_wrong(headers: Headers, problem: str) -> None:
    """It becomes a dead letter, and nothing is done."""
    read = read_command(told(*headers))
    assert isinstance(read, Malformed)
    assert problem in read.problem


def test_command_about_a_parked_key_has_the_key() -> None:
    """Which key, nothing else says."""
    read = read_command(told(*release_key_headers("c", OURS), key=None))
    assert isinstance(read, Malformed)
    assert "has the key" in read.problem
