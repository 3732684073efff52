"""Closing a topic to writers by the brokers' access control lists: one DENY, which counts before everything that allows."""

from __future__ import annotations

from aiokafka import errors as kafka_errors
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from router.errors import BrokerUnavailable, ConfigError
from router.migrations.survey import Survey

__all__ = ["CannotClose", "WriteAccess"]

_TOPIC, _LITERAL, _WRITE, _DENY = 2, 3, 4, 2
"""Kafka's numbers, of its `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType`."""
_EVERYBODY, _EVERYWHERE = "User:*", "*"
_NO_AUTHORIZER = 54
_FORBIDDEN = (29, 31)
"""Not authorized: for the topic, for the cluster."""


class CannotClose(ConfigError):
    """These brokers close no topic, or not for whoever asks."""

    reason = "cannot-close"

    def __init__(self, *, topic: str, problem: str) -> None:
        super().__init__(topic, problem)
        self.topic = topic
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.topic} cannot be closed to writers: {self.problem}"


class WriteAccess:
    """Who may write to topics of one cluster. Its errors are BrokerUnavailable and CannotClose."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey

    async def closed(self, topic: str) -> bool:
        """Whether a topic is closed to everybody, but those that brokers let do everything. Raises CannotClose."""
        asked = DescribeAclsRequest(_TOPIC, topic, _LITERAL, _EVERYBODY, _EVERYWHERE, _WRITE, _DENY)
        async with self._survey.connections.admin() as admin:
            response = await admin._client.send(admin._client.get_random_node(), asked)  # noqa: SLF001 - it has no method for it
        _check(topic, response.error_code, response.error_message)
        return bool(response.resources)

    async def close(self, topic: str) -> None:
        """Let nobody write there any more, whoever is allowed to; one that is closed is left so. Raises CannotClose."""
        if await self.closed(topic):
            return
        asked = CreateAclsRequest(_TOPIC, topic, _LITERAL, _EVERYBODY, _EVERYWHERE, _WRITE, _DENY)
        async with self._survey.connections.admin() as admin:
            response = await admin._send_to_controller(asked)  # noqa: SLF001 - as above
        for code, message in response.creation_responses:
            _check(topic, code, message)


def _check(topic: str, code: int, message: str | None) -> None:
    if code == _NO_AUTHORIZER:
        problem = (
            "its brokers have no authorizer (`authorizer.class.name`), so that everybody may do everything. Delete it (`--delete`), or keep "
            "it (`--keep`) and have its producers ended"
        )
        raise CannotClose(topic=topic, problem=problem)
    if code in _FORBIDDEN:
        raise CannotClose(
            topic=topic,
            problem="you may not see or change access (ALTER on the cluster): ask who may, or keep it (`--keep`)",
        )
    if code:
        error = kafka_errors.for_code(code)
        raise BrokerUnavailable(brokers=f"access to {topic}", problem=f"{error.__name__}: {message or ''}")
