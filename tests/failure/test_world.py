"""The lane's side and the consumer's side of parking, tried together in every order of events of a small world.

In each world that can be reached: no record of a key is processed while an earlier one of it waits, and none twice; and where
nothing happens any more, each record was processed or given up, no key is parked, and nothing is kept. Broken worlds show that
the explorer would find it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from failure.world import Rules, explore, walk
from support.proof import Proof

from router.failure.policy import FailurePolicy, Then

PARK = FailurePolicy(retry_ms=(1,), then=Then.PARK, park_for_ms=None)
DEAD = FailurePolicy(retry_ms=(1,), then=Then.DEAD_LETTER)
GIVES_UP = FailurePolicy(retry_ms=(), then=Then.DEAD_LETTER)
SKIP = FailurePolicy(retry_ms=(), then=Then.SKIP)

WORLDS: Mapping[str, Rules] = {
    "two keys, two workers, two consumers": Rules(keys="aab", policy=PARK, fails=1),
    "three of a key that is given up": Rules(keys="aaa", policy=SKIP, fails=1),
    "dying twice of the same": Rules(keys="aa", policy=DEAD, fails=2),
    "release marks that are sent again": Rules(keys="aab", policy=PARK, fails=1, takeovers=0, remarks=1),
    "offsets that are set back": Rules(keys="aa", policy=PARK, fails=2, crashes=0, takeovers=0, resets=1),
    "consumers that do not follow": Rules(keys="aab", policy=DEAD, fails=2, follows=False),
    "consumers that do not follow and die before their offset": Rules(
        keys="aab", policy=DEAD, fails=2, takeovers=0, follows=False, offset_in_transaction=False
    ),
    "ready-made consumers that commit two records at once": Rules(
        keys="aab", policy=PARK, fails=1, takeovers=0, gathers=2
    ),
    "ready-made consumers whose records die twice": Rules(keys="aa", policy=DEAD, fails=2, takeovers=0, gathers=3),
    "marks that skip": Rules(keys="aa", policy=PARK, fails=1, takeovers=0, gathers=2, skips=1),
    "dead letters that are sent again while workers change": Rules(
        keys="aa", policy=GIVES_UP, fails=2, crashes=0, takeovers=1, redrives=1
    ),
    "dead letters that are sent again to consumers that die": Rules(
        keys="aa", policy=GIVES_UP, fails=2, takeovers=0, redrives=1
    ),
    "dead letters that are sent again while their key waits": Rules(
        keys="aa", policy=DEAD, fails=3, crashes=0, takeovers=0, redrives=1
    ),
    "dead letters that are sent again to ready-made consumers": Rules(
        keys="aa", policy=GIVES_UP, fails=2, crashes=0, takeovers=0, gathers=2, redrives=1
    ),
    "offsets fetched too soon": Rules(keys="aab", policy=PARK, fails=1, takeovers=0, stable_offsets=False),
}

REDRIVEN: Mapping[str, Any] = {"keys": "aa", "policy": DEAD, "fails": 3, "crashes": 0, "redrives": 1}

BROKEN: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "marks are read to what is committed": ({"marks_to_high_watermark": False}, "1 is processed while [0] wait"),
    "offsets are committed before what is rejected": ({"gathers": 2, "commits_whole": False}, "neither processed nor"),
    "former ready-made consumers commit": ({"gathers": 2, "members_fenced": False}, "1 is processed while [0]"),
    "former members commit": ({"members_fenced": False}, "processed twice"),
    "former workers commit": ({"workers_fenced": False, "takeovers": 1}, "processed twice"),
    "the next record of a parked key is looked at": ({"rejects_behind": False}, "1 is processed while [0] wait"),
    "the mark is written behind the rejection": ({"mark_in_transaction": False}, "1 is processed while [0] wait"),
    "the lane holds nothing": ({"lane_holds": False}, "1 is processed while [0] wait"),
    "the lane does not wait": ({"keys": "aaa", "waits_for_acknowledgement": False}, "2 is processed while [1] wait"),
    "the lane writes no marks": ({"sends_marks": False}, "more than"),
    "any mark ends any parking": (
        {"keys": "aa", "crashes": 0, "resets": 1, "fails": 2, "heeds_first": False},
        "1 is processed while [0] wait",
    ),
    "what is sent again is written though its key is parked": (
        {**REDRIVEN, "redrive_joins": False},
        "is processed while",
    ),
    "what is sent again joins behind all": ({**REDRIVEN, "joins_in_place": False}, "is processed while"),
    "a dead letter is sent again twice": ({**REDRIVEN, "redrives": 2, "decides_once": False}, "is processed twice"),
    "rejections are not known again": (
        {"keys": "aa", "crashes": 0, "resets": 1, "fails": 2, "knows_repeats": False},
        "1 is processed while [0] wait",
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_every_promise_is_kept_in_every_world(name: str) -> None:
    """Nothing is lost, nothing overtakes, and in the end every key flows."""
    explored = explore(WORLDS[name])
    assert explored.violation == "", "\n".join((explored.violation, *explored.way))
    assert explored.ends > 10
    assert explored.states > 500


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_found(name: str) -> None:
    """So that the explorer's silence means something."""
    changes, words = BROKEN[name]
    rules = Rules(**{"keys": "aab", "policy": PARK, "fails": 1, "crashes": 1, "takeovers": 0, **changes})
    explored = explore(rules, most=10_000)
    assert words in explored.violation


@pytest.mark.parametrize("seed", range(20))
def test_long_ways_of_ready_made_consumers_end_well(seed: int) -> None:
    """They gather up to five records, and are told to skip two."""
    rules = Rules(
        keys="abaabbaaab", policy=(PARK, DEAD, SKIP)[seed % 3], fails=6, crashes=5, takeovers=3, gathers=5, skips=2
    )
    assert walk(rules, random.Random(seed)) == ""


@pytest.mark.parametrize("seed", range(40))
def test_long_ways_through_a_large_world_end_well(seed: int) -> None:
    """Ten records, six failures, five crashes: too much to try all of it."""
    rules = Rules(
        keys="abaabbaaab",
        policy=(PARK, DEAD)[seed % 2],
        fails=6,
        crashes=5,
        takeovers=3,
        remarks=2,
        resets=seed % 3 == 0,
    )
    assert walk(rules, random.Random(seed)) == ""


@pytest.mark.parametrize("seed", range(20))
def test_long_ways_with_dead_letters_that_are_sent_again_end_well(seed: int) -> None:
    """Four of them, to keys that flow and keys that wait; some die once more."""
    rules = Rules(
        keys="abaabbaaab",
        policy=(DEAD, GIVES_UP)[seed % 2],
        fails=7,
        crashes=2,
        takeovers=3,
        redrives=4,
        gathers=seed % 3,
    )
    assert walk(rules, random.Random(seed)) == ""


def test_dead_letter_that_is_sent_again_may_die_once_more() -> None:
    """And be sent once more."""
    explored = explore(Rules(keys="a", policy=GIVES_UP, fails=3, crashes=0, takeovers=0, redrives=2))
    assert (explored.violation, explored.ends) == ("", 14)


@pytest.mark.proof
def test_larger_worlds_keep_every_promise(proof: Proof) -> None:
    """The same with a failure and a crash more, and thousands of long ways."""
    worlds = {
        "3 records of 2 keys, 2 failures, 1 crash, 1 takeover": Rules(keys="aab", policy=PARK),
        "3 records of 1 key, 2 failures, 1 crash, 1 takeover, dead letters": Rules(keys="aaa", policy=DEAD),
        "4 records of 2 keys, 1 failure, 2 crashes, 1 takeover": Rules(keys="aaba", policy=PARK, fails=1, crashes=2),
        "3 records of 2 keys, 1 failure, 1 crash, 1 takeover, ready-made consumers that commit 3 records at once": Rules(
            keys="aab", policy=PARK, fails=1, gathers=3
        ),
        "3 records of 2 keys, 2 failures, 1 crash, ready-made consumers, dead letters": Rules(
            keys="aab", policy=DEAD, fails=2, takeovers=0, gathers=3
        ),
        "2 records, 2 failures, 1 crash, ready-made consumers, a mark that skips": Rules(
            keys="aa", policy=PARK, fails=2, takeovers=0, gathers=2, skips=1
        ),
        "2 records, 2 failures, 1 crash, ready-made consumers, offsets set back": Rules(
            keys="aa", policy=DEAD, fails=2, takeovers=0, gathers=2, resets=1
        ),
        "2 records, 2 failures, 1 crash, 1 takeover, a dead letter that is sent again": Rules(
            keys="aa", policy=GIVES_UP, redrives=1
        ),
        "2 records, 2 failures, 1 crash, offsets set back": Rules(keys="aa", policy=PARK, takeovers=0, resets=1),
    }
    lines = ["| world | states | ends | broken promises |", "|---|---|---|---|"]
    for name, rules in worlds.items():
        explored = explore(rules)
        assert explored.violation == "", "\n".join((name, explored.violation, *explored.way))
        lines.append(f"| {name} | {explored.states:,} | {explored.ends:,} | 0 |")
    for seed in range(3_000):
        rules = Rules(
            keys="abaabbaaab", policy=(PARK, DEAD, SKIP)[seed % 3], fails=6, crashes=5, takeovers=3, remarks=2
        )
        assert walk(rules, random.Random(seed)) == "", seed
        ready_made = replace(rules, gathers=1 + seed % 5, skips=2)
        assert walk(ready_made, random.Random(seed)) == "", seed
    lines += [
        "",
        "And 3,000 ways by chance through a world of 10 records, 6 failures, 5 crashes and 3 takeovers, and as many with ready-made",
        "consumers that commit up to five records at once, and two marks that skip: all end well.",
    ]
    proof.write("parking", "\n".join(lines))
