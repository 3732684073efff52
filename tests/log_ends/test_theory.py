"""The theory of `leadership.py`, explored: a partition that is led by one broker after another, each of which knows of it when it does.

The model is of KRaft. A controller elects; each broker knows its history up to some point; a leader takes a record where enough are in sync,
as it knows them, and all of those follow it. Somebody asks for the end meanwhile, each broker at another moment. Whatever is then told must
lie behind all that was acknowledged before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from router.log_ends.leadership import View, agreed_leader

RUNS = 4_000
STEPS = 45
NOBODY = -1
Decide = Callable[[Mapping[int, View], Collection[int]], View | None]


@dataclass(frozen=True, slots=True)
class State:
    """A partition, as the controller has it at some time."""

    epoch: int
    leader: int
    in_sync: frozenset[int]
    eligible: frozenset[int] = frozenset()
    """Who had everything when it fell out of sync (KIP-966)."""


@dataclass(slots=True)
class Partition:
    """The controller, and brokers that are called by numbers."""

    random: Random
    replicas: tuple[int, ...]
    least: int
    """`min.insync.replicas`."""
    history: list[State] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)
    """How much of the history each broker has heard of."""
    log: dict[int, int] = field(default_factory=dict)
    """How many of the records that were acknowledged each broker has."""
    stopped: set[int] = field(default_factory=set)
    fenced: set[int] = field(default_factory=set)
    acknowledged: int = 0
    asked_for: set[tuple[int, int]] = field(default_factory=set)
    """Whom a leader has asked the controller to count as in sync, with its epoch."""

    def __post_init__(self) -> None:
        self.history.append(State(0, self.replicas[0], frozenset(self.replicas)))
        self.known = dict.fromkeys(self.replicas, 0)
        self.log = dict.fromkeys(self.replicas, 0)

    @property
    def now(self) -> State:
        """As the controller has it."""
        return self.history[-1]

    def knows(self, broker: int) -> State:
        """As the broker has it."""
        return self.history[self.known[broker]]

    def follows(self, broker: int, leader: int) -> bool:
        """Whether it fetches from this leader, and the leader of this epoch."""
        mine, its = self.knows(broker), self.knows(leader)
        return broker not in self.stopped and (mine.leader, mine.epoch) == (leader, its.epoch)

    def step(self) -> None:
        """Something happens."""
        what = self.random.choice((self.learn, self.learn, self.learn, self.write, self.write, self.stop, self.go_on, self.fence,
                                   self.unfence, self.shrink, self.expand))  # fmt: skip
        what(self.random.choice(self.replicas))

    def learn(self, broker: int) -> None:
        """It hears of some of what it has not heard of."""
        if broker not in self.stopped:
            self.known[broker] = self.random.randint(self.known[broker], len(self.history) - 1)

    def stop(self, broker: int) -> None:
        self.stopped.add(broker)

    def go_on(self, broker: int) -> None:
        self.stopped.discard(broker)

    def write(self, broker: int) -> None:
        """Whoever takes itself for the leader takes a record, where all who are in sync by its knowledge have it."""
        mine = self.knows(broker)
        if broker in self.stopped or mine.leader != broker or len(mine.in_sync) < self.least:
            return
        # Whom it has asked to count as in sync may be made leader before it hears of that: they must have the record, too.
        needed = mine.in_sync | {each for each, epoch in self.asked_for if epoch == mine.epoch}
        if all(self.follows(each, broker) for each in needed):
            self.acknowledged += 1
            for each in needed:
                self.log[each] = self.acknowledged

    def fence(self, broker: int) -> None:
        """The controller has not heard of it for too long."""
        if broker in self.stopped and broker not in self.fenced:
            self.fenced.add(broker)
            self._without(broker)

    def unfence(self, broker: int) -> None:
        """It registers anew; where nobody leads, it may be made leader."""
        if broker not in self.stopped:
            self.fenced.discard(broker)
            if self.now.leader == NOBODY:
                self._elect(self.now)

    def shrink(self, broker: int) -> None:
        """A leader that is up to date says that another has fallen behind."""
        others = self.now.in_sync - {broker}
        leads = self.now.leader == broker and self.known[broker] == len(self.history) - 1
        if leads and others and broker not in self.stopped:
            self._without(self.random.choice(sorted(others)))
            self.known[broker] = len(self.history) - 1

    def expand(self, broker: int) -> None:
        """A follower that has everything is in sync again; its leader hears of that later."""
        leader = self.now.leader
        if broker in self.now.in_sync or broker in self.fenced or leader == NOBODY:
            return
        if leader not in self.stopped and self.known[leader] == len(self.history) - 1 and self.follows(broker, leader):
            self.log[broker] = self.log[leader]
            self.asked_for.add((broker, self.now.epoch))
            self.history.append(
                replace(self.now, in_sync=self.now.in_sync | {broker}, eligible=self.now.eligible - {broker})
            )

    def _without(self, broker: int) -> None:
        now = self.now
        if broker not in now.in_sync:
            return
        in_sync, eligible = now.in_sync - {broker}, now.eligible
        if self.least > 1:
            eligible = eligible | {broker} if len(in_sync) < self.least else frozenset()
        elif not in_sync:
            # The last one stays, and nobody else may lead.
            in_sync = now.in_sync
        after = replace(now, in_sync=in_sync, eligible=eligible)
        if now.leader == broker:
            self._elect(after)
        else:
            self.history.append(after)

    def _elect(self, state: State) -> None:
        alive = set(self.replicas) - self.fenced
        able = sorted(state.in_sync & alive) or sorted(state.eligible & alive)
        leader = self.random.choice(able) if able else NOBODY
        in_sync = state.in_sync | ({leader} - {NOBODY})
        self.history.append(State(state.epoch + 1, leader, in_sync, state.eligible - {leader}))

    # --- who asks --------------------------------------------------------------------------------------------------------

    def view(self, broker: int) -> View:
        state = self.knows(broker)
        return View(state.epoch, state.leader, self.replicas, state.in_sync)

    def ask(self, decide: Decide) -> int | None:
        """The end, as whoever asks all of them is told; None where it is not certain, or refused."""
        views: dict[int, View] = {}
        silent: set[int] = set()
        for broker in self.random.sample(self.replicas, len(self.replicas)):
            for _ in range(self.random.randrange(3)):
                self.step()
            if broker in self.stopped:
                silent.add(broker)
            else:
                views[broker] = self.view(broker)
        found = decide(views, silent)
        for _ in range(self.random.randrange(3)):
            self.step()
        if found is None or found.leader in self.stopped:
            return None
        its = self.knows(found.leader)
        return self.log[found.leader] if (its.epoch, its.leader) == found[:2] else None


def explored(decide: Decide, *, replicas: int, least: int, runs: int = RUNS) -> tuple[int, list[str]]:
    """How many ends were told, and which of them were of a while ago."""
    told, wrong = 0, []
    for seed in range(runs):
        random = Random(seed)
        partition = Partition(random, tuple(range(1, replicas + 1)), least)
        for _ in range(random.randrange(STEPS)):
            partition.step()
        before = partition.acknowledged
        end = partition.ask(decide)
        if end is not None:
            told += 1
            if end < before:
                wrong.append(f"seed {seed}: told {end}, {before} were acknowledged")
    return told, wrong


def as_agreed(views: Mapping[int, View], silent: Collection[int]) -> View | None:
    return agreed_leader(views, silent=silent)


@pytest.mark.parametrize(("replicas", "least"), [(2, 1), (3, 1), (3, 2), (4, 2), (5, 3)])
def test_no_end_that_is_agreed_upon_is_of_a_while_ago(replicas: int, least: int) -> None:
    """However views lag, and whoever was elected meanwhile; and often enough there is one."""
    told, wrong = explored(as_agreed, replicas=replicas, least=least)
    assert wrong == []
    assert told > RUNS / 20


def latest(views: Mapping[int, View], _: Collection[int]) -> View | None:
    """Believes whoever tells of the latest epoch."""
    view = max(views.values(), key=lambda view: view.epoch, default=None)
    return None if view is None or view.leader == NOBODY else view


def as_its_leader_says(views: Mapping[int, View], _: Collection[int]) -> View | None:
    """Hears only who takes itself for the leader, and whom that one takes to be in sync."""
    found = next((view for broker, view in views.items() if view.leader == broker), None)
    return found if found is not None and {*found.in_sync} <= {*views} else None


def deaf_to_silence(views: Mapping[int, View], _: Collection[int]) -> View | None:
    """Takes whoever keeps silent for gone at once."""
    return agreed_leader(views)


@pytest.mark.parametrize(
    ("decide", "replicas", "least"),
    [(latest, 3, 2), (as_its_leader_says, 3, 1), (deaf_to_silence, 2, 1)],
    ids=["latest epoch", "its own leader", "deaf to silence"],
)
def test_exploring_finds_each_weaker_rule_out(decide: Decide, replicas: int, least: int) -> None:
    """Each is what somebody might take for enough."""
    _, wrong = explored(decide, replicas=replicas, least=least, runs=5 * RUNS)
    assert wrong
