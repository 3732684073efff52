"""The walk through exchanges: RabbitMQ's rules 1 to 3 and 5, conditions, and agreement with a model of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.consistent_hash import ConsistentHashMatcher
from router.exchange.decision import Delivery, Step, Walk
from router.exchange.direct import DirectMatcher
from router.exchange.fanout import FanoutMatcher
from router.exchange.headers import HeadersMatcher
from router.exchange.matcher import ConditionMiss, Message, Miss, Shadowed, Why, message, words_of
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place
from router.exchange.topic import TopicMatcher
from router.exchange.topology import Topology

DIRECT, TOPIC, FANOUT, HEADERS, HASH = ExchangeType


@dataclass(frozen=True)
class Drawn:
    """An exchange as the tests write it: a destination in capitals is an exchange, any other a topic."""

    type: ExchangeType
    bindings: Sequence[tuple[str | None, str]]
    alternate: str | None = None


def destination(name: str) -> Destination:
    """An exchange if in capitals, else a topic."""
    return Destination(DestinationKind.EXCHANGE if name.isupper() else DestinationKind.TOPIC, name)


def topology(drawn: Mapping[str, Drawn]) -> Topology:
    """The exchanges compiled, each binding with a line of its own."""
    return Topology(
        {
            name: Exchange(
                name,
                each.type,
                tuple(
                    Binding(name, key, destination(to), Place(name, line, 1), "team")
                    for line, (key, to) in enumerate(each.bindings, 1)
                ),
                None if each.alternate is None else destination(each.alternate),
                Place(name, 1, 1),
                "team",
            )
            for name, each in drawn.items()
        }
    )


def topics(walk: Walk) -> list[str]:
    """The copies of a walk."""
    return [delivery.topic for delivery in walk.deliveries]


def visited(walk: Walk) -> list[str]:
    """The exchanges of a walk."""
    return [step.exchange for step in walk.steps]


@pytest.mark.parametrize(
    ("kind", "matcher"),
    [
        pytest.param(DIRECT, DirectMatcher, id="direct"),
        pytest.param(FANOUT, FanoutMatcher, id="fanout"),
        pytest.param(TOPIC, TopicMatcher, id="topic"),
        pytest.param(HEADERS, HeadersMatcher, id="headers"),
        pytest.param(HASH, ConsistentHashMatcher, id="consistent-hash"),
    ],
)
def test_each_type_is_matched_by_its_own(kind: ExchangeType, matcher: type) -> None:
    """No exchange is compiled as another type."""
    assert isinstance(topology({"A": Drawn(kind, [])})._matchers["A"], matcher)


class TestRule1OneCopy:
    """A topic gets at most one copy, however many ways lead there."""

    def test_two_bindings_are_one_copy(self) -> None:
        """And the copy names both."""
        walk = topology({"A": Drawn(TOPIC, [("a.*", "t"), ("#", "u"), ("*.b", "t")])}).walk("A", message("a.b"))
        assert topics(walk) == ["t", "u"]
        assert [binding.place.line for binding in walk.deliveries[0].bindings] == [1, 3]

    def test_two_exchanges_are_one_copy(self) -> None:
        """A diamond of exchanges ends in one copy that names both its sides."""
        walk = topology(
            {
                "A": Drawn(FANOUT, [(None, "B"), (None, "C")]),
                "B": Drawn(DIRECT, [("a", "t")]),
                "C": Drawn(TOPIC, [("#", "t")]),
            }
        ).walk("A", message("a"))
        assert topics(walk) == ["t"]
        assert [binding.exchange for binding in walk.deliveries[0].bindings] == ["B", "C"]

    def test_binding_and_alternate_are_one_copy(self) -> None:
        """The copy names the binding, and the exchange whose alternate led there."""
        walk = topology({"A": Drawn(FANOUT, [(None, "t"), (None, "B")]), "B": Drawn(DIRECT, [], alternate="t")}).walk(
            "A", message("a")
        )
        assert topics(walk) == ["t"]
        assert len(walk.deliveries[0].bindings) == 1
        assert walk.deliveries[0].alternates == ("B",)


class TestRule2EachExchangeOnce:
    """Cycles, diamonds and bindings to itself are harmless, and the key stays what it was."""

    @pytest.mark.parametrize(
        ("drawn", "exchanges"),
        [
            pytest.param({"A": Drawn(FANOUT, [(None, "A"), (None, "t")])}, ["A"], id="itself"),
            pytest.param(
                {"A": Drawn(FANOUT, [(None, "B")]), "B": Drawn(FANOUT, [(None, "A"), (None, "t")])},
                ["A", "B"],
                id="cycle",
            ),
            pytest.param(
                {
                    "A": Drawn(FANOUT, [(None, "B"), (None, "C")]),
                    "B": Drawn(FANOUT, [(None, "D")]),
                    "C": Drawn(FANOUT, [(None, "D")]),
                    "D": Drawn(FANOUT, [(None, "t")]),
                },
                ["A", "B", "C", "D"],
                id="diamond",
            ),
            pytest.param(
                {"A": Drawn(FANOUT, [], alternate="B"), "B": Drawn(FANOUT, [(None, "t")], alternate="A")},
                ["A", "B"],
                id="by-an-alternate",
            ),
        ],
    )
    def test_walk_visits_each_exchange_once(self, drawn: dict[str, Drawn], exchanges: list[str]) -> None:
        """In the order in which bindings name them."""
        walk = topology(drawn).walk("A", message("a"))
        assert visited(walk) == exchanges
        assert topics(walk) == ["t"]

    def test_every_exchange_sees_the_same_key(self) -> None:
        """An exchange further on matches what was published, not the binding key that led to it."""
        walk = topology({"A": Drawn(TOPIC, [("a.#", "B")]), "B": Drawn(DIRECT, [("a.b", "t"), ("a.#", "u")])}).walk(
            "A", message("a.b")
        )
        assert walk.routing_key == "a.b"
        assert topics(walk) == ["t"]

    def test_walk_names_the_exchange_that_it_entered(self) -> None:
        """Not the last one."""
        walk = topology({"A": Drawn(FANOUT, [(None, "B")]), "B": Drawn(FANOUT, [(None, "t")])}).walk("A", message("a"))
        assert walk.exchange == "A"


class TestRule3Alternate:
    """It is taken where the exchange's own bindings matched nothing, at every exchange on the way."""

    def test_no_match_takes_the_alternate_topic(self) -> None:
        """The step says so, and the copy names the exchange whose alternate it is."""
        walk = topology({"A": Drawn(TOPIC, [("a", "t")], alternate="rest")}).walk("A", message("b"))
        assert topics(walk) == ["rest"]
        assert walk.steps[0].alternate == destination("rest")
        assert walk.steps[0].matched == ()
        assert walk.deliveries[0].bindings == ()
        assert walk.deliveries[0].alternates == ("A",)

    def test_match_takes_no_alternate(self) -> None:
        """One binding is enough."""
        walk = topology({"A": Drawn(TOPIC, [("a", "t")], alternate="rest")}).walk("A", message("a"))
        assert topics(walk) == ["t"]
        assert walk.steps[0].alternate is None

    @pytest.mark.parametrize("further", ["B", "A"], ids=["leads-nowhere", "back-to-itself"])
    def test_match_on_an_exchange_is_a_match(self, further: str) -> None:
        """Even where that exchange leads nowhere, or back here."""
        walk = topology({"A": Drawn(FANOUT, [(None, further)], alternate="rest"), "B": Drawn(DIRECT, [])}).walk(
            "A", message("a")
        )
        assert topics(walk) == []

    def test_alternates_chain(self) -> None:
        """An exchange reached as an alternate has an alternate of its own."""
        walk = topology(
            {"A": Drawn(DIRECT, [], "B"), "B": Drawn(DIRECT, [("x", "t")], "C"), "C": Drawn(FANOUT, [(None, "u")])}
        ).walk("A", message("a"))
        assert visited(walk) == ["A", "B", "C"]
        assert topics(walk) == ["u"]

    def test_loop_of_alternates_ends(self) -> None:
        """By rule 2, with nothing delivered."""
        walk = topology({"A": Drawn(DIRECT, [], "B"), "B": Drawn(DIRECT, [], "A")}).walk("A", message("a"))
        assert visited(walk) == ["A", "B"]
        assert topics(walk) == []

    def test_alternate_applies_further_on_the_way(self) -> None:
        """One side of a fork delivers, the other takes its own alternate: both count."""
        walk = topology(
            {"A": Drawn(FANOUT, [(None, "B"), (None, "t")], "unused"), "B": Drawn(DIRECT, [("x", "u")], "rest")}
        ).walk("A", message("a"))
        assert topics(walk) == ["t", "rest"]

    def test_alternate_that_does_not_exist_is_ignored(self) -> None:
        """Nothing is delivered, as if there were none; the step names none."""
        for missing in ("MISSING", ""):
            alternate = Destination(DestinationKind.EXCHANGE, missing)
            alone = Topology({"A": Exchange("A", DIRECT, (), alternate, Place("f", 1, 1), "team")})
            for walk in (alone.walk("A", message("a")), alone.walk_everywhere("A")):
                assert topics(walk) == []
                assert visited(walk) == ["A"]
                assert walk.steps[0].alternate is None

    def test_topic_reached_by_alternates_alone_names_each(self) -> None:
        """And one that a binding reaches later names that too, as one copy."""
        walk = topology(
            {
                "A": Drawn(FANOUT, [(None, "B"), (None, "C"), (None, "D")]),
                "B": Drawn(DIRECT, [], "t"),
                "C": Drawn(DIRECT, [], "t"),
                "D": Drawn(FANOUT, [(None, "t"), (None, "t")]),
            }
        ).walk("A", message("a"))
        (delivery,) = walk.deliveries
        assert delivery.alternates == ("B", "C")
        assert [(each.exchange, each.place.line) for each in delivery.bindings] == [("D", 1), ("D", 2)]


class TestRule5DefaultExchange:
    """It leads to the topic of that name, has no bindings and no alternate."""

    at = Topology({"A": Exchange("A", FANOUT, (), None, Place("f", 1, 1), "team")}, topics=["t", "u", "a.b"])

    @pytest.mark.parametrize(
        ("routing_key", "reached"),
        [
            pytest.param("t", ["t"], id="a-topic"),
            pytest.param("a.b", ["a.b"], id="dots-are-plain"),
            pytest.param("#", [], id="hash-is-plain"),
            pytest.param("T", [], id="case"),
            pytest.param("A", [], id="an-exchange-is-no-topic"),
            pytest.param("", [], id="empty"),
        ],
    )
    def test_routing_key_names_the_topic(self, routing_key: str, reached: list[str]) -> None:
        """Whole, and no binding led there."""
        walk = self.at.walk("", message(routing_key))
        assert topics(walk) == reached
        assert all(delivery == Delivery(delivery.topic, ()) for delivery in walk.deliveries)
        assert walk.steps == (Step("", (), None),)
        assert (walk.exchange, walk.routing_key) == ("", routing_key)

    def test_further_keys_name_further_topics(self) -> None:
        """Each once, the routing key's first."""
        further = tuple((key, words_of(key)) for key in ("u", "none", "t", "a.b"))
        assert topics(self.at.walk("", Message("t", ("t",), further=further))) == ["t", "u", "a.b"]


def conditional(where: Sequence[str | None], *, first_only: bool = False, alternate: str | None = None) -> Topology:
    """A fanout with a binding a condition, to topics named by their line."""
    bindings = tuple(
        Binding("A", None, destination(f"t{line}"), Place("A", line, 1), "team", where=condition)
        for line, condition in enumerate(where, 1)
    )
    place = Place("A", 1, 1)
    rest = None if alternate is None else destination(alternate)
    return Topology({"A": Exchange("A", FANOUT, bindings, rest, place, "team", first_only=first_only)})


TRUTHS = {"yes": True, "no": False, "broken": None}


class TestWhere:
    """A condition must hold besides all that the exchange compares."""

    def walk(self, where: Sequence[str | None], *, first_only: bool = False, alternate: str | None = "rest") -> Walk:
        """Of a message of which `yes` is true, `no` false, and `broken` cannot be said."""
        at = conditional(where, first_only=first_only, alternate=alternate)
        return at.walk("A", Message("k", ("k",), truths=TRUTHS))

    def test_only_what_is_true_matches(self) -> None:
        """False and what cannot be evaluated do not."""
        walk = self.walk(["no", "yes", None, "broken"])
        assert topics(walk) == ["t2", "t3"]

    @pytest.mark.parametrize("where", [["no"], ["broken"], ["no", "broken"], ["unknown"]], ids=" ".join)
    def test_alternate_is_taken_where_no_condition_holds(self, where: list[str]) -> None:
        """All else matching is no match."""
        assert topics(self.walk(where)) == ["rest"]

    def test_failed_are_those_that_could_not_be_evaluated(self) -> None:
        """A false condition has not failed."""
        (step,) = self.walk(["no", "broken", "yes", "broken"]).steps
        assert [each.place.line for each in step.failed] == [2, 4]
        assert [each.place.line for each in step.matched] == [3]

    def test_condition_of_a_binding_that_does_not_match_cannot_fail(self) -> None:
        """It is not this message's affair."""
        bindings = tuple(
            Binding("A", key, destination("t"), Place("A", line, 1), "team", where="broken")
            for line, key in enumerate(["a", "b"], 1)
        )
        at = Topology({"A": Exchange("A", DIRECT, bindings, None, Place("A", 1, 1), "team")})
        (step,) = at.walk("A", Message("a", ("a",), truths=TRUTHS)).steps
        assert [each.place.line for each in step.failed] == [1]

    def test_failed_owner_of_a_ring_hands_on_and_is_named(self) -> None:
        """Its neighbour gets the message, and the failure is not silent."""
        bindings = tuple(
            Binding("A", None, destination(name), Place("A", line, 1), "team", where=where)
            for line, (name, where) in enumerate([("t", "broken"), ("u", None)], 1)
        )
        at = Topology({"A": Exchange("A", HASH, bindings, None, Place("A", 1, 1), "team")})
        walks = [at.walk("A", Message(str(key), (str(key),), truths=TRUTHS)) for key in range(50)]
        assert {tuple(topics(walk)) for walk in walks} == {("u",)}
        assert {walk.steps[0].failed for walk in walks} == {(), bindings[:1]}

    def test_everywhere_asks_no_condition(self) -> None:
        """A tombstone has no fields."""
        assert topics(conditional(["no", "broken"], first_only=True).walk_everywhere("A")) == ["t1", "t2"]


class TestLimitFirst:
    """Of the bindings that match, the first in declared order counts alone."""

    def test_first_match_wins(self) -> None:
        """In file order, though all match."""
        walk = conditional([None, None], first_only=True).walk("A", message("k"))
        assert topics(walk) == ["t1"]
        assert len(walk.steps[0].matched) == 1

    def test_first_whose_condition_holds_wins(self) -> None:
        """What does not hold stands in nobody's way, and what fails is named all the same."""
        at = conditional(["no", "broken", "yes", None, "broken"], first_only=True)
        walk = at.walk("A", Message("k", ("k",), truths=TRUTHS))
        assert topics(walk) == ["t3"]
        assert [each.place.line for each in walk.steps[0].failed] == [2, 5]

    def test_none_takes_the_alternate(self) -> None:
        """As any exchange does."""
        at = conditional(["no"], first_only=True, alternate="rest")
        assert topics(at.walk("A", Message("k", ("k",), truths=TRUTHS))) == ["rest"]

    def test_an_exchange_may_be_the_first(self) -> None:
        """Then the way goes on there, and nowhere else."""
        at = topology({"A": Drawn(DIRECT, [("a", "B"), ("a", "t")]), "B": Drawn(FANOUT, [(None, "u"), (None, "v")])})
        first = replace(at.exchanges["A"], first_only=True)
        walk = Topology({**at.exchanges, "A": first}).walk("A", message("a"))
        assert topics(walk) == ["u", "v"]


class TestWhyNot:
    """What keeps a binding from a message: first what the exchange compares, then its condition, then its place."""

    def why(self, at: Topology, published: Message) -> list[Why | None]:
        """For each binding of A."""
        return [at.why_not(binding, published) for binding in at.exchanges["A"].bindings]

    def test_key_is_the_first_reason(self) -> None:
        """Whatever the condition says."""
        bindings = (Binding("A", "a", destination("t"), Place("A", 1, 1), "team", where="no"),)
        at = Topology({"A": Exchange("A", DIRECT, bindings, None, Place("A", 1, 1), "team")})
        assert self.why(at, Message("b", ("b",), truths=TRUTHS)) == [Miss(None, "b", "a")]

    def test_condition_is_false_or_failed(self) -> None:
        """Which a person wants to tell apart."""
        published = Message("k", ("k",), truths=TRUTHS)
        assert self.why(conditional(["no", "broken", "yes", None]), published) == [
            ConditionMiss("no", failed=False),
            ConditionMiss("broken", failed=True),
            None,
            None,
        ]

    def test_first_match_shadows_the_rest(self) -> None:
        """Those that would match are told by which; the others have reasons of their own."""
        at = conditional(["no", "yes", None, "broken"], first_only=True)
        first = at.exchanges["A"].bindings[1]
        assert self.why(at, Message("k", ("k",), truths=TRUTHS)) == [
            ConditionMiss("no", failed=False),
            None,
            Shadowed(first),
            ConditionMiss("broken", failed=True),
        ]


def test_everywhere_is_every_topic_that_can_be_reached() -> None:
    """A tombstone goes over all bindings and all alternates, whatever their keys."""
    walk = topology(
        {
            "A": Drawn(DIRECT, [("a", "t"), ("b", "B"), ("c", "A")], alternate="rest"),
            "B": Drawn(TOPIC, [("x.y", "u"), ("x", "t")], alternate="C"),
            "C": Drawn(FANOUT, [(None, "v")]),
            "D": Drawn(FANOUT, [(None, "elsewhere")]),
        }
    ).walk_everywhere("A")
    assert topics(walk) == ["t", "rest", "u", "v"]
    assert visited(walk) == ["A", "B", "C"]
    assert walk.routing_key == ""


# The model: sets that grow until they don't, written from the rules and not from the walk.


def takes(exchange: Drawn, binding_key: str | None, routing_key: str) -> bool:
    """Whether a binding of this exchange takes a message."""
    if exchange.type is FANOUT or binding_key is None:
        return True
    if exchange.type is DIRECT:
        return binding_key == routing_key
    return fits(binding_key.split(".") if binding_key else [], routing_key.split(".") if routing_key else [])


def fits(pattern: list[str], words: list[str]) -> bool:
    """Rules 8 to 10."""
    match pattern:
        case []:
            return not words
        case ["#", *rest]:
            return any(fits(rest, words[skipped:]) for skipped in range(len(words) + 1))
        case [word, *rest]:
            return bool(words) and word in ("*", words[0]) and fits(rest, words[1:])
    raise AssertionError(pattern)


def ways_on(exchange: Drawn, routing_key: str | None) -> list[str]:
    """Where an exchange hands a message: what its bindings that match lead to, else its alternate; all of it for None."""
    alternate = [] if exchange.alternate is None else [exchange.alternate]
    if routing_key is None:
        return [to for _, to in exchange.bindings] + alternate
    return [to for key, to in exchange.bindings if takes(exchange, key, routing_key)] or alternate


def reached(drawn: Mapping[str, Drawn], start: str, routing_key: str | None) -> set[str]:
    """All names, of exchanges and topics, that a message comes to."""
    names = {start}
    while more := {to for name in names if name in drawn for to in ways_on(drawn[name], routing_key)} - names:
        names |= more
    return names


names = st.sampled_from("ABCDE")
destinations = st.sampled_from(["A", "B", "C", "D", "E", "t", "u", "v", "w"])
binding_keys = st.sampled_from([None, "", "a", "a.b", "b", "*", "a.*", "#", "#.b", "*.#", "a*"])
routing_keys = st.sampled_from(["", "a", "b", "a.b", "b.a", ".", "*", "#", "a*", "a.b.b"])
exchanges = st.builds(
    Drawn,
    st.sampled_from([DIRECT, TOPIC, FANOUT]),
    st.lists(st.tuples(binding_keys, destinations), max_size=5),
    st.none() | destinations,
)
graphs = st.fixed_dictionaries(dict.fromkeys("ABCDE", exchanges))


def assert_as_the_model_says(walk: Walk, drawn: Mapping[str, Drawn], routing_key: str | None) -> None:
    """The same topics and exchanges, each once, and for each copy all that leads to it."""
    names = reached(drawn, walk.exchange, routing_key)
    assert sorted(visited(walk)) == sorted(names & set(drawn))
    assert sorted(topics(walk)) == sorted(names - set(drawn))
    assert topics(walk) == list(dict.fromkeys(topics(walk)))
    for step in walk.steps:
        each = drawn[step.exchange]
        taken = [
            line
            for line, (key, _) in enumerate(each.bindings, 1)
            if routing_key is None or takes(each, key, routing_key)
        ]
        assert [binding.place.line for binding in step.matched] == taken
        alternate = each.alternate if routing_key is None or not taken else None
        assert step.alternate == (None if alternate is None else destination(alternate))
    for delivery in walk.deliveries:
        leading = {
            binding for step in walk.steps for binding in step.matched if binding.destination.name == delivery.topic
        }
        assert set(delivery.bindings) == leading
        assert len(delivery.bindings) == len(leading)
        assert delivery.alternates == tuple(
            step.exchange for step in walk.steps if step.alternate == destination(delivery.topic)
        )


@given(graphs, names, routing_keys)
def test_walk_agrees_with_the_rules(drawn: dict[str, Drawn], start: str, routing_key: str) -> None:
    """Over any graph of exchanges: one copy a topic, alternates where nothing matched, each exchange once."""
    assert_as_the_model_says(topology(drawn).walk(start, message(routing_key)), drawn, routing_key)


@given(graphs, names)
def test_everywhere_agrees_with_the_rules(drawn: dict[str, Drawn], start: str) -> None:
    """Everything that some message could come to, and no more."""
    assert_as_the_model_says(topology(drawn).walk_everywhere(start), drawn, None)
