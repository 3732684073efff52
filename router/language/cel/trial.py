"""An expression tried out by a person: its type, what it reads, its value on one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.language.cel.environment import Environment
from router.language.cel.evaluate import Evaluator
from router.language.cel.facts import Facts, read_facts
from router.language.cel.failure import WhereFailed
from router.language.cel.functions import Functions, RegexEngine
from router.language.cel.typed import to_typed
from router.language.cel.where import read_folded, record_names

__all__ = ["Trial", "try_out"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    type: str
    facts: Facts
    value: dict[str, Any] | None = None
    """The value in the typed form; None where there is no record, or no value."""
    failure: str = ""
    """Why it has no value on this record."""


def try_out(
    text: str,
    environment: Environment,
    *,
    engine: RegexEngine,
    record: tuple[Any, Mapping[str, str], str] | None = None,
) -> Trial:
    """Check an expression, of any type, and evaluate it on a record's plain value, headers and key where there is one.

    Without a record, what reads nothing is evaluated all the same. InvalidWhere has all that is wrong with the text.
    """
    functions = Functions(engine)
    environment, tree = read_folded(text, environment, functions=functions)
    facts = read_facts(tree, environment)
    shown = str(tree.type)
    names: dict[str, Any] = {}
    if record is not None:
        value, headers, key = record
    elif facts.paths or facts.whole or facts.headers or facts.all_headers or facts.key:
        return Trial(shown, facts)
    try:
        if record is not None:
            names = record_names(environment, value=value, headers=headers, key=key)
        return Trial(shown, facts, to_typed(Evaluator(functions).evaluate(tree, names)))
    except WhereFailed as failure:
        return Trial(shown, facts, failure=str(failure))
