"""All rules at once: random topologies of every type, decided by the router and by a model of the rules alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.declaring import compiled
from exchange.naive import Asked, Bound, Declared, Published, is_exchange, reached
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.exchange.decision import Walk
from router.exchange.matcher import Message, words_of
from router.exchange.model import ExchangeType, XMatch

TOPICS = ("t", "u", "v", "w", "a.b")
NAMES = ("A", "B", "C", "D", "E")
CONDITIONS = ("yes", "no", "broken")

binding_keys = st.none() | st.sampled_from(
    ["", "a", "b", "a.b", "*", "a.*", "#", "#.b", "*.#", "a*", "a.#.b", "a.", "."]
)
routing_keys = st.sampled_from(["", "a", "b", "a.b", "b.a", ".", "*", "#", "a*", "a.b.b", "a..b", "a.", "t", "A"])
header_names = st.sampled_from(["h", "g", "H", "x-h", "x-match", "X-Up", "CC", "BCC"])
wanted_values = st.sampled_from(
    [None, 1, 1.0, 5, True, False, "1", "true", "", "a", "1.0", [1], [1.0], ["1"], [], ["a"], {}, {"a": 1}]
)
given_values = st.sampled_from(
    [
        None,
        1,
        1.0,
        5,
        5.0,
        True,
        False,
        "1",
        "true",
        "",
        "a",
        [1],
        [1.0],
        ["1"],
        ["a"],
        [],
        {},
        {"a": 1.0},
        {"a": 1},
        "all",
    ]
)
given_texts = st.none() | st.sampled_from(["1", "1.0", "5", "true", "false", "True", "", "a", "[1]", '["a"]', "all"])
key_lists = st.lists(routing_keys | st.sampled_from([5, None, True]), max_size=3)

destinations = st.sampled_from([*TOPICS, *NAMES])
asked = st.builds(
    Asked, st.sampled_from([str(each) for each in XMatch]), st.dictionaries(header_names, wanted_values, max_size=3)
)
bindings = st.builds(
    Bound,
    to=destinations,
    key=binding_keys,
    headers=st.none() | asked,
    weight=st.integers(1, 3),
    where=st.none() | st.none() | st.sampled_from(CONDITIONS),
)
exchanges = st.builds(
    Declared,
    type=st.sampled_from([str(each) for each in ExchangeType]),
    bindings=st.lists(bindings, max_size=5),
    alternate=st.none() | destinations | st.just("MISSING"),
    cc=st.booleans(),
    first_only=st.booleans(),
)
topologies = st.fixed_dictionaries(dict.fromkeys(NAMES, exchanges))
truths = st.fixed_dictionaries(dict.fromkeys(CONDITIONS, st.sampled_from([True, False, None])))
typed_headers = st.dictionaries(header_names, given_values, max_size=4) | st.fixed_dictionaries(
    {}, optional={"h": given_values, "CC": key_lists, "BCC": key_lists}
)
text_headers = st.dictionaries(header_names, given_texts, max_size=4)
messages = st.builds(Published, routing_keys, typed_headers, st.just(True), truths) | st.builds(
    Published, routing_keys, text_headers, st.just(False), truths
)


def seen_by(published: Published, *, cc: bool) -> Message:
    """The message as the exchange that was published to makes it: further keys and BCC taken, or left."""
    listed = [published.headers.get(name) for name in ("CC", "BCC")] if cc else []
    keys = [key for each in listed if isinstance(each, list) for key in each if isinstance(key, str)]
    return Message(
        published.key,
        words_of(published.key),
        further=tuple((key, words_of(key)) for key in dict.fromkeys(keys)),
        headers={name: value for name, value in published.headers.items() if not (cc and name == "BCC")},
        typed=published.typed,
        truths=published.truths,
    )


def chosen_by(walk: Walk, declared: Mapping[str, Declared]) -> dict[str, str]:
    """What each ring on the way chose."""
    steps = [step for step in walk.steps if declared[step.exchange].type == "consistent-hash" and step.matched]
    return {step.exchange: step.matched[0].destination.name for step in steps}


BCC_SEEN_BY_OTHERS: Any = {
    "A": Declared("fanout", [Bound("B")], cc=False),
    "B": Declared("headers", [Bound("t", headers=Asked("all", {"BCC": None}))], cc=True),
    **dict.fromkeys("CDE", Declared("direct")),
}


@settings(max_examples=300)
@given(topologies, st.sampled_from(NAMES), st.lists(messages, min_size=1, max_size=20))
@example(BCC_SEEN_BY_OTHERS, "A", [Published("a", {"BCC": ["a"]}, typed=True)])
def test_decisions_follow_the_rules(declared: dict[str, Declared], start: str, published: list[Published]) -> None:
    """Exchanges of all types, led into one another, with alternates, conditions, limits, further keys and headers."""
    topology = compiled(declared, TOPICS)
    for each in published:
        message = seen_by(each, cc=declared[start].cc)
        walk = topology.walk(start, message)
        names = reached(declared, start, each, chosen=chosen_by(walk, declared))
        assert {delivery.topic for delivery in walk.deliveries} == {name for name in names if not is_exchange(name)}
        assert {step.exchange for step in walk.steps} == {name for name in names if is_exchange(name)}
        assert len(walk.steps) == len({step.exchange for step in walk.steps})
        assert len(walk.deliveries) == len({delivery.topic for delivery in walk.deliveries})
        for step in walk.steps:
            matched = {id(binding) for binding in step.matched}
            for binding in topology.exchanges[step.exchange].bindings:
                assert (topology.why_not(binding, message) is None) is (id(binding) in matched)


@given(st.lists(messages, min_size=1, max_size=20))
def test_default_exchange_follows_the_rules(published: list[Published]) -> None:
    """It leads to what the routing key and the further keys name."""
    topology = compiled({}, TOPICS)
    for each in published:
        walk = topology.walk("", seen_by(each, cc=True))
        assert {delivery.topic for delivery in walk.deliveries} == reached({}, "", each, topics=TOPICS)
        assert len(walk.deliveries) == len({delivery.topic for delivery in walk.deliveries})
