"""The shapes of a route file: what `check` parses, what editors complete, and what docs/routes.md lists.

One model a place in the file. A key that a model does not have is refused; a key without a value is refused before it
gets here (`reading`), so that an optional key is either absent or right.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.language.durations import PATTERN, parse_retention

__all__ = [
    "AlternateShape",
    "BindingShape",
    "ExchangeShape",
    "RouteFile",
    "Shape",
    "TopicShape",
    "annotation_below",
    "shape_below",
]


def _dashed(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


class Shape(BaseModel):
    """The root of all shapes: strict types, no unknown keys, dashes where Python has underscores."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=_dashed, hide_input_in_errors=True
    )


def _duration(value: Any) -> Any:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        raise PydanticCustomError(
            "duration", "is no duration: write a whole number and its unit, such as 7d, or forever"
        )
    try:
        parse_retention(text)
    except ValueError as malformed:
        raise PydanticCustomError("duration", "{problem}", {"problem": str(malformed)}) from malformed
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, bool | float):  # which may equal a whole number in Python
        raise PydanticCustomError("int_type", "a whole number is wanted")
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _named(value: str) -> str:
    if len(value) > 255 or not value.isprintable():
        raise PydanticCustomError("name", "a name has up to 255 printable characters")
    return value


TopicName = str
"""What Kafka takes as a name is checked over all files at once, in `topic_checks`, with words of its own."""
Name = Annotated[str, Field(min_length=1), AfterValidator(_named)]
Duration = Annotated[
    str, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["7d"]})
]
_KEYS_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "examples": ["*.paid", ["*.paid", "#.delivered"]],
}
BindingKeys = Annotated[
    list[str], Field(min_length=1), BeforeValidator(_listed), WithJsonSchema(_KEYS_SCHEMA, mode="validation")
]


class AlternateShape(Shape):
    """Where a record goes that nothing in the exchange matches: either a topic or another exchange."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    topic: TopicName | None = Field(default=None, description="A topic; it needs no declaration of its own.")
    exchange: Name | None = Field(
        default=None, description="An exchange, of any team, that the record then enters with the same routing key."
    )


class ExchangeShape(Shape):
    """A named entry point that a broad topic feeds and that teams bind their topics to."""

    type: Literal["direct", "topic", "fanout"] = Field(
        description="How binding keys are compared: `direct` as they stand, `topic` word by word with the wildcards `*` "
        "(one word) and `#` (any number of words), `fanout` not at all."
    )
    sources: list[TopicName] = Field(
        default_factory=list,
        description="The broad topics whose records enter here. None where the exchange is only another's alternate.",
    )
    routing_key: str | None = Field(
        default=None,
        description="The template of the routing key: placeholders are fields `{country}`, `{customer.tier}`, headers "
        "`{header:NAME}`, `{key}` and `{topic}`. Without it the record's key is the routing key as it stands.",
        examples=["{country}.{status}"],
    )
    key: Name | None = Field(
        default=None,
        description="The field that the records' keys carry. The worker verifies it; a record whose key differs is a "
        "dead letter.",
    )
    alternate: AlternateShape | None = Field(
        default=None, description="Where a record that matches nothing goes, instead of `<source>.unroutable`."
    )
    tombstones: Literal["all", "drop", "unroutable"] = Field(
        default="all",
        description="What becomes of a record without a value: `all` copies it to every topic that the exchange can "
        "reach, `drop` to none, `unroutable` to the source's unroutable topic.",
    )
    validate_: Literal["whole", "needed"] = Field(
        default="needed",
        description="How much of a value is read: only what routes need, or all of it, so that a record which is broken "
        "anywhere is a dead letter.",
    )


class BindingShape(Shape):
    """A line from an exchange to the topic that it stands under."""

    exchange: Name = Field(description="An exchange of any team.")
    binding_key: BindingKeys | None = Field(
        default=None,
        description="The binding key, or a list of them, any of which may match. Without it the binding takes every "
        "record.",
    )


class TopicShape(Shape):
    """A topic that the team owns: with `from` one that routes feed, without it a broad one."""

    partitions: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="How many partitions it has. By default as many as its source."
    )
    retention: Duration | None = Field(
        default=None, description="How long records are kept. By default as long as its source keeps them."
    )
    format: Literal["avro", "json"] | None = Field(
        default=None, description="How values are written. By default as the schema or the source says."
    )
    from_: Annotated[list[BindingShape], Field(min_length=1)] | None = Field(
        default=None, description="What feeds it. A record that several bindings match arrives once."
    )


class RouteFile(Shape):
    """One team's routes."""

    version: Annotated[Literal[1], BeforeValidator(_whole)] = Field(description="The version of this language.")
    team: Name = Field(description="The team's name; one file a team.")
    contact: Name | None = Field(default=None, description="Where people reach the team: a channel, a mail address.")
    exchanges: dict[Name, ExchangeShape] = Field(
        default_factory=dict, description="The exchanges that the team owns, by name. Names are unique over all teams."
    )
    topics: dict[TopicName, TopicShape] = Field(
        default_factory=dict,
        description="The topics that the team owns, by name: `<prefix.>subject.vN`, where subject and version say which "
        "schema the records have.",
    )


def annotation_below(shape: type[Shape], path: tuple[str | int, ...]) -> Any:
    """The type of what stands at a path below a shape; None where the shapes do not know the path."""
    annotation: Any = shape
    for step in path:
        if isinstance(annotation, type) and issubclass(annotation, Shape):
            fields = {each.alias: each.annotation for each in annotation.model_fields.values()}
            annotation = _core_of(fields.get(str(step)))
        else:
            annotation = _element_of(annotation)
    return annotation


def shape_below(shape: type[Shape], path: tuple[str | int, ...]) -> type[Shape] | None:
    """The shape of what stands at a path below another; None where that is no mapping with known keys."""
    annotation = annotation_below(shape, path)
    return annotation if isinstance(annotation, type) and issubclass(annotation, Shape) else None


def _core_of(annotation: Any) -> Any:
    """An annotation without `| None` and what `Annotated` adds."""
    if get_origin(annotation) is Annotated:
        return _core_of(get_args(annotation)[0])
    inner = [each for each in get_args(annotation) if each is not type(None)]
    if len(inner) == 1 and type(None) in get_args(annotation):
        return _core_of(inner[0])
    return annotation


def _element_of(annotation: Any) -> Any:
    """What a list or mapping holds; None for anything else."""
    if get_origin(annotation) in {list, dict}:
        return _core_of(get_args(annotation)[-1])
    return None
