"""What a binding key of a topic exchange asks for: a pattern of words.

`*` stands for one word and `#` for any number of words, none included (AMQP 0-9-1, section 3.1.3.3); every other word is
itself, character for character.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["MANY", "ONE", "first_mismatch", "normal_form"]

ONE = "*"
MANY = "#"


def normal_form(pattern: Sequence[str]) -> tuple[str, ...]:
    """A pattern that the same words satisfy, in which no two `#` meet.

    Of wildcards that stand together only their number counts: `#.*.#.*` is `*.*.#`, two words or more.
    """
    normal: list[str] = []
    run: list[str] = []
    for word in pattern:
        if word in (ONE, MANY):
            run.append(word)
            continue
        normal += [*_of_run(run), word]
        run = []
    return (*normal, *_of_run(run))


def _of_run(run: Sequence[str]) -> list[str]:
    return [word for word in run if word == ONE] + ([MANY] if MANY in run else [])


def first_mismatch(pattern: Sequence[str], words: Sequence[str]) -> tuple[int, str | None] | None:
    """Where the pattern fails first: the index of the word and what the pattern wants there; None where it matches.

    With `#` several readings are possible: the one that gets furthest into the words counts. Nothing is wanted (None)
    where the pattern has ended and words are left; the index is `len(words)` where the words ended too soon.
    """
    alive = _positions({0}, pattern)
    for index, word in enumerate(words):
        following = {
            position if pattern[position] == MANY else position + 1
            for position in alive
            if position < len(pattern) and pattern[position] in (MANY, ONE, word)
        }
        if not following:
            return index, _wanted(pattern, alive)
        alive = _positions(following, pattern)
    return None if len(pattern) in alive else (len(words), _wanted(pattern, alive))


def _positions(positions: Iterable[int], pattern: Sequence[str]) -> set[int]:
    reached = set()
    for start in positions:
        position = start
        reached.add(position)
        while position < len(pattern) and pattern[position] == MANY:
            position += 1
            reached.add(position)
    return reached


def _wanted(pattern: Sequence[str], alive: Iterable[int]) -> str | None:
    """The next word of the reading that has most of the pattern before it; `#` wants nothing of its own."""
    wanted = [pattern[position] for position in sorted(alive) if position < len(pattern) and pattern[position] != MANY]
    return wanted[-1] if wanted else None
