"""Order as plainly as it can be said: models that know every record that ever came, and look through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WAIT = 100


@dataclass
class NaiveSequence:
    """Numbers from 1 on; what waited in vain is sent, what is late set aside, duplicates are dropped."""

    most: int
    due: int = 1
    came: set[int] = field(default_factory=set)
    held: list[tuple[int, int, int]] = field(default_factory=list)
    fates: list[tuple[int, str]] = field(default_factory=list)

    def comes(self, number: int, offset: int, now: int) -> None:
        """A record has come."""
        if number in self.came:
            self.fates.append((offset, f"drop {offset} duplicate"))
            return
        self.came.add(number)
        if number < self.due:
            self.fates.append((offset, f"dead {offset} late"))
            return
        if number == self.due:
            self.fates.append((offset, f"emit {offset} in-order"))
            self.due += 1
            self._drain("filled")
            return
        self.held.append((number, offset, now))
        if len(self.held) > self.most:
            self.due = min(self.held)[0]
            self._drain("full")

    def passes(self, now: int) -> None:
        """Everything up to this time has been read."""
        ripe = [number for number, _, since in self.held if since + WAIT <= now]
        while ripe and self.held and min(self.held)[0] <= max(ripe):
            self.due = min(self.held)[0]
            self._drain("gap")

    def _drain(self, cause: str) -> None:
        while found := [each for each in self.held if each[0] == self.due]:
            self.held.remove(found[0])
            self.fates.append((found[0][1], f"emit {found[0][1]} {cause}"))
            self.due += 1


@dataclass
class NaiveTime:
    """Instants; what is late is set aside."""

    most: int
    sent: list[int] = field(default_factory=list)
    held: list[tuple[int, int, int]] = field(default_factory=list)
    fates: list[tuple[int, str]] = field(default_factory=list)

    def comes(self, instant: int, offset: int, now: int) -> None:
        """A record has come."""
        if self.sent and instant < max(self.sent):
            self.fates.append((offset, f"dead {offset} late"))
        elif self.sent and instant == max(self.sent):
            self.fates.append((offset, f"emit {offset} in-order"))
        else:
            self.held.append((instant, offset, now))
            if len(self.held) > self.most:
                self._send(min(self.held), "full")

    def passes(self, now: int) -> None:
        """Everything up to this time has been read."""
        while any(since + WAIT <= now for _, _, since in self.held):
            self._send(min(self.held), "waited")

    def _send(self, one: tuple[int, int, int], cause: str) -> None:
        self.held.remove(one)
        self.sent.append(one[0])
        self.fates.append((one[1], f"emit {one[1]} {cause}"))


@dataclass
class NaiveStates:
    """States of a graph without circles; what waited in vain is sent, what is late set aside, duplicates are dropped."""

    graph: Mapping[str, tuple[str, ...]]
    start: str
    path: list[str] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    held: list[tuple[int, str, int]] = field(default_factory=list)
    fates: list[tuple[int, str]] = field(default_factory=list)

    def ways(self, here: str, there: str) -> list[list[str]]:
        """Every way from one state to another, both included."""
        if here == there:
            return [[here]]
        return [[here, *way] for each in self.graph.get(here, ()) for way in self.ways(each, there)]

    def _ways_on(self, state: str) -> list[list[str]]:
        """Every way from where the key is to a state, without where it is."""
        if not self.path:
            return self.ways(self.start, state)
        return [way[1:] for way in self.ways(self.path[-1], state) if len(way) > 1]

    def verdict(self, state: str) -> str:
        """What a state is to the key as it stands."""
        ways = self._ways_on(state)
        if [state] in ways:
            return "due"
        if state in self.skipped:
            return "late"
        if ways:
            return "early"
        return "duplicate" if state in self.path else "never"

    def comes(self, state: str, offset: int, now: int) -> None:
        """A record has come."""
        if any(each == state for _, each, _ in self.held):
            self.fates.append((offset, f"drop {offset} duplicate"))
            return
        self.held.append((offset, state, now))
        self._look(offset)

    def passes(self, now: int) -> None:
        """Everything up to this time has been read."""
        for one in sorted(self.held):
            while one in self.held and one[2] + WAIT <= now:
                ways = self._ways_on(one[1])
                on_the_way = [each for each in self.held if any(each[1] in way for way in ways)]
                by = min(on_the_way, key=lambda each: (min(map(len, self._ways_on(each[1]))), each[0]))
                self.skipped |= {state for way in self._ways_on(by[1]) for state in way} - {by[1]} - set(self.path)
                self._send(by, "gap")
                self._look(None)

    def _send(self, one: tuple[int, str, int], cause: str) -> None:
        self.held.remove(one)
        self.path.append(one[1])
        self.skipped.discard(one[1])
        self.fates.append((one[0], f"emit {one[0]} {cause}"))

    def _look(self, new: int | None) -> None:
        while due := [each for each in sorted(self.held) if self.verdict(each[1]) == "due"]:
            self._send(due[0], "in-order" if due[0][0] == new else "filled")
        for one in sorted(self.held):
            verdict = self.verdict(one[1])
            if verdict != "early":
                self.held.remove(one)
                if verdict == "late":
                    self.skipped.discard(one[1])
                    self.path.insert(0, one[1])
                word = {"late": "dead {} late", "duplicate": "drop {} duplicate", "never": "dead {} illegal-transition"}
                self.fates.append((one[0], word[verdict].format(one[0])))
