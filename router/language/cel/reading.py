"""From a text to our tree, in environments that know all their names and in those that do not."""

from __future__ import annotations

from dataclasses import replace

from router.language.cel.environment import Environment
from router.language.cel.front_end import parse
from router.language.cel.lower import free_names, lower
from router.language.cel.tree import Node
from router.language.cel.types import DYN

__all__ = ["read_tree"]


def read_tree(text: str, environment: Environment, *, check: bool = True) -> tuple[Environment, Node]:
    """The tree, and the environment that it was checked in: an open one then has the names that the text brings.

    InvalidWhere has all that is wrong with the text.
    """
    if environment.open and check:
        names = free_names(parse(text, environment, check=False)) - environment.variables.keys()
        environment = replace(environment, variables={**environment.variables, **dict.fromkeys(sorted(names), DYN)})
    return environment, lower(parse(text, environment, check=check), environment)
