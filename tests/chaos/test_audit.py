"""The books of a run, entered record by record: each way to be wrong is seen, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.audit import Audit, Offence, Page, runs


def content(number: int, **other: Any) -> tuple[bytes, bytes, int, tuple[Any, ...]]:
    return (other.get("key", b"k"), b"%d" % number, 1_000 + number, ())


def books(*copies: tuple[int, int], changed: int = -1, at: int = 0, originals: tuple[int, ...] = (0, 1, 2, 3)) -> Page:
    """Of one source partition, whose even values are wanted; a copy is where it lies and what it is of."""
    audit = Audit(1, {"even": lambda value: int(value or b"1") % 2 == 0})
    for number in originals:
        audit.original(0, number, content(number))
    for place, number in copies:
        audit.copy("even", (at, place), (0, number), content(number, key=b"x" if number == changed else b"k"))
    return audit.close()["even"]


def test_books_that_balance() -> None:
    """Each wanted record once and in order is exact."""
    page = books((0, 0), (1, 2))
    assert page.exact
    assert (page.wanted, page.found, page.offences) == (2, 2, [])


@pytest.mark.parametrize(
    ("copies", "field", "offence"),
    [
        pytest.param([(0, 0)], "missing", Offence("missing", "even", 0, 2), id="missing"),
        pytest.param(
            [(0, 0), (1, 2), (2, 2)], "doubled", Offence("doubled", "even", 0, 2, (0, 2)), id="doubled at once"
        ),
        pytest.param(
            [(0, 0), (1, 2), (2, 0)], "doubled", Offence("doubled", "even", 0, 0, (0, 2)), id="doubled later"
        ),
        pytest.param(
            [(0, 2), (1, 0)], "disorder", Offence("out of order", "even", 0, 0, (0, 1), 2), id="out of order"
        ),
        pytest.param([(0, 0), (1, 1), (2, 2)], "strangers", Offence("stranger", "even", 0, 1, (0, 1)), id="unwanted"),
        pytest.param([(0, 0), (1, 2), (2, 9)], "strangers", Offence("stranger", "even", 0, 9, (0, 2)), id="unknown"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_counted_and_named(copies: list[tuple[int, int]], field: str, offence: Offence) -> None:
    """One offence is one number and one record to look at, and nothing else is blamed."""
    page = books(*copies)
    assert not page.exact
    found = {name: getattr(page, name) for name in ("missing", "doubled", "strangers", "disorder", "changed")}
    assert found == dict.fromkeys(found, 0) | {field: 1}
    assert page.offences == [offence]


def test_a_copy_is_as_its_original() -> None:
    """Another key is a change, and a change is no loss."""
    page = books((0, 0), (1, 2), changed=2)
    assert (page.changed, page.missing, page.whole) == (1, 0, False)


def test_duplicates_are_allowed_where_only_wholeness_is_promised() -> None:
    """At-least-once may repeat a record, later ones again as well."""
    page = books((0, 0), (1, 2), (2, 0), (3, 2))
    assert page.whole
    assert (page.exact, page.doubled) == (False, 2)


def test_holes_in_the_source_want_nothing() -> None:
    """An offset that no record has is not missed, and a copy of it is a stranger."""
    assert books((0, 0), (1, 4), originals=(0, 3, 4)).exact
    assert books((0, 0), (1, 2), (2, 4), originals=(0, 3, 4)).strangers == 1


def test_few_of_many_offences_are_kept() -> None:
    """The numbers are whole, the examples the first thousand."""
    page = books(originals=tuple(range(2_400)))
    assert (page.missing, len(page.offences)) == (1_200, 1_000)


def test_successive_offences_are_told_as_one() -> None:
    """A run ends where the offset, the partition, the destination or what is to be said is another."""
    places = [
        ("missing", 0, 4),
        ("missing", 0, 5),
        ("missing", 0, 6),
        ("missing", 0, 8),
        ("missing", 1, 9),
        ("doubled", 1, 10),
    ]
    offences = [Offence(what, "even", partition, offset) for what, partition, offset in places]
    assert runs(offences) == [
        "missing: source 0/4 in even, and so on to missing: source 0/6 in even",
        "missing: source 0/8 in even",
        "missing: source 1/9 in even",
        "doubled: source 1/10 in even",
    ]
    assert runs([]) == []
