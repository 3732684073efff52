"""Parking a key for one consumer: what the lane of the key's source does, step by step. Pure.

A consumer that cannot process a record rejects it, and must not see a later record of that key before. The lane is the only
writer of the key's copies, but copies that it has written before it reads the rejection are in flight: the consumer will meet
them. How the two agree, so that nothing overtakes:

    consumer of T                          T.rejected                lane                              T
    rejects r5, parks the key          ──► r5                    ──► parked: holds r8, r9 …
    skips and rejects r6, r7           ──► r6 behind, r7 behind  ──► they come back, by their offsets
                                                                     released: writes a mark       ──► release 1
    meets the mark, the key flows      ──► acknowledges 1        ──► r5 r6 r7, then r8 r9 …       ──► r5 r6 r7 r8 r9
    processes r5 r6 r7 r8 r9

It rests on three facts. All that was in flight stands before the mark in T, since the lane holds what comes after the
rejection; so its rejections stand before the acknowledgement; so when the lane reads that, it has everything. The consumer
in turn needs no more than to know which keys are parked (`consuming`).

Of a key, at one destination, the lane keeps a state; what can happen to it is a step, (state, what happened) → (state,
effects), taken in one transaction with the offsets of what was read:

                 | a record comes | a rejection that     | one behind it,    | time, or someone,  | its epoch is
                 | from the source| begins a parking     | or a plain one    | says: release      | acknowledged
    -------------+----------------+----------------------+-------------------+--------------------+---------------------
    flowing      | Copy           | PARKED: Keep, Arm    | the same          |                    |
    parked       | Hold           | Keep, Arm            | Keep              | RELEASING: Mark (or,
                 |                |                      |                   | where no consumer waits for it, FLOWING: all)
    releasing    | Hold           | PARKED: Keep, Arm    | Keep              | Mark, once more    | FLOWING: Return what
                 |                |                      |                   |                    | came back, Release

* What came back goes first, by the places where its copies lay, then what was held, as it came.
* A rejection is known by its copy's place. A repeat changes nothing, but where it begins a parking (a group whose offsets were
  set back meets a record again) it is answered with a release mark, since the consumer waits for one.
* A mark says since which copy the consumer has parked the key, and the consumer heeds no other: an old mark that is met again
  ends no new parking. Of several parkings the lane answers the latest, which is the one that the consumer is in: it begins
  another only when the one before has ended.
* A consumer that does not follow the protocol rejects without parking (`parks` is false). Then the lane holds the key as
  well where the policy says so, and needs no mark to go on; what was in flight has overtaken.
* Where a record is kept alone (`keep: nothing`, or it has no key), it is a key of its own, of which no other record comes.
* What was set aside before and is sent again by hand joins what came back, by the place where it lay, if its key does not flow.
* Of one key up to 10,000 copies wait that came back. One more is set aside at once, whoever it is behind of, so that the state
  stays a record that a changelog takes; the key goes on waiting, and whoever sends that dead letter again finds it in its place.
* A state is forgotten when a destination's retention has passed since its last step: by then no copy and no mark of it can be
  met again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from router.failure.policy import FailurePolicy, GiveUp, OnExpiry, Park, Retry, Verdict

__all__ = [
    "MOST_BACK",
    "MOST_HANDLED",
    "Arm",
    "Back",
    "Cancel",
    "Copy",
    "Effect",
    "Hold",
    "Keep",
    "KeyState",
    "Mark",
    "Phase",
    "Place",
    "Release",
    "Repeat",
    "Return",
    "SetAside",
    "Skip",
    "Step",
    "acknowledge",
    "arrive",
    "edit",
    "expire",
    "forgets",
    "give_up",
    "reject",
    "rejoin",
    "release",
]

Place = tuple[int, int]
"""Where a copy lies in its destination: partition and offset."""

MOST_HANDLED = 1_000
"""Rejected copies that are remembered of one key; the oldest are forgotten first."""


MOST_BACK = 10_000
"""Copies that wait with one key after they came back: a state is one record of a changelog. What comes back beyond is set aside."""


class Phase(StrEnum):
    """What a key does at one destination."""

    FLOWING = "flowing"
    PARKED = "parked"
    RELEASING = "releasing"
    """A release mark is on its way to the consumer, and its acknowledgement back."""


@dataclass(frozen=True, slots=True)
class Back:
    """A copy that came back."""

    place: Place
    source: int
    """The offset of its original."""
    until: int | None = None
    """Of a copy that failed: when its key is released for it, in milliseconds since the epoch. None: it was only behind
    one, or is to be sent as soon as the others can."""
    parked: bool = False
    """It waits for somebody to decide; until then at most, where `until` says so."""

    @property
    def waits(self) -> bool:
        """Its key is kept for it."""
        return self.parked or self.until is not None


@dataclass(frozen=True, slots=True)
class KeyState:
    """What the lane remembers of one key at one destination."""

    phase: Phase = Phase.FLOWING
    epoch: int = 0
    """Of the latest release mark."""
    awaited: bool = False
    """The consumer has parked the key, and goes on with it only behind a release mark."""
    first: Place | None = None
    """The copy since whose rejection it has; None where it is not known."""
    back: tuple[Back, ...] = ()
    """What came back, by place."""
    held: tuple[int, ...] = ()
    """Offsets of the records that came since, in the order in which they are to go."""
    handled: tuple[Place, ...] = ()
    """Copies whose rejections were read, the latest last."""
    active: int = 0
    """When its last step was taken, in milliseconds since the epoch."""

    @property
    def due(self) -> int | None:
        """When to come back to it; None: only when something happens."""
        if self.phase is not Phase.PARKED or any(each.parked and each.until is None for each in self.back):
            return None
        return max((each.until for each in self.back if each.until is not None), default=None)


@dataclass(frozen=True, slots=True)
class Copy:
    """Write the record that has just come."""

    source: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the record that has just come from the source, under its offset."""

    source: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the copy that has just come back, under its place."""

    place: Place


@dataclass(frozen=True, slots=True)
class Repeat:
    """The rejection was read before: count it, and do nothing."""

    place: Place


@dataclass(frozen=True, slots=True)
class Mark:
    """Write a release mark, and nothing of the key until it is acknowledged."""

    epoch: int
    first: Place | None


@dataclass(frozen=True, slots=True)
class Return:
    """Copy again what came back; it is kept no longer."""

    place: Place


@dataclass(frozen=True, slots=True)
class Release:
    """Copy what was held; it is kept no longer."""

    source: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """Make a dead letter of what came back; it is kept no longer."""

    place: Place


@dataclass(frozen=True, slots=True)
class Skip:
    """Count what came back; it is kept no longer."""

    place: Place


@dataclass(frozen=True, slots=True)
class Arm:
    """Come back to the key when this time has passed; it replaces the key's timer."""

    at: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The key has nothing to wait for that time alone could bring."""


Effect = Copy | Hold | Keep | Repeat | Mark | Return | Release | SetAside | Skip | Arm | Cancel


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a key, and what is to be done, in this order."""

    state: KeyState | None
    """None: nothing is to be remembered of it."""
    effects: tuple[Effect, ...]


def arrive(state: KeyState | None, source: int) -> Step:
    """A record of the key has come from the source, and is to be copied to the destination."""
    if state is None or state.phase is Phase.FLOWING:
        return Step(state, (Copy(source),))
    return Step(replace(state, held=(*state.held, source)), (Hold(source),))


def reject(
    state: KeyState | None, copy: Back, *, behind: bool, parks: bool, deaths: int, now: int, policy: FailurePolicy
) -> Step:
    """The consumer has rejected a copy of the key.

    `behind`: it did not look at it, since the key is parked. `parks`: it follows the protocol. `deaths` is how often the
    event has died here, this time counted; of what is behind it means nothing.
    """
    before = state or KeyState()
    begins = parks and not behind
    if copy.place in before.handled or any(each.place == copy.place for each in before.back):
        return _repeated(before, copy.place, now) if begins else Step(state, (Repeat(copy.place),))
    verdict = None if behind else policy.verdict(deaths)
    if len(before.back) >= MOST_BACK and not isinstance(verdict, GiveUp):
        verdict = GiveUp(silently=False)
    came = _judged(copy, verdict, now)
    after = replace(
        before,
        # A key that is being released is parked again only by a failure: what is behind was on its way.
        phase=before.phase if behind and before.phase is Phase.RELEASING else Phase.PARKED,
        awaited=before.awaited or parks,
        first=copy.place if begins else before.first,
        back=tuple(sorted((*before.back, came), key=lambda one: one.place)),
        handled=(*before.handled, copy.place)[-MOST_HANDLED:],
        active=now,
    )
    if isinstance(verdict, GiveUp):
        return _without(after, (copy.place,), silently=verdict.silently, kept=(Keep(copy.place),))
    if behind and before.phase is Phase.FLOWING:
        # Nobody knows what it is behind of: the state was forgotten, or the topic had no policy then.
        return _released(after, (Keep(copy.place),))
    return Step(after, (Keep(copy.place), *_timer(before, after)))


def acknowledge(state: KeyState | None, epoch: int, *, now: int) -> Step:
    """The consumer has met a release mark. One of another epoch changes nothing: a later one is on its way."""
    if state is None or state.phase is not Phase.RELEASING or state.epoch != epoch:
        return Step(state, ())
    return _sent(replace(state, active=now), ())


def expire(state: KeyState, *, now: int, policy: FailurePolicy) -> Step:
    """Time has passed: where all that the key is kept for has had its time, it is released."""
    due = state.due
    if due is None or due > now:
        return Step(state, ())
    aside: tuple[Place, ...] = ()
    if policy.on_expiry is OnExpiry.DEAD_LETTER:
        aside = tuple(each.place for each in state.back if each.parked)
    return _without(_freed(replace(state, active=now), None), aside, silently=False)


def release(state: KeyState | None, *, now: int) -> Step:
    """Somebody says: send it now. Where a mark is on its way, another is sent, as for a consumer that has lost it."""
    if state is None or state.phase is Phase.FLOWING:
        return Step(state, ())
    return _released(_freed(replace(state, active=now), None), _timer(state, None))


def give_up(state: KeyState | None, place: Place, *, silently: bool, now: int) -> Step:
    """Somebody says: this copy is not to be sent again. The key flows on when nothing else keeps it."""
    if state is None or all(each.place != place for each in state.back):
        return Step(state, ())
    return _without(replace(state, active=now), (place,), silently=silently, timed=state)


def edit(state: KeyState | None, place: Place, *, now: int) -> Step:
    """Somebody has changed this copy, which is then to be sent: whoever keeps it has changed it in the same transaction."""
    if state is None or all(each.place != place for each in state.back):
        return Step(state, ())
    return _without(_freed(replace(state, active=now), place), (), silently=False, timed=state)


def rejoin(state: KeyState | None, copy: Back, *, now: int) -> Step:
    """Somebody says: send this copy, which was set aside. Where its key does not flow, it joins what came back, in its place.

    Where no more can wait with the key, it is set aside once more.
    """
    if state is None or state.phase is Phase.FLOWING:
        return Step(state, (Copy(copy.source),))
    if any(each.place == copy.place for each in state.back):
        return Step(state, (Repeat(copy.place),))
    if len(state.back) >= MOST_BACK:
        return Step(replace(state, active=now), (Keep(copy.place), SetAside(copy.place)))
    back = tuple(sorted((*state.back, copy), key=lambda one: one.place))
    return Step(replace(state, back=back, active=now), (Keep(copy.place),))


def forgets(state: KeyState, *, now: int, retention_ms: int | None) -> bool:
    """Whether a key that flows can be forgotten: nothing of it can be met again in a topic with this retention."""
    flowing = state.phase is Phase.FLOWING
    return flowing and retention_ms is not None and now - state.active > retention_ms


def _judged(copy: Back, verdict: Verdict | None, now: int) -> Back:
    match verdict:
        case Retry(after_ms=after):
            return replace(copy, until=now + after)
        case Park(for_ms=None):
            return replace(copy, parked=True)
        case Park(for_ms=int(most)):
            return replace(copy, until=now + most, parked=True)
        case _:
            return copy


def _repeated(state: KeyState, place: Place, now: int) -> Step:
    """A parking that begins with a copy that was handled before: the consumer waits for a mark."""
    after = replace(state, awaited=True, first=place, active=now)
    if after.phase is Phase.PARKED:
        return Step(after, (Repeat(place),))
    return _released(after, (Repeat(place),))


def _freed(state: KeyState, place: Place | None) -> KeyState:
    """One copy, or all of them, keep the key no longer."""
    if state.phase is not Phase.PARKED:
        return state
    back = tuple(
        replace(each, until=None, parked=False) if place in {None, each.place} else each for each in state.back
    )
    return replace(state, back=back)


def _without(
    state: KeyState,
    places: tuple[Place, ...],
    *,
    silently: bool,
    kept: tuple[Effect, ...] = (),
    timed: KeyState | None = None,
) -> Step:
    """The key without these copies; released where nothing keeps it."""
    gone: tuple[Effect, ...] = tuple(Skip(place) if silently else SetAside(place) for place in places)
    after = replace(state, back=tuple(each for each in state.back if each.place not in places))
    if after.phase is not Phase.PARKED:
        return Step(after, (*kept, *gone))
    if any(each.waits for each in after.back):
        return Step(after, (*kept, *gone, *_timer(timed or state, after)))
    return _released(after, (*kept, *gone, *_timer(timed or state, None)))


def _released(state: KeyState, effects: tuple[Effect, ...]) -> Step:
    if not state.awaited:
        return _sent(state, effects)
    after = replace(state, phase=Phase.RELEASING, epoch=state.epoch + 1)
    return Step(after, (*effects, Mark(after.epoch, after.first)))


def _sent(state: KeyState, effects: tuple[Effect, ...]) -> Step:
    sent: list[Effect] = [Return(each.place) for each in state.back]
    sent += [Release(source) for source in state.held]
    after = replace(state, phase=Phase.FLOWING, awaited=False, first=None, back=(), held=())
    return Step(after, (*effects, *sent))


def _timer(before: KeyState, after: KeyState | None) -> tuple[Effect, ...]:
    due = None if after is None else after.due
    if due == before.due:
        return ()
    return (Cancel(),) if due is None else (Arm(due),)
