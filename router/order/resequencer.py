"""Putting the records of each key in order: what is promised, and who decides. Pure.

The records of a key come to a lane in some order, and leave it in the order that they themselves tell. For that a key has
a state, and everything that can happen is a step:

    (state of a key; a record has come, or time has passed)  →  (state, effects)

Effects are values (`effects`): send, hold, set aside, drop, arm or cancel the key's timer. Whoever takes the step carries
them out and keeps the state, both in one transaction with the source's offset. A step reads no clock. It gets two times,
because two things age: a *wait* runs by the clock, from when the record was received; what is *forgotten* goes by the
log's own progress. After an outage of a day no key is a day older, and no wait has run out (`timers`).

                       | what comes is …                                                       | time: a wait has
    a key that         | due            before its time   behind, and     behind, and was      | run out, or the
                       |                                  came before     given up             | key is full
    -------------------+-------------------------------------------------------------------------+------------------------
    holds nothing      | Emit           Hold, Arm         on-duplicate    on-late              |
    holds some         | Emit, with all Hold; a second    on-duplicate    on-late              | on-gap for what waited;
                       | that it lets   one: on-duplicate                                      | Arm for the rest
                       | go; Cancel
    was forgotten      | begins anew, as a key that nobody has seen                              |

What "due" is, each kind of order says itself:

    sequence    the number that follows the last                                   `sequence`
    by time     nothing but a time equal to the last; all else waits               `event_time`
    states      a state that the key's state leads to                              `states`; a state that can never be
                                                                                   reached is set aside at once

For all of them:

* Each record has one fate, and no record is held longer than its wait, plus what the lane takes to read the log as it
  stood then. So when time passes and nothing comes, nothing stays held.
* With duplicates dropped, each number (and, without circles, each state) is sent at most once, and in order, but for what
  `on-late: release` asks for.
* A record without a value has no place: it goes when all has gone that was held when it came. Where it leaves nothing
  held, its key has ended, and is forgotten; what comes then begins anew.
* A step depends on its arguments alone, so that a restart between any two steps changes nothing.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from router.order.effects import Cancel, Cause, Effect, Emit, Event, Step
from router.order.event_time import TimeResequencer, TimeState
from router.order.policy import ByTime, OrderPolicy, Sequence
from router.order.sequence import SequenceResequencer, SequenceState
from router.order.states import StatesResequencer, StatesState

__all__ = ["KeyState", "Resequencer", "abandon", "fits", "new_resequencer"]

KeyState = SequenceState | TimeState | StatesState
"""What is remembered of a key, whatever orders it."""

S = TypeVar("S", SequenceState, TimeState, StatesState)


class Resequencer(Protocol[S]):
    """The steps of one kind of order."""

    policy: OrderPolicy

    def arrive(self, state: S | None, event: Event) -> Step[S]:
        """A record of the key has come. None is a key that nothing is remembered of."""

    def expire(self, state: S, now: int) -> Step[S]:
        """The lane has read all that was in the log at this time, in milliseconds since the epoch: which waits have run out?"""


_STATES: dict[type, type[KeyState]] = {Sequence: SequenceState, ByTime: TimeState}


def new_resequencer(policy: OrderPolicy) -> Resequencer[Any]:
    """The steps that a policy asks for."""
    match policy.kind:
        case Sequence():
            return SequenceResequencer(policy)
        case ByTime():
            return TimeResequencer(policy)
        case _:
            return StatesResequencer(policy)


def fits(state: KeyState, policy: OrderPolicy) -> bool:
    """Whether a state is one of this kind of order; one that was made before routes changed may not be."""
    return isinstance(state, _STATES.get(type(policy.kind), StatesState))


def abandon(state: KeyState) -> Step[Any]:
    """What to do with a key that is not ordered in this way any more: all that it holds goes, in its order."""
    effects: tuple[Effect, ...] = tuple(Emit(each.offset, Cause.ABANDONED) for each in state.held)
    return Step(None, (*effects, Cancel()) if effects else ())
