"""Macros, recognised in the folds that the front end expands them to.

A fold goes over a range with an accumulator. Each macro makes it in one shape, so that shapes tell macros apart; as nodes
of their own they can be evaluated in linear time (a list that grows by concatenation cannot) and compiled to plain loops.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.language.cel.tree import Quantifier
from router.language.cel.wire import Message

__all__ = ["Fold", "read_fold"]

_CALL, _LIST = 6, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """The parts of a macro, still from the wire."""

    range: Message
    """What is gone over; of a `let` the value."""
    variables: tuple[str, ...]
    give: Message
    """What is computed for each; of a quantifier the condition, of a `let` the body."""
    keep: Message | None = None
    key: Message | None = None
    quantifier: Quantifier | None = None
    let: bool = False
    map: bool = False


def read_fold(message: Message) -> Fold | None:
    """The macro that a fold came from; None where it came from none that we know."""
    range_, start, step = message.inner(2), message.inner(4), message.inner(6)
    variables = tuple(name for name in (message.text(1), message.text(8)) if name)
    if variables[0] == "#unused":
        return Fold(range=start, variables=(message.text(3),), give=message.inner(7), let=True)
    function, arguments = _called(step)
    if function == "_&&_":
        return Fold(range=range_, variables=variables, give=arguments[1], quantifier=Quantifier.ALL)
    if function == "_||_":
        return Fold(range=range_, variables=variables, give=arguments[1], quantifier=Quantifier.EXISTS)
    keep = None
    if function == "_?_:_":
        if _called(message.inner(7))[0] == "_==_":
            return Fold(range=range_, variables=variables, give=arguments[0], quantifier=Quantifier.EXISTS_ONE)
        keep = arguments[0]
        function, arguments = _called(arguments[1])
    if function == "_+_" and _LIST in arguments[1]:
        return Fold(range=range_, variables=variables, keep=keep, give=arguments[1].inner(_LIST).each(1)[0])
    if function == "cel.@mapInsert":
        key = arguments[1] if len(arguments) == 3 else None
        return Fold(range=range_, variables=variables, keep=keep, key=key, give=arguments[-1], map=True)
    return None


def _called(message: Message) -> tuple[str, list[Message]]:
    call = message.inner(_CALL)
    return call.text(2), call.each(3)
