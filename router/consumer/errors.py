"""What keeps a consumer from going on, each with the way out; the rest of the tree is in router.errors. Pure."""

from __future__ import annotations

from router.errors import ConfigError, RecordError, TransientError

__all__ = ["GroupLost", "TopicMissing", "UnfitClient", "Unrejectable"]


class UnfitClient(ConfigError):
    """A setting of the Kafka client contradicts what the consumer promises."""

    reason = "unfit-client"

    def __init__(self, *, setting: str, problem: str) -> None:
        super().__init__(setting, problem)
        self.setting = setting
        self.problem = problem

    def __str__(self) -> str:
        return f"'{self.setting}' {self.problem}"


class TopicMissing(ConfigError):
    """The topic, or one that stands beside it, is missing, or this consumer may not use it."""

    reason = "topic-missing"

    def __init__(self, *, topic: str, problem: str) -> None:
        super().__init__(topic, problem)
        self.topic = topic
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"topic '{self.topic}': {self.problem}. It stands there once a route file says `failure:` and"
            " `router topics --apply` has run; docs/failure.md has the ACLs"
        )


class Unrejectable(RecordError):
    """A record cannot be rejected, and must not be passed by: the consumer stops before it."""

    reason = "unrejectable"

    def __init__(self, *, place: str, problem: str, cause: str) -> None:
        super().__init__(place, problem, cause)
        self.place = place
        """topic/partition/offset."""
        self.problem = problem
        self.cause = cause
        """Why it was to be rejected."""

    def __str__(self) -> str:
        return (
            f"{self.place} cannot be rejected ({self.cause}): {self.problem}. Nothing is lost, its offset has not moved;"
            " `router offsets skip` passes it by"
        )


class GroupLost(TransientError):
    """The transactions of this consumer fail again and again; another start may help, and nothing is lost."""

    reason = "group-lost"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem
