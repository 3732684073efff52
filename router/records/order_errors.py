"""Why a record has no place in its key's order, or has lost it: it becomes a dead letter, and the rest flows on. Pure."""

from __future__ import annotations

from router.errors import RecordError

__all__ = ["IllegalTransition", "Late", "OrderGap", "OrderUnknown"]


class OrderUnknown(RecordError):
    """The field by which its exchange orders records does not say where this one belongs."""

    reason = "order-unknown"

    def __init__(self, *, field: str, value: object, problem: str) -> None:
        super().__init__(field, value, problem)
        self.field = field
        self.value = value
        self.problem = problem
        """What is wrong with the value, as the end of a sentence that begins with the field."""

    def __str__(self) -> str:
        return (
            f"field '{self.field}' is {self.value!r}, which {self.problem}: the record has no place in its key's order"
        )


class OrderGap(RecordError):
    """The gap before the record was given up, and its exchange sets aside what waits behind one (`on-gap: dead-letter`)."""

    reason = "order-gap"

    def __init__(self, *, field: str, place: int | str, missing: str, held_ms: int, full: bool) -> None:
        super().__init__(field, place, missing, held_ms, full)
        self.field = field
        self.place = place
        """The number or the state that the record carries."""
        self.missing = missing
        """What did not come, in words: `5 to 6`, or `paid`."""
        self.held_ms = held_ms
        """How long the record waited; 0 where it did not wait at all."""
        self.full = full
        """Its wait had not run out: its key held as many records as it may."""

    def __str__(self) -> str:
        why = "when its key held as many records as it may" if self.full else f"in {self.held_ms / 1000:g} s"
        return f"'{self.field}' is {self.place}, and {self.missing}, which comes before it, did not come {why}"


class Late(RecordError):
    """The record comes after its place was given up, and its exchange sets such records aside (`on-late: dead-letter`)."""

    reason = "late"

    def __init__(self, *, field: str, place: int | str, reached: int | str, forgotten: bool = False) -> None:
        super().__init__(field, place, reached, forgotten)
        self.field = field
        self.place = place
        """The number, the instant (microseconds since the epoch, or the field's own number) or the state that it carries."""
        self.reached = reached
        """How far its key had got."""
        self.forgotten = forgotten
        """It lies so far back that nobody remembers whether it came before: it may be a duplicate."""

    def __str__(self) -> str:
        doubt = ", so long ago that it may be a duplicate" if self.forgotten else ""
        return f"'{self.field}' is {self.place}, and its key has gone on to {self.reached}{doubt}"


class IllegalTransition(RecordError):
    """The record carries a state that its key can never get to from where it is, by the transitions that routes allow."""

    reason = "illegal-transition"

    def __init__(self, *, field: str, path: tuple[str, ...], state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(field, path, state, allowed)
        self.field = field
        self.path = path
        """The states that the key went through, the latest last; of a long way the end."""
        self.state = state
        self.allowed = allowed
        """The states that could have come next."""

    def __str__(self) -> str:
        way = " → ".join((*self.path, self.state))
        after = f"after '{self.path[-1]}'" if self.path else "first"
        allowed = " or ".join(self.allowed) or "nothing"
        return f"'{self.field}' went {way}: {after} comes {allowed}"
