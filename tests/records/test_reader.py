"""The generated reader against fastavro, over any schema and any bytes."""

from __future__ import annotations

import io
import json
import math
import struct
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import Unreadable
from router.records.reader import compile_avro_reader
from router.records.schema import parse_avro
from router.records.text import as_text

# --- Schemas -----------------------------------------------------------------------------------------------------------

PRIMITIVES = ["boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = [
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    *(
        {"type": "long", "logicalType": f"{local}timestamp-{unit}"}
        for local in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    ),
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 30},
    {"type": "string", "logicalType": "uuid"},
    {"type": "string", "logicalType": "unheard-of"},
]
SPANS = {
    "date": (-719162, 2932896),
    "time-millis": (0, 86_399_999),
    "time-micros": (0, 86_399_999_999),
    "timestamp-millis": (-62135596800000, 253402300799999),
    "timestamp-micros": (-62135596800000000, 253402300799999999),
    "local-timestamp-millis": (-62135596800000, 253402300799999),
    "local-timestamp-micros": (-62135596800000000, 253402300799999999),
}


class SchemaWriter:
    """Draws types; each named one gets a name of its own, and may be referred to from then on."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.names: list[str] = []

    def any(self, depth: int, *, in_union: bool = False) -> Any:
        """Small types often, nested ones while there is depth left."""
        kinds = [self.primitive, self.primitive, self.logical, self.enum, self.fixed]
        if not in_union:
            kinds += [self.null, self.reference]
        nested = [self.record, self.array, self.map, *([] if in_union else [self.nullable, self.union])]
        kind = self.draw(st.sampled_from(kinds + nested if depth else kinds))
        return kind(depth - 1)

    def named(self, **schema: Any) -> Any:
        self.names.append(f"n{len(self.names)}")
        return {"name": self.names[-1], **schema}

    def primitive(self, _: int) -> Any:
        return self.draw(st.sampled_from(PRIMITIVES))

    def null(self, _: int) -> Any:
        return "null"

    def logical(self, _: int) -> Any:
        return self.draw(st.sampled_from(LOGICAL))

    def reference(self, _: int) -> Any:
        return self.draw(st.sampled_from(self.names)) if self.names else "string"

    def enum(self, _: int) -> Any:
        count = self.draw(st.sampled_from([1, 2, 3, 4, 5, 8, 63, 64, 65, 70, 128]))
        return self.named(type="enum", symbols=[f"S{number}" for number in range(count)])

    def fixed(self, _: int) -> Any:
        size = self.draw(st.sampled_from([0, 1, 2, 12, 16]))
        if size and self.draw(st.booleans()):
            return self.named(type="fixed", size=size, logicalType="decimal", precision=2, scale=1)
        return self.named(type="fixed", size=size, logicalType="uuid")

    def record(self, depth: int) -> Any:
        fields = [{"name": f"f{number}", "type": self.any(depth)} for number in range(self.draw(st.integers(0, 4)))]
        return self.named(type="record", fields=fields)

    def array(self, depth: int) -> Any:
        return {"type": "array", "items": self.any(depth)}

    def map(self, depth: int) -> Any:
        return {"type": "map", "values": self.any(depth)}

    def nullable(self, depth: int) -> Any:
        return self.draw(st.permutations(["null", self.any(depth, in_union=True)]))

    def union(self, depth: int) -> Any:
        """As the specification demands, each unnamed type is there once."""
        branches: dict[str, Any] = {}
        for _ in range(self.draw(st.integers(0, 5))):
            known = list(self.names)
            branch = self.any(depth, in_union=True)
            unnamed = {} if isinstance(branch, str) else branch
            if branches.setdefault(unnamed.get("name", unnamed.get("type", branch)), branch) is not branch:
                self.names = known
        return [*branches.values(), *self.draw(st.sampled_from([[], ["null"]]))] or ["null"]


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A record of anything, the way topics have them."""
    writer = SchemaWriter(draw)
    fields = [{"name": f"f{number}", "type": writer.any(3)} for number in range(draw(st.integers(1, 5)))]
    return {"type": "record", "name": "root", "namespace": "shop", "fields": fields}


# --- Bytes -------------------------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    code = (number << 1) ^ (number >> 63)
    out = bytearray()
    while code > 127:
        out.append(code & 0x7F | 0x80)
        code >>= 7
    out.append(code)
    return bytes(out)


class Encoder:
    """Writes any value of a schema, with all the freedom that the format leaves to writers: block sizes, empty blocks not."""

    def __init__(self, draw: st.DrawFn, schema: Any) -> None:
        self.draw = draw
        self.named: dict[str, Any] = {}
        self.collect(schema)

    def collect(self, schema: Any) -> None:
        for inner in schema if isinstance(schema, list) else []:
            self.collect(inner)
        if isinstance(schema, dict):
            if "name" in schema:
                self.named[schema["name"]] = schema
            for inner in (schema.get("items"), schema.get("values"), *(f["type"] for f in schema.get("fields", ()))):
                self.collect(inner)

    def value(self, schema: Any) -> bytes:
        if isinstance(schema, list):
            index = self.draw(st.integers(0, len(schema) - 1))
            return varint(index) + self.value(schema[index])
        if isinstance(schema, str):
            schema = self.named.get(schema, {"type": schema})
        return getattr(self, f"{schema['type']}_value")(schema)

    def null_value(self, _: Any) -> bytes:
        return b""

    def boolean_value(self, _: Any) -> bytes:
        return self.draw(st.sampled_from([b"\0", b"\1"]))

    def int_value(self, schema: Any, bits: int = 31) -> bytes:
        least, most = SPANS.get(schema.get("logicalType"), (-(2**bits), 2**bits - 1))
        return varint(self.draw(st.integers(max(least, -100), 100) | st.integers(least, most)))

    def long_value(self, schema: Any) -> bytes:
        return self.int_value(schema, 63)

    def float_value(self, _: Any) -> bytes:
        return struct.pack("<f", self.draw(st.floats(width=32)))

    def double_value(self, _: Any) -> bytes:
        return struct.pack("<d", self.draw(st.floats()))

    def bytes_value(self, schema: Any) -> bytes:
        return self.span(self.decimal(schema) if "precision" in schema else self.draw(st.binary(max_size=80)))

    def string_value(self, schema: Any) -> bytes:
        if schema.get("logicalType") == "uuid":
            return self.span(str(self.draw(st.uuids())).encode())
        return self.span(self.draw(st.text(max_size=80)).encode("utf-8"))

    def enum_value(self, schema: Any) -> bytes:
        return varint(self.draw(st.integers(0, len(schema["symbols"]) - 1)))

    def fixed_value(self, schema: Any) -> bytes:
        if "precision" in schema:
            return self.draw(st.integers(-99, 99)).to_bytes(schema["size"], "big", signed=True)
        return self.draw(st.binary(min_size=schema["size"], max_size=schema["size"]))

    def record_value(self, schema: Any) -> bytes:
        return b"".join(self.value(field["type"]) for field in schema["fields"])

    def array_value(self, schema: Any) -> bytes:
        return self.blocks(lambda: self.value(schema["items"]))

    def map_value(self, schema: Any) -> bytes:
        return self.blocks(lambda: self.string_value({}) + self.value(schema["values"]))

    def span(self, content: bytes) -> bytes:
        return varint(len(content)) + content

    def decimal(self, schema: Any) -> bytes:
        most = 10 ** schema["precision"] - 1
        number = self.draw(st.integers(-most, most))
        return number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True) if number else b""

    def blocks(self, item: Callable[[], bytes]) -> bytes:
        out = b""
        for count in self.draw(st.lists(st.integers(1, 3), max_size=2)):
            content = b"".join(item() for _ in range(count))
            sized = self.draw(st.booleans())
            out += (varint(-count) + varint(len(content)) if sized else varint(count)) + content
        return out + b"\0"


def at_path(record: Any, path: str) -> Any:
    for name in path.split("."):
        if record is None:
            return None
        record = record[name]
    return record


def same(ours: Any, theirs: Any) -> bool:
    """Equal, of one type and one text: 1 is not true, 1.0 not 1, 2.50 not 2.5; nan is nan."""
    if isinstance(ours, UUID) and isinstance(theirs, bytes):
        return ours.bytes == theirs
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, float) and math.isnan(ours):
        return math.isnan(theirs)
    return ours == theirs and as_text(ours) == as_text(theirs)


# --- Properties --------------------------------------------------------------------------------------------------------


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_values_are_those_of_fastavro(data: st.DataObject) -> None:
    """Over random schemas and records, any choice of fields reads as fastavro decodes it, with and without a whole walk."""
    text = data.draw(schemas())
    schema = parse_avro(json.dumps(text), file="any.avsc")
    value = Encoder(data.draw, text).value(text)
    record = fastavro.schemaless_reader(io.BytesIO(value), fastavro.parse_schema(text), None)
    paths = data.draw(st.lists(st.sampled_from(schema.paths()), max_size=5)) if schema.paths() else []
    for whole in (False, True):
        reader = compile_avro_reader(schema, paths, whole=whole)
        facts = reader.read(value)
        values = reader.values(facts)
        assert hash(facts) == hash(reader.read(value))
        assert len(values) == len(paths)
        for path, ours in zip(paths, values, strict=True):
            assert same(ours, at_path(record, path)), (path, ours)
            field = schema.field(path)
            assert field is not None
            assert ours is not None or field.nullable


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_broken_bytes_read_as_something_or_are_unreadable(data: st.DataObject) -> None:
    """Cut, changed or random bytes give facts with values, or `Unreadable` with its place: nothing else, and soon."""
    text = data.draw(schemas())
    schema = parse_avro(json.dumps(text), file="any.avsc")
    sound = Encoder(data.draw, text).value(text)
    cut = sound[: data.draw(st.integers(0, len(sound)))]
    spliced = cut + data.draw(st.binary(max_size=12)) + sound[len(cut) + data.draw(st.integers(0, 3)) :]
    value = data.draw(st.sampled_from([cut, spliced, data.draw(st.binary(max_size=60))]))
    paths = data.draw(st.lists(st.sampled_from(schema.paths()), max_size=5)) if schema.paths() else []
    reader = compile_avro_reader(schema, paths, whole=data.draw(st.booleans()))
    began = time.perf_counter()
    fault = None
    try:
        assert len(reader.values(reader.read(value))) == len(paths)
    except Unreadable as error:
        fault = error
    assert fault is None or (-1 <= fault.position <= len(value) and fault.problem)
    assert time.perf_counter() - began < 5


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_value_cut_short_is_unreadable_when_walked_whole(data: st.DataObject) -> None:
    """Walked whole, no proper prefix of a value passes, and no value with bytes after it."""
    text = data.draw(schemas())
    reader = compile_avro_reader(parse_avro(json.dumps(text), file="any.avsc"), (), whole=True)
    value = Encoder(data.draw, text).value(text)
    assert reader.read(value) == ()
    if value:
        with pytest.raises(Unreadable):
            reader.read(value[: data.draw(st.integers(0, len(value) - 1))])
    with pytest.raises(Unreadable):
        reader.read(value + b"\0")


# --- Faults ------------------------------------------------------------------------------------------------------------

ORDER = parse_avro(
    json.dumps(
        {
            "type": "record",
            "name": "order",
            "fields": [
                {"name": "id", "type": "string"},
                {"name": "status", "type": {"type": "enum", "name": "status", "symbols": ["paid", "sent", "lost"]}},
                {
                    "name": "customer",
                    "type": [
                        "null",
                        {"type": "record", "name": "customer", "fields": [{"name": "name", "type": "string"}]},
                    ],
                },
                {
                    "name": "tree",
                    "type": {"type": "record", "name": "tree", "fields": [{"name": "down", "type": ["null", "tree"]}]},
                },
                {"name": "count", "type": "long"},
            ],
        }
    ),
    file="order.avsc",
)
SOUND = b"\x04o1" + b"\x02" + b"\x02\x06Ann" + b"\0" + b"\x0e"


@pytest.mark.parametrize(
    ("value", "field", "position", "problem"),
    [
        pytest.param(b"", "id", 0, "the value ends too early", id="empty"),
        pytest.param(SOUND[:3], "status", 3, "the value ends too early", id="cut-between-fields"),
        pytest.param(b"\x06o1", "status", 3, "the value ends too early", id="length-beyond-the-end"),
        pytest.param(b"\x03" + SOUND[1:], "id", 0, "a length is -2", id="negative-length"),
        pytest.param(
            b"\x80\x80\x80\x80\x10", "id", 0, "a length is 2147483648, where 0 bytes are left", id="huge-length"
        ),
        pytest.param(b"\xff" * 11, "id", 0, "a number takes more than 10 bytes", id="endless-number"),
        pytest.param(b"\x04o1\x06", "status", 3, "index 3 is not one of 3", id="unknown-symbol"),
        pytest.param(b"\x04o1\x02\x04", "customer", 4, "index 2 is not one of 2", id="unknown-branch"),
        pytest.param(b"\x04o1\x02\x02\x06An", "customer.name", 8, "the value ends too early", id="cut-inside-a-string"),
        pytest.param(b"\x04o1\x02\x02\x06A\xffn", "customer.name", 7, "a string is not UTF-8", id="not-utf8"),
        pytest.param(
            b"\x04o1\x02\0" + b"\x02" * 200, "tree", 105, "values are nested more than 100 deep", id="too-deep"
        ),
    ],
)
def test_unreadable_says_where_and_why(value: bytes, field: str, position: int, problem: str) -> None:
    """The dead letter's reader learns the field, the byte, and the fault."""
    with pytest.raises(Unreadable) as caught:
        compile_avro_reader(ORDER, ["status", "customer.name", "count"]).read(value)
    assert (caught.value.field, caught.value.position, caught.value.problem) == (field, position, problem)
    assert caught.value.__cause__ is None


def test_a_stack_that_is_almost_full_makes_the_value_unreadable() -> None:
    """A caller deep in calls of its own gets the same one error, or, where a Python keeps some stack back, its facts."""
    reader = compile_avro_reader(ORDER, ["count"])
    value = SOUND[:9] + b"\x02" * 90 + b"\0\x0e"
    assert reader.values(reader.read(value)) == (7,)

    def at_the_bottom() -> str:
        """Descend until `read` no longer finds the stack it needs."""
        try:
            return at_the_bottom()
        except RecursionError:
            # One call at a time nearer to the top, until there is stack for `read` but not for what it calls.
            try:
                return str(reader.read(value))
            except Unreadable as unreadable:
                return unreadable.problem

    told = at_the_bottom()
    if sys.version_info >= (3, 12) and told == "(14,)":
        return  # this Python's calls cost no stack here, so that there was enough
    assert told == "values are nested deeper than this stack bears"


def test_reading_stops_after_the_last_wanted_field() -> None:
    """What comes later may be anything, unless the value is walked whole."""
    assert compile_avro_reader(ORDER, ["status"]).read(SOUND[:4] + b"\xff") == (2,)
    with pytest.raises(Unreadable):
        compile_avro_reader(ORDER, ["status"], whole=True).read(SOUND[:4] + b"\xff")


def test_bytes_left_over_are_counted() -> None:
    """A longer value than its schema says was written with another schema."""
    with pytest.raises(Unreadable) as caught:
        compile_avro_reader(ORDER, (), whole=True).read(SOUND + b"xyz")
    assert (caught.value.field, caught.value.position) == ("", len(SOUND))
    assert caught.value.problem == "3 bytes are left over"


def test_paths_may_repeat_and_come_in_any_order() -> None:
    """Values come in the order of the paths."""
    reader = compile_avro_reader(ORDER, ["count", "id", "count"])
    assert reader.paths == ("count", "id", "count")
    assert reader.values(reader.read(SOUND)) == (7, "o1", 7)
    assert "def read" in reader.source
