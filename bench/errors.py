"""What can go wrong with a bench; each says what to do about it."""

from __future__ import annotations

__all__ = ["BenchError", "ContenderFailed", "NotAContender", "Unavailable", "WrongCopies"]


class BenchError(Exception):
    """The bench cannot go on."""


class NotAContender(BenchError):
    """A contender that was asked for cannot take part."""

    def __init__(self, *, name: str, problem: str, remedy: str) -> None:
        super().__init__(name, problem, remedy)
        self.name, self.problem, self.remedy = name, problem, remedy

    def __str__(self) -> str:
        return f"contender '{self.name}' {self.problem}. {self.remedy}"


class Unavailable(BenchError):
    """A contender cannot take part on this machine; the others can."""

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name} is left out: it {self.reason}"


class ContenderFailed(BenchError):
    """A contender ended, or stood still."""

    def __init__(self, *, name: str, problem: str, output: str) -> None:
        super().__init__(name, problem, output)
        self.name, self.problem, self.output = name, problem, output

    def __str__(self) -> str:
        said = f"Its last words:\n{self.output}" if self.output else "It said nothing."
        return f"{self.name} {self.problem}. {said}"


class WrongCopies(BenchError):
    """A contender did not deliver what the job asks for: its figures mean nothing."""

    def __init__(self, *, name: str, problems: list[str]) -> None:
        super().__init__(name, problems)
        self.name, self.problems = name, problems

    def __str__(self) -> str:
        return f"{self.name} delivered something else than the job asks for:\n" + "\n".join(
            f"  {problem}" for problem in self.problems
        )
