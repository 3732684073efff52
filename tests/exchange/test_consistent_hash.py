"""The consistent-hash exchange: rules 22 and 23, bettered: any change of the bindings moves only its own share."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.exchange.consistent_hash import ConsistentHashMatcher
from router.exchange.header_values import HeaderValue
from router.exchange.matcher import Message, RingMiss, message
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place

KEYS = tuple(f"order-{number}" for number in range(20_000))
SOME = KEYS[:500]

Weighted = Sequence[tuple[str, int]]


def ring(weighted: Weighted, *, hash_header: str | None = None, where: Mapping[int, str] | None = None) -> Exchange:
    """A binding for each destination and weight, each on a line of its own; `where` by line."""
    bindings = tuple(
        Binding(
            "x",
            None,
            Destination(DestinationKind.TOPIC, name),
            Place("f", line, 1),
            "team",
            weight=weight,
            where=(where or {}).get(line),
        )
        for line, (name, weight) in enumerate(weighted, 1)
    )
    place = Place("f", 1, 1)
    return Exchange("x", ExchangeType.CONSISTENT_HASH, bindings, None, place, "team", hash_header=hash_header)


def owners(weighted: Weighted, keys: Sequence[str] = KEYS) -> tuple[str, ...]:
    """For each key the one destination that it goes to."""
    return owners_of(tuple(weighted), tuple(keys))


@lru_cache(maxsize=32)
def owners_of(weighted: Weighted, keys: Sequence[str]) -> tuple[str, ...]:
    """The same, kept for tests that ask again."""
    matcher = ConsistentHashMatcher(ring(weighted))
    return tuple(owner.destination.name for key in keys for (owner,) in [matcher.match(message(key))])


def moved(before: Sequence[str], after: Sequence[str]) -> set[tuple[str, str]]:
    """From where to where keys moved."""
    return {(old, new) for old, new in zip(before, after, strict=True) if old != new}


class TestRule22Weights:
    """A destination's share of the keys is its share of the weights."""

    @pytest.mark.parametrize(
        "weights",
        [
            pytest.param([1, 2, 3], id="1-2-3"),
            pytest.param([1] * 4, id="four-equal"),
            pytest.param([1] * 10, id="ten-equal"),
            pytest.param([1, 9], id="1-9"),
            pytest.param([20, 10, 30], id="tens"),
            pytest.param([5], id="alone"),
        ],
    )
    def test_shares_are_those_of_the_weights(self, weights: list[int]) -> None:
        """Within 10 % of it, over 20,000 keys."""
        weighted = [(f"queue-{number}", weight) for number, weight in enumerate(weights)]
        counts = Counter(owners(weighted))
        for name, weight in weighted:
            assert counts[name] == pytest.approx(len(KEYS) * weight / sum(weights), rel=0.1)

    def test_shares_hold_for_any_names(self) -> None:
        """No destination is unlucky in its name: half of them are within 2.5 %, and hardly any is off by 10 %."""
        errors = []
        for drawn in range(8):
            counts = Counter(owners([(f"{drawn}-{number}", 1) for number in range(5)]))
            errors += [abs(counts[f"{drawn}-{number}"] / 4_000 - 1) for number in range(5)]
        assert sorted(errors)[20] < 0.025
        assert max(errors) < 0.1

    def test_nothing_bound_takes_nothing(self) -> None:
        """An empty ring belongs to nobody."""
        assert ConsistentHashMatcher(ring([])).match(message("a")) == ()

    def test_a_key_stays_where_it_is(self) -> None:
        """In this version and the next: places and points are part of what is promised."""
        assert owners([("a", 1), ("b", 2), ("c", 3)], KEYS[:12]) == tuple("cccbbcacbccb")


class TestRule23Changes:
    """Adding, removing or reweighting any destination moves only its own share, unlike RabbitMQ's jump hash."""

    @pytest.mark.parametrize("position", [0, 2, 4], ids=["first", "middle", "last"])
    def test_adding_takes_only_its_share(self, position: int) -> None:
        """Keys move to the new one alone, about a fifth of all, wherever it stands."""
        before = [(f"queue-{number}", 1) for number in range(4)]
        after = [*before[:position], ("new", 1), *before[position:]]
        old, new = owners(before), owners(after)
        assert {to for _, to in moved(old, new)} == {"new"}
        assert new.count("new") == pytest.approx(len(KEYS) / 5, rel=0.1)

    @pytest.mark.parametrize("position", [0, 2, 4], ids=["first", "middle", "last"])
    def test_removing_moves_only_its_share(self, position: int) -> None:
        """Its keys go to the others, to each its part; RabbitMQ moved 18,346 of 20,000 for the first."""
        before = [(f"queue-{number}", 1) for number in range(5)]
        gone = before[position][0]
        old, new = owners(before), owners([each for each in before if each[0] != gone])
        assert {was for was, _ in moved(old, new)} == {gone}
        assert len(moved(old, new)) == 4
        assert sum(was != now for was, now in zip(old, new, strict=True)) == old.count(gone)

    def test_reweighting_moves_only_the_difference(self) -> None:
        """More weight takes from the others, less gives to them, and back is where it was."""
        light, heavy = [("a", 1), ("b", 2), ("c", 1)], [("a", 1), ("b", 3), ("c", 1)]
        old, new = owners(light), owners(heavy)
        assert {to for _, to in moved(old, new)} == {"b"}
        assert {was for was, _ in moved(new, old)} == {"b"}
        assert sum(was != now for was, now in zip(old, new, strict=True)) == pytest.approx(len(KEYS) / 10, rel=0.2)

    def test_bindings_of_one_destination_add_up(self) -> None:
        """Weights 1 and 9 count as 10; RabbitMQ counted 1."""
        twice = [("a", 1), ("b", 10), ("a", 9)]
        assert owners(twice) == owners([("a", 10), ("b", 10)])

    def test_removing_one_of_two_bindings_leaves_the_other(self) -> None:
        """RabbitMQ took the queue out of the ring, though it was still bound."""
        twice = [("a", 3), ("b", 4), ("a", 1)]
        assert owners(twice[:2]) == owners([("b", 4), ("a", 3)])
        assert {was for was, _ in moved(owners(twice), owners(twice[:2]))} == {"a"}
        assert {was for was, _ in moved(owners(twice), owners(twice[1:]))} == {"a"}
        assert owners(twice[1:]).count("a") == pytest.approx(len(KEYS) / 5, rel=0.1)

    @settings(max_examples=25, deadline=None)
    @given(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 4), min_size=2, max_size=8), st.randoms(), st.data()
    )
    def test_any_change_of_any_ring_moves_only_its_share(
        self, weights: dict[str, int], shuffler: random.Random, data: st.DataObject
    ) -> None:
        """Whatever is bound with whatever weights, and in whatever order."""
        weighted = list(weights.items())
        shuffled = list(weighted)
        shuffler.shuffle(shuffled)
        before = owners(weighted, SOME)
        assert owners(shuffled, SOME) == before
        gone = data.draw(st.sampled_from(weighted))[0]
        rest = [each for each in shuffled if each[0] != gone]
        after = owners(rest, SOME)
        assert {was for was, _ in moved(before, after)} <= {gone}
        assert gone not in after

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), min_size=1, max_size=6), st.randoms())
    def test_only_sums_of_weights_count(self, weighted: list[tuple[str, int]], shuffler: random.Random) -> None:
        """However they are split over bindings, and in whatever order those stand."""
        sums: Counter[str] = Counter()
        for name, weight in weighted:
            sums[name] += weight
        shuffled = list(weighted)
        shuffler.shuffle(shuffled)
        assert owners(shuffled, SOME) == owners(list(sums.items()), SOME)


class TestWhatIsHashed:
    """The routing key, or a header."""

    def headed(self, value: HeaderValue, routing_key: str = "k") -> Message:
        """A message with the header that is hashed."""
        return Message(routing_key, (routing_key,), headers={"h": value})

    matcher = ConsistentHashMatcher(ring([(str(number), 1) for number in range(10)], hash_header="h"))

    def owner(self, one: Message) -> str:
        """Of ten equals."""
        (found,) = self.matcher.match(one)
        return found.destination.name

    def test_header_decides_and_not_the_key(self) -> None:
        """The same header is the same place."""
        assert len({self.owner(self.headed("a", key)) for key in SOME}) == 1
        assert len({self.owner(self.headed(key)) for key in SOME}) == 10

    def test_messages_without_the_header_go_together(self) -> None:
        """Missing, null and empty are one place, as one place it must be."""
        missing = [Message(key, (key,)) for key in SOME]
        assert len({self.owner(each) for each in (*missing, self.headed(None), self.headed(""))}) == 1

    def test_header_hashes_as_the_key_does(self) -> None:
        """A key that becomes a header keeps its place, and a number is its text."""
        by_key = owners([(str(number), 1) for number in range(10)], ["a", "5"])
        assert tuple(self.owner(self.headed(value)) for value in ("a", 5)) == by_key

    @pytest.mark.parametrize(
        "key",
        [
            pytest.param("", id="empty"),
            pytest.param("\udcff", id="not-utf-8"),
            pytest.param(chr(0xD800), id="half-a-character"),
            pytest.param("k" * 100_000, id="long"),
        ],
    )
    def test_any_text_has_a_place(self, key: str) -> None:
        """Whatever it is made of."""
        matcher = ConsistentHashMatcher(ring([(key or "t", 1)]))
        assert len(matcher.match(Message(key, (key,)))) == 1


class TestWhere:
    """A binding whose condition does not hold gives its share to the others."""

    def message(self, key: str, *, truth: bool | None) -> Message:
        """One that meets the condition `c` or not."""
        return Message(key, (key,), truths={"c": truth})

    def test_condition_that_holds_changes_nothing(self) -> None:
        """Whoever owns a key without conditions owns it."""
        matcher = ConsistentHashMatcher(ring([("a", 1), ("b", 1), ("c", 1)], where={1: "c"}))
        taken = [matcher.match(self.message(key, truth=True)) for key in SOME]
        assert tuple(each.destination.name for (each,) in taken) == owners([("a", 1), ("b", 1), ("c", 1)], SOME)

    @pytest.mark.parametrize("truth", [False, None])
    def test_condition_that_does_not_hold_hands_on(self, truth: bool | None) -> None:
        """As if it were not bound, while the others keep what they have; it is named, in case it could not be evaluated."""
        matcher = ConsistentHashMatcher(ring([("a", 1), ("b", 1), ("c", 1)], where={1: "c"}))
        lines = [matcher.match(self.message(key, truth=truth)) for key in SOME]
        assert tuple(line[-1].destination.name for line in lines) == owners([("b", 1), ("c", 1)], SOME)
        before = owners([("a", 1), ("b", 1), ("c", 1)], SOME)
        for line, owner in zip(lines, before, strict=True):
            assert [each.destination.name for each in line[:-1]] == (["a"] if owner == "a" else [])

    def test_where_none_may_nobody_takes_it(self) -> None:
        """All stand in line, each once."""
        matcher = ConsistentHashMatcher(ring([("a", 1), ("b", 2), ("c", 1)], where={1: "c", 2: "c", 3: "c"}))
        line = matcher.match(self.message("k", truth=False))
        assert sorted(each.destination.name for each in line) == ["a", "b", "c"]

    def test_order_of_the_line_is_that_of_removal(self) -> None:
        """Who comes next is who would own the key if all before were not bound."""
        weighted = [("a", 1), ("b", 2), ("c", 1), ("d", 3)]
        matcher = ConsistentHashMatcher(ring(weighted, where=dict.fromkeys(range(1, 5), "c")))
        for key in SOME[:100]:
            rest = list(weighted)
            for each in matcher.match(self.message(key, truth=False)):
                assert owners(rest, [key]) == (each.destination.name,)
                rest = [other for other in rest if other[0] != each.destination.name]


class TestMiss:
    """Why a binding did not get a message."""

    def test_all_but_the_owner_miss_by_it(self) -> None:
        """They are told whose it is."""
        bound = ring([("a", 1), ("b", 1), ("c", 1)])
        matcher = ConsistentHashMatcher(bound)
        for key in SOME[:50]:
            (owner,) = matcher.match(message(key))
            missed = [matcher.miss(each, message(key)) for each in bound.bindings]
            assert missed == [None if each is owner else RingMiss(owner) for each in bound.bindings]

    def test_condition_of_an_owner_is_no_miss_of_the_ring(self) -> None:
        """It is the condition that failed: the ring gave it the message."""
        bound = ring([("a", 1), ("b", 1)], where={1: "c", 2: "c"})
        matcher = ConsistentHashMatcher(bound)
        refused = Message("k", ("k",), truths={"c": False})
        assert [matcher.miss(each, refused) for each in bound.bindings] == [None, None]

    def test_ring_of_others_who_refuse_belongs_to_nobody(self) -> None:
        """A binding that is not in line, since it is of another exchange, has no owner to be told."""
        bound = ring([("a", 1)], where={1: "c"})
        (stranger,) = ring([("b", 1)]).bindings
        matcher = ConsistentHashMatcher(bound)
        assert matcher.miss(stranger, Message("k", ("k",), truths={"c": False})) == RingMiss(None)
        assert ConsistentHashMatcher(ring([])).miss(stranger, message("k")) == RingMiss(None)
