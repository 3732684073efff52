"""Expressions by themselves: over bindings in the typed form, as a file of cases has them, or over one record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.language.cel.environment import Environment
from router.language.cel.evaluate import Evaluator
from router.language.cel.failure import WhereFailed
from router.language.cel.functions import Functions, RegexEngine
from router.language.cel.problems import InvalidWhere
from router.language.cel.reading import read_tree
from router.language.cel.typed import from_typed, to_typed, type_of
from router.language.cel.types import parse_type

__all__ = ["answer_case", "evaluate"]


def evaluate(
    text: str,
    *,
    bindings: Mapping[str, Any],
    type_env: Mapping[str, str],
    engine: RegexEngine,
    check: bool = True,
) -> dict[str, Any]:
    """The value of an expression in the typed form, its names bound to values in the typed form.

    A name has the type that `type_env` gives it, such as `list(int)`, or else that of its value. Raises InvalidWhere for a
    mistake in the text, WhereFailed where it has no value, ValueError where bindings or types are not in their form.
    """
    values = {name: from_typed(typed) for name, typed in bindings.items()}
    declared = {name: parse_type(of) for name, of in type_env.items()}
    environment = Environment(variables={name: type_of(value) for name, value in values.items()} | declared)
    _, tree = read_tree(text, environment, check=check)
    return to_typed(Evaluator(Functions(engine)).evaluate(tree, values))


def answer_case(case: Any, *, engine: RegexEngine) -> dict[str, Any]:
    """The answer to one line of a file of cases: `{"value": typed}`, or `{"error": text}` whatever is wrong with it."""
    if not isinstance(case, dict) or not isinstance(case.get("expr"), str):
        return {"error": "a case is an object with the text of an expression as 'expr'"}
    bindings, types = case.get("bindings") or {}, case.get("type_env") or {}
    if not isinstance(bindings, dict) or not isinstance(types, dict):
        return {"error": "'bindings' and 'type_env' are objects"}
    try:
        value = evaluate(
            case["expr"], bindings=bindings, type_env=types, engine=engine, check=not case.get("disable_check", False)
        )
    except (InvalidWhere, WhereFailed, ValueError, TypeError, AttributeError) as error:
        # The last two: a binding or a type that is nothing like its form.
        return {"error": str(error)}
    except RecursionError:
        return {"error": "a binding is nested too deeply"}
    return {"value": value}
