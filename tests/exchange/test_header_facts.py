"""Which headers of a record count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.exchange.header_facts import _PATIENCE, MISSING, HeaderFacts
from router.records.record import Headers

NOTHING: Headers = ()


@given(
    st.lists(st.sampled_from("abcd"), unique=True),
    st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([None, b"", b"1"])), max_size=6)),
)
def test_each_name_has_its_last_value(names: list[str], messages: list[Headers]) -> None:
    """In the order of the names, whatever else a record has; a header that is null is not missing."""
    facts = HeaderFacts(names)
    for headers in messages:
        values = [[value for name, value in headers if name == wanted] for wanted in names]
        assert facts.of(headers) == tuple(each[-1] if each else MISSING for each in values)


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from([None, b"1"])), max_size=5))
def test_order_that_was_learned_changes_no_answer(headers: Headers) -> None:
    """Whatever a header is called, and whatever else came before it."""
    names = sorted({name for name, _ in headers} | {"other"})
    facts = HeaderFacts(names)
    first = facts.of(headers)
    assert facts.of(headers) == first == tuple(dict(headers).get(name, MISSING) for name in names)
    assert facts.of([*headers, ("other", b"2")])[names.index("other")] == b"2"


def test_another_order_is_learned_when_the_first_is_out_of_use() -> None:
    """Not at once: a record between others does not make them slow."""
    facts = HeaderFacts(["a"])
    facts.of([("a", b"1")])
    learned = facts.of
    for _ in range(_PATIENCE - 1):
        facts.of([("b", b"2"), ("a", b"1")])
    assert facts.of is learned
    assert facts.of([("b", b"2"), ("a", b"1")]) == (b"1",)
    assert facts.of is not learned
    assert facts.of([("b", b"2"), ("a", b"1")]) == (b"1",)
    assert facts.of([("a", b"1")]) == (b"1",)


def test_endless_headers_are_not_learned() -> None:
    """They are looked up by name."""
    facts = HeaderFacts(["h7"])
    for _ in range(2):
        assert facts.of([(f"h{number}", b"1") for number in range(1_000)]) == (b"1",)
        assert facts.of(NOTHING) == (MISSING,)
