"""A small world in which parking is tried in every order of events: two keys, two workers, two consumers, crashes anywhere.

The world holds what Kafka holds (the narrow topic, the rejections, the marks, the group's offset), what the lane's table holds,
and what consumers remember. Its steps are those of `router.failure.parking` and `router.failure.consuming` themselves; around
them stands only what Kafka does:

* A lane's step is one transaction, and a worker that has lost its partition commits nothing.
* A consumer's transaction is decided at once, and becomes visible in each of its partitions (rejections, marks, offsets) one
  by one, in any order. A committed reader stops before what is not yet visible. A consumer begins no other transaction before.
* A group's former member commits nothing, and an offset is not fetched while a transaction on it is unfinished.

`Rules` switches each of these off, and breaks the protocol in other ways, so that the explorer can be seen to find it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from failure import gathering_world

from router.consumer.gathering import Share
from router.failure import parking
from router.failure.consuming import PartitionConsumer, Turn
from router.failure.parking import Back, KeyState, Place
from router.failure.policy import FailurePolicy

Entry = tuple[Any, ...]
"""In the narrow topic `("copy", source)` or `("release", key, epoch, first)`; among the rejections
`("rejected", place, source, behind, parks)`, `("acknowledged", key, epoch)` or `("redriven", place, source)`; among the marks `(key, place or None)`."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the world allows, and which rules are broken."""

    keys: str
    """The key of each record of the source, one letter a record."""
    policy: FailurePolicy
    fails: int = 2
    """Copies that the consumer fails to process."""
    crashes: int = 1
    """Consumers that die, and the same comes back; or its partition is given to the other."""
    takeovers: int = 1
    """Workers that lose the lane to the other."""
    remarks: int = 0
    """Times that somebody sends a release mark again."""
    resets: int = 0
    """Times that the group's offset is set back to the beginning."""
    skips: int = 0
    """Copies that somebody says to skip; only consumers that gather know of that."""
    redrives: int = 0
    """Dead letters that somebody sends again."""
    follows: bool = True
    """Consumers follow the protocol; else they reject without parking."""
    gathers: int = 0
    """Consumers are the ready-made ones, and commit after so many records at the latest; 0: each record's turn by itself."""

    stable_offsets: bool = True
    marks_to_high_watermark: bool = True
    members_fenced: bool = True
    workers_fenced: bool = True
    rejects_behind: bool = True
    heeds_first: bool = True
    mark_in_transaction: bool = True
    offset_in_transaction: bool = True
    lane_holds: bool = True
    waits_for_acknowledgement: bool = True
    sends_marks: bool = True
    knows_repeats: bool = True
    redrive_joins: bool = True
    """What is sent again joins what came back, where its key does not flow; else it is written at once."""
    joins_in_place: bool = True
    """And stands there by where its copy lay; else behind all."""
    decides_once: bool = True
    """A dead letter that was sent again is so no more."""
    commits_whole: bool = True
    """What is gathered is committed at once; else the offset first."""


class Lane(NamedTuple):
    """What a lane's table holds, with its two offsets."""

    states: tuple[KeyState | None, ...]
    source: int = 0
    rejected: int = 0
    deaths: tuple[int, ...] = ()
    kept: frozenset[object] = frozenset()
    """Places of what came back, and offsets of what is held."""
    gone: frozenset[int] = frozenset()
    """Dead letters and what was skipped."""
    letters: tuple[tuple[Place, int], ...] = ()
    """Dead letters as they were written: where the copy lay, and its original."""


class Member(NamedTuple):
    """What a consumer remembers."""

    position: int
    marks_end: int
    ready: bool
    parked: tuple[tuple[bytes, Place], ...]
    """Of one that gathers: when it last committed."""
    gathered: tuple[tuple[int, str], ...] = ()
    """What it has met since: offsets, and what became of them."""
    skips: frozenset[int] = frozenset()


class World(NamedTuple):
    """All there is."""

    lane: Lane
    topic: tuple[Entry, ...] = ()
    rejected: tuple[Entry, ...] = ()
    marks: tuple[tuple[bytes, Place | None], ...] = ()
    offset: int = 0
    pending: frozenset[tuple[int, str, int]] = frozenset()
    """Of whose transaction is what not yet visible, and from where on; of the offset what it was before."""
    members: tuple[Member | None, Member | None] = (None, None)
    assigned: int = 0
    workers: tuple[Lane | None, Lane | None] = (None, None)
    """What each worker remembers where that may differ from the table: only one that is not fenced."""
    owner: int = 0
    processed: tuple[int, ...] = ()
    open: frozenset[int] = frozenset()
    """Rejected, and not processed since."""
    fails: int = 0
    crashes: int = 0
    takeovers: int = 0
    remarks: int = 0
    resets: int = 0
    skips: int = 0
    skipped: frozenset[int] = frozenset()
    redriven: tuple[int, ...] = ()
    """Dead letters that were sent again, by their numbers."""


class Violation(Exception):
    """A promise is broken."""


def beginning(rules: Rules) -> World:
    """Nothing has happened yet."""
    names = sorted(set(rules.keys))
    lane = Lane(states=(None,) * len(names), deaths=(0,) * len(rules.keys))
    return World(lane, workers=(lane, None))


def key_number(rules: Rules, source: int) -> int:
    """Of a record's key."""
    return sorted(set(rules.keys)).index(rules.keys[source])


def steps(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """Everything that can happen next by itself."""
    for who, part, start in world.pending:
        yield f"{part} of consumer {who} becomes visible", world._replace(pending=world.pending - {(who, part, start)})
    for who in (0, 1):
        yield from _member_steps(world, rules, who)
        yield from _worker_steps(world, rules, who)


def strokes(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """Everything that can happen next from outside, a limited number of times."""
    if world.crashes < rules.crashes:
        dead = world._replace(crashes=world.crashes + 1)
        if world.members[world.assigned] is not None:
            yield "the consumer restarts", _with_member(dead, world.assigned, None)
        other = dead if not rules.members_fenced else _with_member(dead, world.assigned, None)
        yield "the other consumer takes over", other._replace(assigned=1 - world.assigned)
    if world.takeovers < rules.takeovers:
        taken = world._replace(takeovers=world.takeovers + 1, owner=1 - world.owner)
        workers = [world.lane, world.lane]
        kept = world.workers[world.owner] if not rules.workers_fenced else None
        taken = taken._replace(workers=(kept, workers[1]) if world.owner == 0 else (workers[0], kept))
        yield "the other worker takes over", taken
    if world.remarks < rules.remarks:
        for number, state in enumerate(world.lane.states):
            if state is not None and state.phase is parking.Phase.RELEASING:
                told = world._replace(remarks=world.remarks + 1)
                step = parking.release(state, now=0)
                after = _lane_step(told, rules, world.lane, number, step, who=world.owner)
                yield "somebody releases once more", after
    if world.skips < rules.skips:
        for offset, entry in enumerate(world.topic):
            if entry[0] == "copy":
                marks = (*world.marks, (gathering_world.SKIP, (0, offset)))
                yield f"somebody skips {offset}", world._replace(skips=world.skips + 1, marks=marks)
    yield from _redrives(world, rules)
    if world.resets < rules.resets and world.offset:
        back = world._replace(resets=world.resets + 1, offset=0, members=(None, None), open=frozenset())
        if not world.pending:
            yield "the group's offset is set back", back


def _redrives(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    if len(world.redriven) < rules.redrives:
        for number, (place, source) in enumerate(world.lane.letters):
            if number not in world.redriven or not rules.decides_once:
                # The command marks it as decided in the transaction in which it tells the lane.
                told = (*world.rejected, ("redriven", place, source))
                yield (
                    f"somebody sends {source} again",
                    world._replace(rejected=told, redriven=(*world.redriven, number)),
                )


def finished(world: World, rules: Rules) -> str:
    """What is missing where nothing happens by itself any more; empty where all is as it should be."""
    lane = world.lane
    missing = set(range(len(rules.keys))) - set(world.processed) - lane.gone - world.skipped
    if missing:
        return f"records {sorted(missing)} were neither processed nor set aside"
    again = [lane.letters[number][1] for number in world.redriven]
    died = [source for _, source in lane.letters]
    if lost := [one for one in again if one not in world.processed and died.count(one) <= again.count(one)]:
        return f"records {lost} were sent again, and neither processed nor set aside once more"
    if (
        (set(world.processed) & lane.gone) - set(again)
        and not rules.resets
        and rules.offset_in_transaction
        and not _repeats(world, rules)
    ):
        return "a record was set aside and processed"
    if any(state is not None and state.phase is not parking.Phase.FLOWING for state in lane.states):
        return f"a key does not flow: {lane.states}"
    if lane.kept:
        return f"something is kept for nobody: {lane.kept}"
    parked = [member.parked for member in world.members if member is not None and member.parked]
    return f"a consumer waits for a mark: {parked}" if parked else ""


def _with_member(world: World, who: int, member: Member | None) -> World:
    return world._replace(members=(member, world.members[1]) if who == 0 else (world.members[0], member))


def _visible(world: World, part: str, length: int) -> int:
    return min((start for _, one, start in world.pending if one == part), default=length)


def _member_steps(world: World, rules: Rules, who: int) -> Iterator[tuple[str, World]]:
    member = world.members[who]
    if member is None:
        if who == world.assigned:
            yield from _begin(world, rules, who)
        return
    if not member.ready:
        if _visible(world, "marks", len(world.marks)) >= member.marks_end:
            known = PartitionConsumer(0)
            known.begin(committed=member.position, marks_end=member.marks_end)
            for key, since in world.marks[: _visible(world, "marks", len(world.marks))]:
                if key == gathering_world.SKIP:
                    assert since is not None
                    member = member._replace(skips=member.skips | {since[1]})
                else:
                    known.marked(key, since)
            known.marks_read(member.marks_end)
            yield f"consumer {who} has read the marks", _with_member(world, who, _member(known, member))
        return
    if rules.gathers:
        yield from _gathering_steps(world, rules, who, member)
        return
    if member.position < len(world.topic) and not any(one == who for one, _, _ in world.pending):
        yield from _meet(world, rules, who, member)


def _gathering_steps(world: World, rules: Rules, who: int, member: Member) -> Iterator[tuple[str, World]]:
    for key, place in world.marks[: _visible(world, "marks", len(world.marks))]:
        if key == gathering_world.SKIP and place is not None and place[1] not in member.skips:
            # It comes while a record is in work, or between two; not back where it was met.
            heard = member._replace(skips=member.skips | {place[1]})
            if place[1] >= member.position:
                yield f"consumer {who} hears that {place[1]} is skipped", _with_member(world, who, heard)
    if member.position < len(world.topic) and len(member.gathered) < rules.gathers:
        entry = world.topic[member.position]
        may_fail = world.fails < rules.fails
        for outcome, after in gathering_world.meetings(member, rules, world.topic, may_fail=may_fail):
            known = _with_member(world, who, after)
            if outcome == gathering_world.PROCESSED:
                known = _processed(known, rules, entry[1])
            elif outcome == gathering_world.FAILED:
                known = known._replace(fails=world.fails + 1)
            elif outcome == gathering_world.SKIPPED:
                known = known._replace(open=world.open - {entry[1]}, skipped=world.skipped | {entry[1]})
            yield f"consumer {who} meets {entry}: {outcome}", known
    if member.gathered:
        share = gathering_world.share_of(member, rules, world.topic)
        if not share.writes or not any(one == who for one, _, _ in world.pending):
            yield f"consumer {who} commits {share.next}", _commit_share(world, who, member, share)
        if share.writes and not rules.commits_whole:
            yield (
                f"consumer {who} commits {share.next} alone, and dies",
                _with_member(world, who, None)._replace(offset=share.next),
            )


def _commit_share(world: World, who: int, member: Member, share: Share) -> World:
    """What a member has gathered, in one transaction decided and not yet visible; or its offset alone."""
    pending = set(world.pending)
    rejected, marks = gathering_world.rejected_in(share), gathering_world.marks_in(share)
    if share.writes:
        pending.add((who, "offset", world.offset))
    if rejected:
        pending.add((who, "rejected", len(world.rejected)))
    if marks:
        pending.add((who, "marks", len(world.marks)))
    opened = {each[2] for each in rejected if each[0] == "rejected"}
    after = world._replace(
        pending=frozenset(pending),
        rejected=(*world.rejected, *rejected),
        marks=(*world.marks, *marks),
        offset=share.next,
        open=world.open | opened,
    )
    return _with_member(after, who, gathering_world.committed(member, share))


def _repeats(world: World, rules: Rules) -> bool:
    """What was processed and not committed is processed again."""
    return rules.gathers > 0 and world.crashes > 0


def _begin(world: World, rules: Rules, who: int) -> Iterator[tuple[str, World]]:
    unfinished = [before for _, part, before in world.pending if part == "offset"]
    if unfinished and rules.stable_offsets:
        return
    offset = min(unfinished, default=world.offset)
    end = len(world.marks) if rules.marks_to_high_watermark else _visible(world, "marks", len(world.marks))
    yield f"consumer {who} begins at {offset}", _with_member(world, who, Member(offset, end, end == 0, ()))


def _meet(world: World, rules: Rules, who: int, member: Member) -> Iterator[tuple[str, World]]:
    entry = world.topic[member.position]
    at = member.position

    def consumer() -> PartitionConsumer:
        made = PartitionConsumer(0)
        made.begin(committed=at, marks_end=0)
        for key, since in member.parked:
            made.marked(key, since)
        return made

    if entry[0] == "release":
        _, key, epoch, first = entry
        met = Meeting(who, member, consumer(), key, -1)
        turn = met.consumer.meet_release(key, at, epoch=epoch, first=first if rules.heeds_first else None)
        yield f"consumer {who} meets release {epoch}", _commit(world, met, turn)
        return
    source = entry[1]
    met = Meeting(who, member, consumer(), rules.keys[source].encode(), source)
    skipped = met.consumer.meet(met.key, at) if rules.rejects_behind else None
    if skipped is not None:
        yield f"consumer {who} skips {source}", _commit(world, met, skipped)
        return
    done = _processed(world, rules, source)
    yield f"consumer {who} processes {source}", _commit(done, met, met.consumer.processed(at))
    if world.fails < rules.fails:
        failed = world._replace(fails=world.fails + 1)
        turn = consumer().failed(met.key, at, keep=rules.follows)
        yield f"consumer {who} rejects {source}", _commit(failed, met._replace(consumer=consumer()), turn)
        if turn.mark is not None and not rules.mark_in_transaction:
            torn = _commit(failed, met._replace(consumer=consumer()), replace(turn, mark=None))
            yield f"consumer {who} rejects {source}, and dies before its mark", _with_member(torn, who, None)
        if not rules.offset_in_transaction:
            torn = _commit(failed, met._replace(consumer=consumer()), replace(turn, next=at))
            yield f"consumer {who} rejects {source}, and dies before its offset", _with_member(torn, who, None)


def _processed(world: World, rules: Rules, source: int) -> World:
    key = rules.keys[source]
    earlier = [one for one in world.processed if rules.keys[one] == key]
    if not world.resets and rules.follows and rules.stable_offsets:
        if source in earlier and not _repeats(world, rules):
            raise Violation(f"{source} is processed twice")
        redriven = any(world.lane.letters[number][1] == source for number in world.redriven)
        if earlier and max(earlier) > source and source not in earlier and not redriven:
            raise Violation(f"{source} is processed after {earlier[-1]}")
    waiting = [one for one in world.open - world.lane.gone if rules.keys[one] == key and one < source]
    if waiting and rules.follows:
        raise Violation(f"{source} is processed while {waiting} wait")
    if not rules.follows and rules.offset_in_transaction and source in earlier:
        raise Violation(f"{source} is processed twice")
    return world._replace(processed=(*world.processed, source), open=world.open - {source})


def _member(consumer: PartitionConsumer, member: Member) -> Member:
    return member._replace(
        position=consumer.position, ready=consumer.ready, parked=tuple(sorted(consumer.parked.items()))
    )


class Meeting(NamedTuple):
    """A consumer that has met an entry of its topic."""

    who: int
    member: Member
    consumer: PartitionConsumer
    key: bytes
    source: int
    """Of the original; -1 of a release mark."""


def _commit(world: World, met: Meeting, turn: Turn) -> World:
    """One transaction of a consumer, decided and not yet visible; without a rejection or acknowledgement an offset alone."""
    who, member, consumer, key, source = met
    pending = set(world.pending)
    rejected, marks, opened = world.rejected, world.marks, world.open
    if turn.rejects or turn.acknowledges is not None:
        pending.add((who, "rejected", len(rejected)))
        if turn.rejects:
            rejected = (*rejected, ("rejected", (0, member.position), source, turn.rejects == "behind", turn.parks))
            opened = opened | {source}
        else:
            rejected = (*rejected, ("acknowledged", key, turn.acknowledges))
        pending.add((who, "offset", world.offset))
    if turn.mark is not None:
        pending.add((who, "marks", len(marks)))
        marks = (*marks, (turn.mark.key, turn.mark.since))
    consumer.committed(turn)
    after = world._replace(pending=frozenset(pending), rejected=rejected, marks=marks, offset=turn.next, open=opened)
    return _with_member(after, who, _member(consumer, member))


def _worker_steps(world: World, rules: Rules, who: int) -> Iterator[tuple[str, World]]:
    lane = world.workers[who]
    if lane is None or (rules.workers_fenced and who != world.owner):
        return
    if lane.source < len(rules.keys):
        number = key_number(rules, lane.source)
        state = lane.states[number]
        step = parking.arrive(state if rules.lane_holds else None, lane.source)
        if not rules.lane_holds:
            step = parking.Step(state, step.effects)
        after = _lane_step(world, rules, lane._replace(source=lane.source + 1), number, step, who=who)
        yield f"worker {who} reads record {lane.source}", after
    if lane.rejected < _visible(world, "rejected", len(world.rejected)):
        yield f"worker {who} reads rejection {lane.rejected}", _read_rejection(world, rules, lane, who)
    for number, state in enumerate(lane.states):
        if state is None or state.phase is not parking.Phase.PARKED:
            continue
        if state.due is not None:
            step = parking.expire(state, now=state.due, policy=rules.policy)
            yield f"worker {who}: time passes", _lane_step(world, rules, lane, number, step, who=who)
        else:
            step = parking.release(state, now=0)
            yield f"worker {who}: somebody releases", _lane_step(world, rules, lane, number, step, who=who)
            for back in state.back:
                if back.waits:
                    given_up = parking.give_up(state, back.place, silently=True, now=0)
                    yield f"worker {who}: somebody gives up", _lane_step(world, rules, lane, number, given_up, who=who)


def _read_rejection(world: World, rules: Rules, lane: Lane, who: int) -> World:
    entry = world.rejected[lane.rejected]
    read = lane._replace(rejected=lane.rejected + 1)
    if entry[0] == "acknowledged":
        key, epoch = entry[1], entry[2]
        number = sorted(set(rules.keys)).index(key.decode())
        step = parking.acknowledge(lane.states[number], epoch, now=0)
        return _lane_step(world, rules, read, number, step, who=who)
    if entry[0] == "redriven":
        return _read_redrive(world, rules, read, (entry[1], entry[2]), who)
    _, place, source, behind, parks = entry
    number = key_number(rules, source)
    state = lane.states[number]
    if state is not None and not rules.knows_repeats:
        state = replace(state, handled=())
    step = parking.reject(
        state,
        Back(place, source),
        behind=behind,
        parks=parks,
        deaths=lane.deaths[source] + 1,
        now=0,
        policy=rules.policy,
    )
    if not behind and not any(isinstance(each, parking.Repeat) for each in step.effects):
        deaths = [count + (one == source) for one, count in enumerate(lane.deaths)]
        read = read._replace(deaths=tuple(deaths))
    return _lane_step(world, rules, read, number, step, who=who)


def _read_redrive(world: World, rules: Rules, lane: Lane, letter: tuple[Place, int], who: int) -> World:
    place, source = letter
    number = key_number(rules, source)
    state = lane.states[number]
    step = parking.rejoin(state, Back(place, source), now=0)
    if state is None or state.phase is parking.Phase.FLOWING:
        return _lane_step(world, rules, lane, number, step, who=who)
    # From now on it waits as if it had never been given up: nothing later of its key may be processed before it.
    lane = lane._replace(gone=lane.gone - {source})
    if not rules.redrive_joins:
        step = parking.Step(state, (parking.Copy(source),))
    elif not rules.joins_in_place and step.state is not None:
        last = replace(step.state, back=(*state.back, Back(place, source)))
        step = parking.Step(last, step.effects)
    return _lane_step(world, rules, lane, number, step, who=who)


def _lane_step(world: World, rules: Rules, lane: Lane, number: int, step: parking.Step, *, who: int) -> World:
    """One transaction of a lane: the table, the topic and the offsets."""
    state, effects = _unwaiting(step, rules)
    key = sorted(set(rules.keys))[number].encode()
    written: list[Entry] = []
    kept, gone, letters = set(lane.kept), set(lane.gone), list(lane.letters)
    for effect in effects:
        match effect:
            case parking.Copy(source):
                written.append(("copy", source))
            case parking.Hold(kept_now) | parking.Keep(kept_now):
                kept.add(kept_now)
            case parking.Release(source):
                kept.remove(source)
                written.append(("copy", source))
            case parking.Return(place):
                kept.remove(place)
                written.append(("copy", world.topic[place[1]][1]))
            case parking.Mark(epoch, first):
                written.append(("release", key, epoch, first))
            case parking.SetAside(place) | parking.Skip(place):
                kept.remove(place)
                gone.add(world.topic[place[1]][1])
                if isinstance(effect, parking.SetAside) and rules.redrives:
                    letters.append((place, world.topic[place[1]][1]))
    states = (*lane.states[:number], state, *lane.states[number + 1 :])
    after = lane._replace(states=states, kept=frozenset(kept), gone=frozenset(gone), letters=tuple(letters))
    workers = (after, world.workers[1]) if who == 0 else (world.workers[0], after)
    return world._replace(lane=after, workers=workers, topic=(*world.topic, *written))


def _unwaiting(step: parking.Step, rules: Rules) -> tuple[KeyState | None, tuple[parking.Effect, ...]]:
    """What a lane does that is broken: it takes the acknowledgement for read, or writes no mark."""
    marked = any(isinstance(each, parking.Mark) for each in step.effects)
    if not marked or (rules.sends_marks and rules.waits_for_acknowledgement):
        return step.state, step.effects
    assert step.state is not None, "a key that is released has a state"
    sent = parking.acknowledge(step.state, step.state.epoch, now=0)
    kept = tuple(each for each in step.effects if rules.sends_marks or not isinstance(each, parking.Mark))
    return sent.state, (*kept, *sent.effects)


@dataclass(frozen=True)
class Explored:
    """What an exploration found."""

    states: int
    ends: int
    violation: str
    """Empty where every promise was kept."""
    way: tuple[str, ...]
    """The steps that led there."""


def explore(rules: Rules, *, most: int = 5_000_000) -> Explored:
    """Every world that can be reached, each looked at once; the shortest way to the first broken promise, if any.

    Every step uses up something (a record, an entry, a budget), so no world comes back to itself: where all ends are good,
    all ways lead to a good end. That no step leads to the world it left is checked; longer circles would grow some log.
    """
    start = beginning(rules)
    came: dict[World, tuple[World, str] | None] = {start: None}
    ends = 0
    frontier = [start]
    while frontier:
        onward: list[World] = []
        for world in frontier:
            alone = True
            try:
                for outside, possible in ((False, steps(world, rules)), (True, strokes(world, rules))):
                    for name, after in possible:
                        alone = alone and outside
                        if after == world:
                            return Explored(len(came), ends, f"nothing happens by: {name}", _way(came, world))
                        if after not in came:
                            came[after] = (world, name)
                            onward.append(after)
            except (Violation, KeyError) as broken:
                return Explored(len(came), ends, repr(broken), _way(came, world))
            if alone:
                ends += 1
                problem = finished(world, rules)
                if problem:
                    return Explored(len(came), ends, problem, _way(came, world))
            if len(came) > most:
                return Explored(len(came), ends, f"more than {most} worlds", ())
        frontier = onward
    return Explored(len(came), ends, "", ())


def walk(rules: Rules, chance: random.Random) -> str:
    """One way to an end, by chance, in a world that is too large to explore; the first broken promise, if any."""
    world = beginning(rules)
    names: list[str] = []
    while True:
        try:
            own, outside = list(steps(world, rules)), list(strokes(world, rules))
        except (Violation, KeyError) as broken:
            return f"{broken!r} after {names}"
        if not own and not outside:
            problem = finished(world, rules)
            return problem and f"{problem} after {names}"
        # Strokes are few, and would all be used up at the beginning.
        name, world = chance.choice(outside if outside and (not own or chance.random() < 0.05) else own)
        names.append(name)


def _way(came: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    names: list[str] = []
    at = came[world]
    while at is not None:
        names.append(at[1])
        at = came[at[0]]
    return tuple(reversed(names))
