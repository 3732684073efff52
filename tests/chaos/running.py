"""Carries out a scenario, balances its books, and keeps what is needed to understand a failure."""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.proof import ROOT
from support.stage import WANTED, Stage
from support.waiting import until

from chaos.audit import Audit, Offence, runs
from chaos.feed import Feed, wants
from chaos.field import Field
from chaos.plans import Kind, lasting
from chaos.scenario import Outcome, Scenario, report

__all__ = ["run"]

_BROKER_STRIKES = (Kind.BROKER, Kind.CONTROLLER, Kind.FREEZE, Kind.DISK)
_NEIGHBOURS = 3
_SHOWN = 20
_LINES = 100
"""Of what lanes were about."""


def run(scenario: Scenario, *, home: Path, word: str, kafka: str = "", expected: bool = True) -> Outcome:
    """What comes of a scenario, on a Kafka of its own, or on the one given. Where the promise is broken and that was not expected, all of it is kept in var/proof."""
    outcome = Outcome(scenario)
    field = Field(scenario, home=home, word=word, bootstrap=kafka)
    kept = ""
    try:
        _Run(field, outcome).perform()
        if outcome.faults and expected:
            outcome.evidence = _evidence(field, outcome)
            kept = _keep(field, outcome)
    except BaseException:
        kept = _keep(field, outcome)
        raise
    finally:
        _tell(outcome, kept)
        field.end()
    return outcome


class _Run:
    """The course of one scenario."""

    def __init__(self, field: Field, outcome: Outcome) -> None:
        self.field = field
        self.outcome = outcome
        self.scenario = outcome.scenario
        self.begun = time.monotonic()

    def perform(self) -> None:
        """Feed and strike; then let all recover; then balance the books."""
        scenario, field = self.scenario, self.field
        seconds = 0.0 if scenario.fed_first else max(1.0, lasting(scenario.strikes))
        feed = Feed(
            field.stage,
            records=scenario.records,
            seconds=seconds,
            partitions=scenario.partitions,
            aborted=scenario.aborted,
        )
        try:
            if scenario.fed_first:
                feed.start()
                feed.finish(60)
            field.begin()
            self.begun = time.monotonic()
            if not scenario.fed_first:
                feed.start()
            self._strike()
            field.recover()
            if scenario.late:
                self._say(f"created: {', '.join(scenario.late)}")
            if not scenario.fed_first:
                feed.finish(120)
        finally:
            feed.give_up()
            self.outcome.produced = feed.produced
        self.outcome.seconds = time.monotonic() - self.begun
        self._settle()
        self._notice()
        self.outcome.stops = self.field.stops()
        self.outcome.pages = balance(field.stage, self.scenario.partitions, all_ended=self.outcome.all_ended)

    def _strike(self) -> None:
        """Begin and end strikes in the order of their times. Where one takes long to carry out, the rest is later."""
        due: list[tuple[float, int, Callable[[], Any] | None, Any]] = []
        for number, strike in enumerate(self.scenario.strikes):
            heapq.heappush(due, (strike.at, number, None, strike))
        late = 0.0
        while due:
            at, number, over, strike = heapq.heappop(due)
            pause(self.begun + at + late - time.monotonic())
            self._notice()
            before = time.monotonic()
            if over is not None:
                said = over()
                if isinstance(said, str):
                    self._say(said)
            else:
                said, over = self.field.strike(strike)
                self._say(said)
                self.outcome.done[strike.kind] = self.outcome.done.get(strike.kind, 0) + 1
                if over is not None:
                    heapq.heappush(due, (at + strike.lasts, number, over, strike))
            if strike.kind in _BROKER_STRIKES:
                late += time.monotonic() - before

    def _notice(self) -> None:
        for crash in self.field.crashed():
            self.outcome.crashes.append(crash)
            self._say(f"CRASHED: {crash}")

    def _settle(self) -> None:
        begun = time.monotonic()
        stage = self.field.stage
        source = stage.name("@event.v1")
        ends = stage.topics.sounded(source)[source]

        def routed() -> bool:
            self._notice()
            # Not to where brokers say that it ends: one that does not lead any more may say so of a while ago.
            committed = stage.topics.committed(stage.group, source)
            return all(committed[number] >= end for number, end in ends.items())

        try:
            until(
                routed,
                within=self.scenario.routed_within,
                what=lambda: f"of {ends} are behind {stage.behind()}",
                every=0.2,
            )
            self.outcome.took_to_settle = time.monotonic() - begun
            # A commit counts once it is asked for; its markers follow at once. What nobody ends, stays.
            topics = [stage.name(f"@{name}.event.v1") for name in WANTED]
            hanging: dict[str, Any] = {}

            def all_ended() -> bool:
                hanging.clear()
                hanging.update({topic: open_ones for topic in topics if (open_ones := stage.topics.hanging(topic))})
                return not hanging

            try:
                until(all_ended, within=5, what="no transaction is open", every=0.2)
            except AssertionError:
                self.outcome.hanging = dict(hanging)
                # What readers see in the end is worth knowing as well.
                pause(25)
        except AssertionError as error:
            self.outcome.stuck = str(error)[:2_000]

    def _say(self, text: str) -> None:
        self.outcome.story.append((time.monotonic() - self.begun, text))


def pause(seconds: float) -> None:
    """Let things go on: what happens meanwhile is the test, so there is no condition to wait for."""
    if seconds > 0:
        threading.Event().wait(seconds)


def balance(stage: Stage, partitions: int, *, all_ended: bool = True) -> Any:
    """Enter the source and all destinations, as read_committed readers see them; no further than to a transaction that never ends."""
    audit = Audit(partitions, {name: wants(name) for name in WANTED})
    source, destinations = stage.name("@event.v1"), {name: stage.name(f"@{name}.event.v1") for name in WANTED}
    ends = stage.topics.sounded(source, *destinations.values()) if all_ended else {}
    for message in stage.topics.scan(source, within=300, behind=ends.get(source)):
        headers = tuple(message.headers() or ())
        content = (message.key(), message.value(), message.timestamp()[1], headers)
        audit.original(message.partition(), message.offset(), content)
    for name, topic in destinations.items():
        for message in stage.topics.scan(topic, within=300, behind=ends.get(topic)):
            headers = tuple(message.headers() or ())
            own = tuple(header for header in headers if not header[0].startswith("router-"))
            origin = next(value for header, value in headers if header == "router-origin")
            _, partition, offset = origin.split(b"/")
            audit.copy(
                name, (message.partition(), message.offset()), (int(partition), int(offset)),
                (message.key(), message.value(), message.timestamp()[1], own),
            )  # fmt: skip
    return audit.close()


def _tell(outcome: Outcome, kept: str) -> None:
    print(f"\n--- {outcome.scenario.name}")
    for at, text in outcome.story:
        print(f"{at:8.2f}  {text}")
    print(report(outcome))
    for line in outcome.evidence:
        print(line)
    if kept:
        print(f"All that is needed to understand it is in {kept}")


def _keep(field: Field, outcome: Outcome) -> str:
    scenario = outcome.scenario
    place = ROOT / "var" / "proof" / f"{scenario.name.replace(' ', '-')}-{scenario.seed}-{time.strftime('%H%M%S')}"
    place.mkdir(parents=True, exist_ok=True)
    (place / "plan.txt").write_text("\n".join([f"# seed {scenario.seed}", *map(str, scenario.strikes)]) + "\n")
    story = [f"{at:8.2f}  {text}" for at, text in outcome.story]
    (place / "story.txt").write_text("\n".join(story) + "\n")
    (place / "report.md").write_text(report(outcome) + "\n")
    (place / "evidence.txt").write_text("\n".join(outcome.evidence) + "\n")
    field.keep(place)
    return str(place.relative_to(ROOT))


def _evidence(field: Field, outcome: Outcome) -> list[str]:
    """What is not as promised, what lies around it, what the lanes were about, and whether a later reading finds the same."""
    found = []
    for name, page in outcome.pages.items():
        if page.offences:
            found += [*runs(page.offences), *_around(field.stage, name, page.offences)]
    if outcome.total("missing"):
        later = balance(field.stage, outcome.scenario.partitions, all_ended=outcome.all_ended)
        found.append("read again: " + ", ".join(f"{page.missing} missing in {name}" for name, page in later.items()))
    return found + field.course()[-_LINES:]


def _around(stage: Stage, name: str, offences: list[Offence]) -> list[str]:
    """All copies of the offending records and of their neighbours, with what was aborted: who wrote them, and where."""
    wanted = Counter(
        (offence.partition, offence.offset + step)
        for offence in offences[:_SHOWN]
        for step in range(-_NEIGHBOURS, _NEIGHBOURS + 1)
    )
    lines = []
    topic = stage.name(f"@{name}.event.v1")
    committed = {(found.partition(), found.offset()) for found in stage.topics.scan(topic, within=300)}
    for message in stage.topics.scan(topic, aborted=True, within=300):
        headers = dict(message.headers() or ())
        if "router-origin" not in headers:
            continue  # a sounding
        _, partition, offset = headers["router-origin"].split(b"/")
        if (int(partition), int(offset)) in wanted:
            place = (message.partition(), message.offset())
            seen = "committed" if place in committed else "aborted or open"
            lines.append((int(partition), int(offset), *place, seen, headers.get("router-hop")))
    return list(map(str, sorted(lines)))
