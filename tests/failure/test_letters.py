"""What a lane writes of rejected records."""

from __future__ import annotations

import pytest

from router.failure.deaths import Dialect
from router.failure.dialects import read_death
from router.failure.ledger import DEATH, Ledger, ledger_of
from router.failure.letters import MALFORMED, TIMESTAMP, dead_letter, malformed_letter, mark, renewed, sent_again
from router.failure.notes import DESTINATION, ERROR, REASON
from router.failure.rejections import PARKS, REJECTS, Lane, Rejection, read_rejected, rejection_headers, release_mark
from router.failure.topics import rejected_of
from router.records.headers import ORIGIN, Origin
from router.records.record import PlainRecord

VIP = "vip.v1"
ONCE = Ledger().died(VIP, "failed", 1_000)


def rejection(**more: str) -> Rejection:
    """Return a rejection of the copy at vip.v1/2/70, whose original lies at orders.v1/3/9."""
    headers = (("x", b"1"), (ORIGIN, b"orders.v1/3/9"), (DEATH, b"1;elsewhere.v1;failed;4;1;2"))
    copy = PlainRecord(topic=VIP, partition=2, offset=70, key=b"k", value=b"v", headers=headers)
    told = PlainRecord(
        topic=rejected_of(VIP),
        partition=3,
        offset=5,
        timestamp=77,
        key=b"k",
        value=b"v",
        headers=rejection_headers(copy, parks=True, **more),
    )
    said = read_rejected(told)
    assert isinstance(said, Rejection)
    return said


def test_copy_is_sent_again_as_it_was() -> None:
    """At its original's place, with its deaths as the ledger has them, and nothing of the rejection."""
    again = sent_again(rejection(), ONCE)
    assert (again.topic, again.partition, again.offset) == ("orders.v1", 3, 9)
    assert (again.key, again.value, again.timestamp) == (b"k", b"v", 77)
    assert again.headers == (("x", b"1"), (ORIGIN, b"orders.v1/3/9"), (DEATH, b"1;vip.v1;failed;1;1000;1000"))


@pytest.mark.parametrize("dialect", list(Dialect))
def test_dead_letter_tells_its_death_in_our_headers_and_others(dialect: Dialect) -> None:
    """Ours stand last, so that they are what is read."""
    letter = dead_letter(rejection(error="too large", error_class="DataError", place="value:n"), ONCE, dialect, now=5)
    death = read_death(letter.headers)
    assert death is not None
    assert (death.dialect, death.reason, death.destination, death.count) == (Dialect.ROUTER, "failed", VIP, 1)
    assert (death.message, death.error_class, death.place) == ("too large", "DataError", "value:n")
    assert death.origin == Origin(VIP, 2, 70)
    assert ledger_of(letter.headers) == ONCE
    assert PARKS not in dict(letter.headers)
    foreign = [name for name, _ in letter.headers if name != "x" and not name.startswith("router-")]
    assert bool(foreign) is (dialect is not Dialect.ROUTER)


def test_dead_letter_of_what_was_only_behind_has_no_count() -> None:
    """It never died: what it says is that it was given up."""
    headers = dict(dead_letter(rejection(), Ledger(), Dialect.SPRING, now=5).headers)
    assert (headers[REASON], headers[DESTINATION], headers[REJECTS]) == (b"failed", VIP.encode(), b"vip.v1/2/70")
    assert ERROR not in headers
    assert DEATH not in headers


def test_malformed_rejection_is_kept_as_it_is() -> None:
    """With what is wrong with it, cut to a length that no broker minds."""
    came = PlainRecord(topic=rejected_of(VIP), partition=3, key=b"k", value=b"v", headers=(("x", None), (PARKS, b"1")))
    letter = malformed_letter(came, "é" * 1_000)
    assert (letter.key, letter.value, letter.headers[0]) == (b"k", b"v", ("x", None))
    headers = dict(letter.headers)
    assert headers[REASON] == MALFORMED.encode()
    assert (headers[ERROR] or b"").decode() == "é" * 512
    assert PARKS not in headers


@pytest.mark.parametrize("first", [None, (2, 70)])
def test_mark_names_its_lane_and_since_when(first: tuple[int, int] | None) -> None:
    """Its consumer reads what it must acknowledge, and where."""
    written = mark(Lane("orders.v1", 3), VIP, b"k", epoch=4, first=first)
    assert (written.key, written.value) == (None, None)
    read = release_mark(written.headers)
    assert read is not None
    assert (read.key, read.epoch, read.lane) == (b"k", 4, Lane("orders.v1", 3))
    assert read.first == (None if first is None else Origin(VIP, 2, 70))


def test_renewed_record_tells_the_time_that_it_had_first() -> None:
    """However often it is renewed."""
    first = renewed(PlainRecord(topic=VIP, timestamp=5, headers=(("x", b"1"),)), 100)
    assert (first.timestamp, first.headers) == (100, (("x", b"1"), (TIMESTAMP, b"5")))
    again = renewed(first, 200)
    assert (again.timestamp, again.headers) == (200, first.headers)
