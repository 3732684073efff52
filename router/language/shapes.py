"""The shapes of a route file: what `check` parses, what editors complete, and what docs/routes.md lists.

One model a place in the file. A key that a model does not have is refused; a key without a value is refused before it
gets here (`reading`), so that an optional key is either absent or right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.exchange.model import XMatch
from router.language.durations import FINITE_PATTERN, PATTERN, parse_retention, parse_wait
from router.order.policy import FIRST_SEEN

__all__ = [
    "HEADER_OPERATORS",
    "NULLABLE",
    "AlternateShape",
    "BindingShape",
    "ExchangeShape",
    "FailureShape",
    "HashOnShape",
    "OrderShape",
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
    return _checked_duration(
        value, parse_retention, "is no duration: write a whole number and its unit, such as 7d, or forever"
    )


def _wait(value: Any) -> Any:
    return _checked_duration(value, parse_wait, "is no duration: write a whole number and its unit, such as 5m")


def _checked_duration(value: Any, parse: Callable[[str], int], problem: str) -> Any:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        raise PydanticCustomError("duration", "{problem}", {"problem": problem})
    try:
        parse(text)
    except ValueError as malformed:
        raise PydanticCustomError("duration", "{problem}", {"problem": str(malformed)}) from malformed
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, bool | float):  # which may equal a whole number in Python
        raise PydanticCustomError("int_type", "a whole number is wanted")
    return value


def _start(value: Any) -> Any:
    states = _listed(value)
    whole = type(value) is int and value >= 0
    if not whole and not (isinstance(states, list) and states and all(isinstance(each, str) for each in states)):
        raise PydanticCustomError("start", "it is a whole number from 0 on, a state, a list of states, or first-seen")
    return value if whole else states


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
Wait = Annotated[
    str, BeforeValidator(_wait), WithJsonSchema({"type": "string", "pattern": FINITE_PATTERN, "examples": ["5m"]})
]
_KEYS_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "examples": ["*.paid", ["*.paid", "#.delivered"]],
}
BindingKeys = Annotated[
    list[str], Field(min_length=1), BeforeValidator(_listed), WithJsonSchema(_KEYS_SCHEMA, mode="validation")
]


_SCALAR = {"type": ["string", "number", "boolean"]}
HEADER_OPERATORS: dict[str, Any] = {
    "type": "object",
    "description": "Operators on one header; each of them must hold.",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "gt": {"type": ["number", "string"], "description": "Greater: than a number as numbers, than a text as texts."},
        "gte": {"type": ["number", "string"], "description": "Greater or equal."},
        "lt": {"type": ["number", "string"], "description": "Less."},
        "lte": {"type": ["number", "string"], "description": "Less or equal."},
        "in": {"type": "array", "minItems": 1, "description": "One of these values; null is a header that is null."},
        "exists": {"type": "boolean", "description": "Whether the header is there, whatever its value."},
        "prefix": {"type": "string", "description": "The header's text begins with this."},
        "matches": {"type": "string", "description": "The regular expression (RE2) is found in the header's text."},
        "not": {"description": "What the header must not be: a value, null (present), or operators."},
        "equals": {"description": "Equal to this value; needed for lists, mappings, and a header that is null."},
    },
}
"""By operator, what editors and the reference say of it; `header_conditions` checks them, with places."""
_HEADERS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "x-match": {
            "enum": [str(mode) for mode in XMatch],
            "default": str(XMatch.ALL),
            "description": "How many headers must be as said: `all` or `any`. Headers whose names begin with `x-` count only "
            "with `all-with-x` and `any-with-x`.",
        }
    },
    "additionalProperties": {"anyOf": [{"type": "null"}, _SCALAR, HEADER_OPERATORS]},
    "examples": [{"x-match": "all", "type": "pdf", "priority": {"gt": 5}}],
}
Headers = Annotated[dict[str, Any], WithJsonSchema(_HEADERS_SCHEMA, mode="validation")]
Weight = Annotated[int, Field(ge=1, le=1_000)]
Where = Annotated[str, Field(min_length=1, max_length=100_000)]


class AlternateShape(Shape):
    """Where a record goes that nothing in the exchange matches: either a topic or another exchange."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    topic: TopicName | None = Field(default=None, description="A topic; it needs no declaration of its own.")
    exchange: Name | None = Field(
        default=None, description="An exchange, of any team, that the record then enters with the same routing key."
    )


class BindingShape(Shape):
    """A line from an exchange to the topic, or to the other exchange, that it stands under."""

    exchange: Name = Field(description="An exchange of any team.")
    binding_key: BindingKeys | None = Field(
        default=None,
        description="The binding key, or a list of them, any of which may match. Without it the binding takes every "
        "record that its other conditions allow.",
    )
    headers: Headers | None = Field(
        default=None,
        description="Of a `headers` exchange's binding: what each header must be, by its name. A plain value is compared, "
        "null takes a header of any value, and operators say the rest. `x-match` says how many of them must hold.",
    )
    where: Where | None = Field(
        default=None,
        description="A condition in CEL over the record's fields, `headers` and `key`, which must hold as well.",
        examples=["amount > 1000000 && customer.email != null"],
    )
    on_error: Literal["no-match", "dead-letter"] = Field(
        default="no-match",
        description="What becomes of a record that `where` fails on, as by a missing map key or a division by zero: it does "
        "not match, and with `dead-letter` this destination's copy becomes a dead letter.",
    )
    weight: Weight = Field(
        default=1,
        description="Of a `consistent-hash` exchange's binding: its share of the records, beside the others'.",
    )


class HashOnShape(Shape):
    """What a consistent-hash exchange hashes instead of the routing key."""

    header: Name = Field(description="A header. Records without it all go to one destination.")


_STATES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_STATES_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": _STATES,
    "examples": [{"created": ["paid", "canceled"], "paid": ["shipped"]}],
}
_StateNames = Annotated[list[Name], BeforeValidator(_listed)]
Transitions = Annotated[
    dict[Name, _StateNames], Field(min_length=1, max_length=200), WithJsonSchema(_STATES_SCHEMA, mode="validation")
]
_START_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, *_STATES["anyOf"]], "examples": [1, FIRST_SEEN]}
Start = Annotated[Any, BeforeValidator(_start), WithJsonSchema(_START_SCHEMA)]


class OrderShape(Shape):
    """How the records of each key are put in order before they are copied: by one of `sequence`, `time` and `states`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [kind]} for kind in ("sequence", "time", "states")]}
    )

    by: Name = Field(
        description="The field that tells keys apart. It is the one that the records' key carries (the exchange's `key:`), "
        "unless `repartition` is true."
    )
    sequence: Name | None = Field(
        default=None,
        description="A field that counts each key's records without gaps. A record waits for the numbers before it.",
    )
    time: Name | None = Field(
        default=None,
        description="A field that says when it happened: a timestamp, a date, a text in ISO 8601, or a whole number of any "
        "unit. Every record waits for `wait`, and then goes by time.",
    )
    state: Name | None = Field(
        default=None, description="With `states`: the field that says which state the key has got to."
    )
    states: Transitions | None = Field(
        default=None,
        description="By state, the states that it leads to. A record waits for the state that leads to its own; one whose "
        "state can never be reached is a dead letter that shows the path.",
    )
    start: Start = Field(
        default=None,
        description="What a key begins with. With `sequence` a number, by default 1; with `states` a state or several, by "
        "default those that no other leads to; or `first-seen`: whatever comes first.",
    )
    wait: Wait = Field(
        default="5m",
        description="How long a record waits at most, from when it was received. After an outage it goes on until the lane "
        "has read what came in time.",
    )
    on_gap: Literal["release", "dead-letter", "park"] = Field(
        default="release",
        description="What becomes of records that waited in vain: they are sent without what is missing, or become dead "
        "letters, and their key goes on behind them; or they are parked: they wait on, and their key with them.",
    )
    park_for: Duration = Field(
        default="7d",
        description="With `on-gap: park`: how long they are parked if what is missing does not come; or `forever`.",
    )
    on_expiry: Literal["dead-letter", "release"] = Field(
        default="dead-letter",
        description="What becomes of parked records then, and of those of a key that holds more than `hold-at-most`.",
    )
    on_late: Literal["dead-letter", "release", "drop"] = Field(
        default="dead-letter",
        description="What becomes of a record that comes after its turn was given up: `release` sends it out of order.",
    )
    on_duplicate: Literal["drop", "release"] = Field(
        default="drop", description="What becomes of a record whose like came before: `release` sends it, too."
    )
    hold_at_most: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1_000,
        description="How many records of one key wait at most. With one more, the first gap is given up as if its wait had "
        "run out.",
    )
    forget_after: Duration = Field(
        default="30d",
        description="How long a key is remembered after its last record, by the timestamps of what is read. A key that "
        "comes later begins anew.",
    )
    repartition: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Records first go through an internal topic that is keyed by `by`: where their key is another, or where "
        "the exchange has several sources. `router topics` makes it, one for each group of workers. A record without a value "
        "is ordered by its key where the exchange's `key:` is `by`, and else becomes a dead letter.",
    )


class ExchangeShape(Shape):
    """A named entry point that broad topics or other exchanges feed and that teams bind their topics to."""

    type: Literal["direct", "topic", "fanout", "headers", "consistent-hash"] = Field(
        description="How bindings are compared: `direct` takes the binding key as it stands, `topic` word by word with the "
        "wildcards `*` (one word) and `#` (any number of words), `fanout` takes everything, `headers` looks at headers, "
        "`consistent-hash` gives each record to one of its bindings, by their weights."
    )
    sources: list[TopicName] = Field(
        default_factory=list,
        description="The broad topics whose records enter here. None where only other exchanges lead here. A subject without a "
        "version means the topics of all its versions, each record taken from where its producer wrote it: such routes need no "
        "change when producers move to the next version.",
    )
    from_: Annotated[list[BindingShape], Field(min_length=1)] | None = Field(
        default=None,
        description="Other exchanges that feed this one, by bindings like a topic's. The routing key stays what it was.",
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
    order: OrderShape | None = Field(
        default=None, description="How each key's records are put in order. Without it they go as they come."
    )
    alternate: AlternateShape | None = Field(
        default=None, description="Where a record that matches nothing goes, instead of `<source>.unroutable`."
    )
    cc: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="The headers CC and BCC of a record that enters here carry further routing keys, each one key or a JSON "
        "list of them. Copies go without BCC.",
    )
    limit: Literal["first"] | None = Field(
        default=None,
        description="`first`: of the bindings that match, only the first in the file counts. All of them then stand in the "
        "file of the exchange's owner.",
    )
    hash_on: HashOnShape | None = Field(
        default=None, description="What a `consistent-hash` exchange hashes. Without it the routing key."
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


_RETRY_SCHEMA = {
    "type": "array",
    "maxItems": 20,
    "items": {"type": "string", "pattern": FINITE_PATTERN},
    "default": ["10s", "1m", "10m"],
    "examples": [["10s", "1m", "10m"]],
}
Retries = Annotated[list[Wait], Field(max_length=20), WithJsonSchema(_RETRY_SCHEMA, mode="validation")]


class FailureShape(Shape):
    """What becomes of a record that the topic's consumer rejects, by writing it to `<topic>.rejected`."""

    retry: Retries = Field(
        default_factory=lambda: ["10s", "1m", "10m"],
        description="How long to wait before the record is sent again: after its first death, its second, and so on. An "
        "empty list sends none again.",
    )
    then: Literal["dead-letter", "park", "skip"] = Field(
        default="dead-letter",
        description="What becomes of a record that dies once more than it is retried: a dead letter in "
        "`<topic>.dead-letters`; `park` keeps it until somebody decides; `skip` counts it, and no more.",
    )
    park_for: Duration = Field(
        default="7d", description="With `then: park`: how long it is kept at most, if nobody decides."
    )
    on_expiry: Literal["dead-letter", "release"] = Field(
        default="dead-letter",
        description="With `then: park`: what becomes of it then. `release` sends it once more.",
    )
    keep: Literal["key", "nothing"] = Field(
        default="key",
        description="What waits while a record is retried or parked: later records of its key, for this consumer alone, so "
        "that none overtakes it; or nothing but the record.",
    )
    dialect: Literal["router", "connect", "streams", "spring", "share-group", "rabbitmq"] = Field(
        default="router",
        description="Whose headers dead letters carry beside the router's own: for tools that know those of Kafka Connect, "
        "Kafka Streams, Spring Kafka, Kafka's share groups or RabbitMQ.",
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
    ordered: Annotated[bool, Field(strict=True)] = Field(
        default=True,
        description="Whether it waits for order, where an exchange that leads to it has `order`. With `false` it gets each "
        "record when it comes.",
    )
    failure: FailureShape | None = Field(
        default=None,
        description="What becomes of a record that its consumer rejects. Without it, nobody reads what is rejected.",
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


NULLABLE = tuple((places, "*", "from", "*", "headers", "*") for places in ("topics", "exchanges"))
"""Where null is a value like any other: in a headers binding it means present."""


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
