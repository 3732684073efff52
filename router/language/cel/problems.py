"""What is wrong with an expression's text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.errors import ConfigError

__all__ = ["InvalidWhere", "WhereProblem"]


@dataclass(frozen=True, slots=True, order=True)
class WhereProblem:
    """One thing wrong at one place of the text, both counted from 1."""

    column: int
    message: str
    suggestion: str = ""
    line: int = 1
    """The line within the expression, which may have several."""

    def __str__(self) -> str:
        place = f"column {self.column}" if self.line == 1 else f"line {self.line}, column {self.column}"
        hint = f": {self.suggestion}" if self.suggestion else ""
        return f"{place}: {self.message}{hint}"


class InvalidWhere(ConfigError):
    """An expression that cannot be compiled; `problems` has all that is wrong with it, in order of place."""

    reason = "invalid-where"

    def __init__(self, problems: Iterable[WhereProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: (each.line, each.column)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.problems)
