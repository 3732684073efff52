"""Looking for records: where it begins, how far it goes, which are meant."""

from __future__ import annotations

import pytest
from support.console import MemoryKafka, order, today

from router.console.browsing import Browsing, From, Wanted, moment
from router.tables.questions import WrongQuestion

SHOWER = today().shower


@pytest.fixture
def kafka() -> MemoryKafka:
    """A topic of two partitions with a hundred records each."""
    made = MemoryKafka({"order.v1": 2})
    for partition in range(2):
        for n in range(100):
            made.put(
                "order.v1", order(n=n, email="a@b.c"), key=b"k%d" % (n % 10), partition=partition, timestamp=n * 1_000
            )
    return made


def wanted(*, key: bytes | None = None, where: str = "") -> Wanted:
    """Records of the topic that are meant."""
    return Wanted(SHOWER, "order.v1", key=key, where=where)


@pytest.mark.parametrize(
    ("begin", "first", "count"),
    [
        pytest.param(From("newest"), (1, 99), 5, id="newest"),
        pytest.param(From("oldest"), (0, 0), 5, id="oldest"),
        pytest.param(From("offset", 1, 97), (1, 97), 3, id="offset"),
        pytest.param(From("offset", 1, 1_000), None, 0, id="behind the end"),
        pytest.param(From("time", 0, time=98_500), (0, 99), 1, id="time"),
        pytest.param(From("newest", 0), (0, 99), 5, id="one partition"),
    ],
)
async def test_a_page_begins_where_it_was_asked_to(
    kafka: MemoryKafka, begin: From, first: tuple[int, int] | None, count: int
) -> None:
    """And has as many records as there are, up to its limit."""
    found = await Browsing(kafka).find("order.v1", begin, wanted(), limit=5)
    places = [(each.partition, each.offset) for each in found.records]
    assert (places[0] if places else None, len(places)) == (first, count)
    assert found.whole is (count < 5)


async def test_the_newest_are_looked_for_backwards(kafka: MemoryKafka) -> None:
    """No further than is needed, and to the very beginning where little is found."""
    few = wanted()
    await Browsing(kafka).find("order.v1", From("newest"), few, limit=5)
    assert few.looked <= 40
    rare = await Browsing(kafka).find("order.v1", From("newest"), wanted(where="n == 0"), limit=5)
    assert ([each.offset for each in rare.records], rare.looked, rare.whole) == ([0, 0], 200, True)


async def test_a_search_ends_after_so_many(kafka: MemoryKafka) -> None:
    """And says that there may be more, and from where on."""
    found = await Browsing(kafka).find("order.v1", From("oldest", 0), wanted(where="n < 0"), limit=5, most=50)
    assert (found.records, found.whole or found.looked == 100) == ((), True)
    backwards = await Browsing(kafka).find("order.v1", From("newest"), wanted(where="n < 0"), limit=5, most=30)
    assert (backwards.whole, backwards.looked < 200) == (False, True)
    page = await Browsing(kafka).find("order.v1", From("offset", 0, 10), wanted(key=b"k1"), limit=2)
    assert ([each.offset for each in page.records], page.whole) == ([11, 21], False)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        pytest.param("n >= 98", 4, id="field"),
        pytest.param("key == 'k3' && n < 10", 2, id="key"),
        pytest.param("email == 'a@b.c'", 0, id="what is masked"),
        pytest.param("1 / (n - 99) > 0", 0, id="one that fails"),
    ],
)
async def test_a_condition_chooses(kafka: MemoryKafka, where: str, count: int) -> None:
    """As `where` does in a binding, over what may be seen."""
    assert (
        len((await Browsing(kafka).find("order.v1", From("oldest"), wanted(where=where), limit=200)).records) == count
    )


async def test_what_could_not_be_asked_is_counted(kafka: MemoryKafka) -> None:
    """A record that is not readable is not silently left out; one that is asked by its key alone needs no value."""
    bad = kafka.put("order.v1", b"\xff", key=b"bad")
    found = await Browsing(kafka).find("order.v1", From("oldest", 0), wanted(where="n > 98"), limit=200)
    assert (len(found.records), found.unasked) == (1, 1)
    by_key = await Browsing(kafka).find("order.v1", From("oldest", 0), wanted(where="key == 'bad'"), limit=200)
    assert by_key.records == (bad,)
    with pytest.raises(WrongQuestion, match="cannot be asked"):
        wanted(where="nn > 1")


async def test_what_is_not_there_says_what_is(kafka: MemoryKafka) -> None:
    """A topic, a partition, an offset."""
    browsing = Browsing(kafka)
    assert (await browsing.record("order.v1", 1, 7)).offset == 7
    for place, said in (
        (("order.v1", 1, 100), "holds offsets 0 to 99"), (("order.v1", 2, 0), "partitions 0 to 1"), (("other", 0, 0), "no topic 'other'"),
    ):  # fmt: skip
        with pytest.raises(LookupError, match=said):
            await browsing.record(*place)
    with pytest.raises(LookupError, match="holds nothing"):
        await Browsing(MemoryKafka({"empty": 1})).record("empty", 0, 0)


async def test_records_are_followed_as_they_come(kafka: MemoryKafka) -> None:
    """From the end on, or from somewhere before it; with how many were looked at."""
    coming = Browsing(kafka).follow("order.v1", From("newest"), wanted())
    assert await anext(coming) == ([], 0)
    again = Browsing(kafka).follow("order.v1", From("offset", 0, 90), wanted(where="n > 95"))
    found, looked = await anext(again)
    assert ([each.offset for each in found], looked) == ([96, 97, 98, 99], 10)


def test_a_moment_is_iso() -> None:
    """In UTC, unless it says otherwise."""
    assert moment("1970-01-01T00:00:01") == 1_000
    assert moment("1970-01-01T01:00:00+01:00") == 0
    with pytest.raises(WrongQuestion, match="is no time"):
        moment("soon")
