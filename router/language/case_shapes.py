"""The shapes of a file of cases, `<team>_test.yaml`: what a team promises itself about its routes."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from router.language.shapes import Name, Shape, TopicName

__all__ = ["NULLABLE", "CaseFile", "CaseShape", "MessageShape"]


class MessageShape(Shape):
    """A message as it might stand in a broad topic. Only what matters need be stated."""

    topic: TopicName = Field(description="The broad topic that it stands in.")
    key: str | None = Field(
        default=None,
        description="The record's key. Where an exchange says `key:`, the field and this are filled in from each other.",
    )
    value: Any = Field(
        default_factory=dict,
        description="The value's fields; null for a tombstone. A field that is left out has the schema's default, else "
        "null where it may be, else its type's nothing: 0, false, an empty text, an enum's first symbol.",
    )
    headers: dict[str, str | None] = Field(default_factory=dict, description="The record's headers, as texts.")


class CaseShape(Shape):
    """One promise: this message goes there."""

    name: Name = Field(description="What is promised, in a sentence.")
    message: MessageShape = Field(description="The message.")
    to: list[TopicName] = Field(
        description="The topics that get a copy. The team's own topics that are not listed must not get one; what other "
        "teams' topics get is theirs to promise, unless it is listed here."
    )
    unroutable: bool | None = Field(
        default=None,
        description="Whether the message goes to `<source>.unroutable`, too. Not looked at where it is left out; listing "
        "that topic under `to` says the same as `true`.",
    )


class CaseFile(Shape):
    """A team's cases; `router test` runs them without a broker."""

    cases: list[CaseShape] = Field(description="The cases, run in order.")


NULLABLE = tuple(("cases", "*", "message", key) for key in ("key", "value", "headers"))
"""Where null is a value like any other."""
