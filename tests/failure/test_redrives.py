"""Redrives as most of them are: the short way reads what the long one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.failure.commands import COMMAND, REDRIVEN, REDRIVES, Redrive, read_command, redrive_headers
from router.failure.ledger import DEATH, Ledger, decode_death, ledger_of
from router.failure.notes import ERROR, PLACE, REASON
from router.failure.redrives import UsualRedrives
from router.failure.rejections import ERROR_CLASS, REJECTS
from router.failure.stored import decode_ledger, encode_deaths
from router.records.headers import HOP, ORIGIN, Origin
from router.records.record import Headers, PlainRecord

SOURCE, VIP = "orders.v1", "vip.v1"
VALUES: dict[str, list[bytes | None]] = {
    COMMAND: [b"c1", b"c2", b"no id", b"", None],
    REDRIVES: [f"{VIP}.dead-letters/0/17".encode(), b"nonsense", None],
    ORIGIN: [
        b"orders.v1/2/7",
        b"orders.v1/2/8",
        b"orders.v1/02/8",
        b"orders.v1/1/7",
        b"other.v1/2/7",
        b"orders.v1/2/x",
        None,
    ],
    DEATH: [
        b"1;vip.v1;failed;1;5;5",
        b"1;vip.v1;failed;2;5;9;more",
        b"1;vip.v1;failed;0;5;5",
        b"1;vip.v1;failed;1;9;5",
        b"1;vip.v1;failed;1;5;5;two\nlines",
        b"1;vip\n.v1;failed;1;5;5",
        b"1;\xff;failed;1;5;5",
        b"?",
        None,
    ],
    REJECTS: [f"{VIP}/2/9".encode(), b"nonsense", None],
    REASON: [b"failed", b"\xff", None],
    ERROR: [b"out of range", None],
    ERROR_CLASS: [b"DataError"],
    PLACE: [b"value:n"],
    HOP: [b"1;r"],
    REDRIVEN: [b"c1"],
    "own": [b"1", None],
}
TYPICAL = [ORIGIN, HOP, DEATH, REDRIVEN, REJECTS, REASON, COMMAND, REDRIVES]


@st.composite
def headers(draw: st.DrawFn) -> Headers:
    """Headers as redrives have them, in any order, with repetitions."""
    names = draw(st.permutations(TYPICAL)) + draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=2))
    # Mostly the first: else nearly all were unusual, for one thing or another.
    return tuple((name, draw(st.one_of(st.just(VALUES[name][0]), st.sampled_from(VALUES[name])))) for name in names)


def rejected(told: Headers, *, partition: int = 2) -> PlainRecord:
    """Return a record among the rejections."""
    return PlainRecord(
        topic=f"{VIP}.rejected", partition=partition, offset=3, timestamp=5, key=b"k", value=b"v", headers=told
    )


@given(told=headers(), partition=st.sampled_from([2, 2, 1]))
def test_short_way_reads_what_the_long_one_does(told: Headers, partition: int) -> None:
    """Whatever headers say: who finds it unusual reads it the long way, and nobody another way."""
    redrives = UsualRedrives(SOURCE, 2)
    record = rejected(told, partition=partition)
    for usual in (redrives.of(record), redrives.of(record)):
        if usual is None:
            continue
        redrive = read_command(record)
        assert isinstance(redrive, Redrive)
        copy = redrive.rejection.record
        assert (usual.command, usual.source) == (redrive.command, redrive.rejection.origin.offset)
        assert redrive.rejection.origin == Origin(SOURCE, 2, usual.source)
        assert tuple(usual.headers) == copy.headers
        assert decode_ledger(encode_deaths(usual.death)) == ledger_of(copy.headers)


def test_what_commands_write_is_usual() -> None:
    """Else the short way would be none."""
    own = ((ORIGIN, b"orders.v1/2/7"), (HOP, b"1;r"), *Ledger().died(VIP, "failed", 5).headers())
    letter = Origin(f"{VIP}.dead-letters", 0, 17)
    told = redrive_headers(PlainRecord(topic=VIP, headers=own), "c1", letter, copy=Origin(VIP, 2, 9), reason="failed")
    usual = UsualRedrives(SOURCE, 2).of(rejected(told))
    assert usual is not None
    assert (usual.command, usual.source, tuple(usual.headers)) == ("c1", 7, own)


def test_death_of_two_lines_is_read_the_long_way() -> None:
    """A table's ledger has a line for each death: what a client wrote must not make two of one."""
    death = b"1;vip.v1;failed;1;5;5;two\nlines"
    assert decode_death(death) is not None
    told = ((ORIGIN, b"orders.v1/2/7"), (DEATH, death), (COMMAND, b"c1"), (REDRIVES, b"t/0/1"))
    assert UsualRedrives(SOURCE, 2).of(rejected(told)) is None


def test_commands_that_clients_make_up_fill_no_memory() -> None:
    """What is remembered is let go."""
    redrives = UsualRedrives(SOURCE, 2)
    for number in range(1_001):
        told = ((ORIGIN, b"orders.v1/2/7"), (DEATH, b"1;v;f;1;5;5"), (COMMAND, b"c%d" % number), (REDRIVES, b"t/0/1"))
        assert redrives.of(rejected(told)) is not None
    assert len(redrives._commands) == 1
