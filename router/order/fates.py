"""What becomes of a record that is not simply next, as its exchange's policy has it; the same for all kinds of order. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from router.order.effects import Arm, Cancel, Cause, DeadLetter, Drop, Effect, Emit, Held, P, deadline
from router.order.policy import OnDuplicate, OnGap, OnLate, OrderPolicy
from router.records.order_errors import Late, OrderGap

__all__ = ["duplicate", "in_vain", "late", "timer"]


def late(policy: OrderPolicy, offset: int, *, place: int | str, reached: int | str, forgotten: bool = False) -> Effect:
    """Of a record whose place was given up.

    `forgotten` is one of which nobody knows whether it came before. It is set aside whatever the policy says: sent, it
    could be there twice; dropped, it could be lost.
    """
    if policy.on_late is OnLate.DEAD_LETTER or forgotten:
        return DeadLetter(offset, Late(field=policy.kind.field, place=place, reached=reached, forgotten=forgotten))
    return Emit(offset, Cause.LATE) if policy.on_late is OnLate.RELEASE else Drop(offset, Cause.LATE)


def duplicate(policy: OrderPolicy, offset: int) -> Effect:
    """Of a record whose like was sent, set aside or dropped before."""
    release = policy.on_duplicate is OnDuplicate.RELEASE
    return Emit(offset, Cause.DUPLICATE) if release else Drop(offset, Cause.DUPLICATE)


def in_vain(policy: OrderPolicy, held: Held[P], *, missing: str, now: int, cause: Cause) -> Effect:
    """Of a record that waited behind a gap which is given up. A tombstone is in no order, and lacks nothing."""
    if held.tombstone:
        return Emit(held.offset, Cause.TOMBSTONE)
    if policy.gives_up is OnGap.RELEASE:
        return Emit(held.offset, cause)
    waited = max(0, now - held.since)
    return DeadLetter(
        held.offset,
        OrderGap(field=policy.kind.field, place=held.place, missing=missing, held_ms=waited, full=cause is Cause.FULL),
    )


def timer(policy: OrderPolicy, before: Sequence[Held[P]], after: Sequence[Held[P]]) -> tuple[Effect, ...]:
    """What to do about a key's timer when what it holds has changed."""
    was, is_now = deadline(before, policy.patience_ms), deadline(after, policy.patience_ms)
    if was == is_now:
        return ()
    return (Cancel(),) if is_now is None else (Arm(is_now),)
