"""All functions by name. What an expression may call is here, or is an operator that does not evaluate all it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol

from router.language.cel.arithmetic import ARITHMETIC
from router.language.cel.comparison import (
    contains,
    equal,
    greater,
    greater_or_equal,
    less,
    less_or_equal,
    lookup,
    unequal,
)
from router.language.cel.conversions import CONVERSIONS
from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.functions_known import OPERATOR_SYMBOLS
from router.language.cel.maths import EXTREMES, MATHS
from router.language.cel.network import NETWORK
from router.language.cel.optionals import OPTIONALS, of_non_zero, optional_lookup
from router.language.cel.texts import TEXTS
from router.language.cel.times import ACCESSORS
from router.language.cel.values import Optional, Overloads, TypeValue, type_name

__all__ = ["GENERIC", "OVERLOADS", "Functions", "RegexEngine"]


class RegexEngine(Protocol):
    """What `matches` searches with. Its time must be linear in the text: patterns may come from records."""

    def search(self, pattern: str, text: str) -> bool:
        """Whether the pattern occurs in the text; WhereFailed where it is no pattern."""
        ...

    def compile(self, pattern: str) -> Callable[[str], bool]:
        """The same for one pattern and many texts."""
        ...


def _merged(*tables: Overloads) -> Mapping[str, Mapping[tuple[type, ...], Callable[..., Any]]]:
    merged: dict[str, dict[tuple[type, ...], Callable[..., Any]]] = {}
    for table in tables:
        for name, overloads in table.items():
            merged.setdefault(name, {}).update(overloads)
    return merged


def fail(problem: str) -> NoReturn:
    """Fail, where an expression comes to what is known to fail."""
    raise WhereFailed(problem)


def _index(container: Any, index: Any) -> Any:
    return optional_lookup(container, index) if type(container) is Optional else lookup(container, index)


OVERLOADS: Final = _merged(ARITHMETIC, CONVERSIONS, TEXTS, MATHS, ACCESSORS, NETWORK, OPTIONALS)
"""Functions that depend on the types of what they take."""

GENERIC: Final[Mapping[str, Callable[..., Any]]] = {
    "_==_": equal,
    "_!=_": unequal,
    "_<_": less,
    "_<=_": less_or_equal,
    "_>_": greater,
    "_>=_": greater_or_equal,
    "@in": contains,
    "_[_]": _index,
    "_[?_]": optional_lookup,
    "_?._": optional_lookup,
    "dyn": lambda value: value,
    "type": lambda value: TypeValue(type_name(value)),
    "optional.of": lambda value: Optional(present=True, value=value),
    "optional.ofNonZeroValue": of_non_zero,
    "@fail": fail,
    **EXTREMES,
}
"""Functions that look at what they take themselves."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions with a regex engine for `matches`."""

    engine: RegexEngine
    _bound: dict[str, Callable[..., Any]] = field(default_factory=dict, repr=False)

    def named(self, name: str) -> Callable[..., Any]:
        """The function of a name, for values of any types: it fails with `no such overload` where it takes none such."""
        if name not in self._bound:
            self._bound[name] = GENERIC.get(name) or self._dispatching(name)
        return self._bound[name]

    def _dispatching(self, name: str) -> Callable[..., Any]:
        searching: Mapping[tuple[type, ...], Callable[..., Any]] = {(str, str): self._matches}
        overloads = searching if name == "matches" else OVERLOADS[name]
        shown = f"'{OPERATOR_SYMBOLS.get(name, name)}'"

        def dispatched(*values: Any) -> Any:
            overload = overloads.get(tuple(map(type, values)))
            if overload is None:
                raise no_overload(shown, *values)
            return overload(*values)

        return dispatched

    def _matches(self, text: str, pattern: str) -> bool:
        return self.engine.search(pattern, text)
