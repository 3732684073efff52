"""The generated text: that it reads each type, steps over each type, and stays within Python's bounds."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest

from router.errors import InvariantError, Unreadable
from router.records.reader import compile_avro_reader
from router.records.reader_source import reader_source
from router.records.schema import parse_avro


def record(name: str, /, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": inner} for field, inner in fields.items()],
    }


def encoded(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def read(schema: Any, value: bytes, *paths: str, whole: bool = False) -> tuple[Any, ...]:
    reader = compile_avro_reader(parse_avro(json.dumps(schema), file="any.avsc"), paths, whole=whole)
    return reader.values(reader.read(value))


ENUM = {"type": "enum", "name": "e", "symbols": ["A", "B", "C"]}
MANY = {"type": "enum", "name": "many", "symbols": [f"S{number}" for number in range(100)]}
TREE = record("tree", name="string", below={"type": "array", "items": "tree"})
BIG = record("big", **{f"f{number}": "long" for number in range(60)})
POINT = record("point", x="double", y="double", on="boolean")
HOLLOW = record("hollow", nothing="null")

TYPES = [
    pytest.param("null", None, id="null"),
    pytest.param("boolean", True, id="boolean"),
    pytest.param("int", -5, id="int"),
    pytest.param("int", 2**31 - 1, id="int-of-5-bytes"),
    *(pytest.param("long", 1 << bits, id=f"long-{bits}") for bits in (5, 6, 12, 13, 19, 20, 26, 27, 34, 62)),
    pytest.param("float", 1.5, id="float"),
    pytest.param("double", 0.1, id="double"),
    pytest.param("bytes", b"\xff", id="bytes"),
    pytest.param("bytes", b"\xff" * 70, id="long-bytes"),
    pytest.param("string", "é", id="string"),
    pytest.param("string", "é" * 70, id="long-string"),
    pytest.param(ENUM, "C", id="enum"),
    pytest.param(MANY, "S99", id="enum-of-two-bytes"),
    pytest.param({"type": "fixed", "name": "f", "size": 3}, b"abc", id="fixed"),
    pytest.param(["null", "string"], None, id="null-of-union"),
    pytest.param(["null", "string"], "x", id="string-of-union"),
    pytest.param(["long", "null"], 2**40, id="union-that-ends-in-null"),
    pytest.param(["double", "string", ENUM, "null", "boolean"], "B", id="wide-union"),
    pytest.param(["float", {"type": "fixed", "name": "f", "size": 4}], 2.5, id="union-of-one-size"),
    pytest.param({"type": "array", "items": "double"}, [1.0, 2.0], id="array-of-fixed-size"),
    pytest.param({"type": "array", "items": "boolean"}, [True] * 70, id="array-of-many"),
    pytest.param({"type": "array", "items": HOLLOW}, [{"nothing": None}] * 3, id="array-of-nothing"),
    pytest.param(
        {"type": "array", "items": {"type": "array", "items": "string"}}, [["a"], [], ["b", "c"]], id="array-of-arrays"
    ),
    pytest.param({"type": "map", "values": "double"}, {"a": 1.0, "b": 2.0}, id="map"),
    pytest.param({"type": "map", "values": POINT}, {"a": {"x": 1.0, "y": 2.0, "on": True}}, id="map-of-records"),
    pytest.param(POINT, {"x": 1.0, "y": 2.0, "on": False}, id="record-of-fixed-size"),
    pytest.param(BIG, {f"f{number}": 1 << number for number in range(60)}, id="big-record"),
    pytest.param(TREE, {"name": "a", "below": [{"name": "b", "below": []}] * 2}, id="record-inside-itself"),
]


@pytest.mark.parametrize(("of", "value"), TYPES)
@pytest.mark.parametrize("whole", [False, True], ids=["", "whole"])
def test_each_type_is_stepped_over(of: Any, value: Any, *, whole: bool) -> None:
    """What comes before and after it is read, once where positions are known and once where they are not."""
    schema = record(
        "r", a=of, b="string", c=of["name"] if isinstance(of, dict) and "name" in of else again(of), d="int"
    )
    data = encoded(schema, {"a": value, "b": "x", "c": value, "d": 300})
    assert read(schema, data, "b", "d", whole=whole) == ("x", 300)
    assert read(schema, data, "d", "b", "d", whole=whole) == (300, "x", 300)


def again(of: Any) -> Any:
    """The same type for a second time, its named types as references."""
    if isinstance(of, list):
        return [again(branch) for branch in of]
    if isinstance(of, dict):
        return of["name"] if "name" in of else {key: again(inner) for key, inner in of.items()}
    return of


@pytest.mark.parametrize(("of", "value"), TYPES)
@pytest.mark.parametrize("whole", [False, True], ids=["", "whole"])
def test_each_scalar_is_read(of: Any, value: Any, *, whole: bool) -> None:
    """First and last of a record, where the text may be shorter, and followed by another."""
    schema = record("r", a=of, b="int", c=again(of))
    if not (field := parse_avro(json.dumps(schema), file="r.avsc").field("a")) or not field.scalar:
        return
    data = encoded(schema, {"a": value, "b": 7, "c": value})
    assert read(schema, data, "a", "c", whole=whole) == (value, value)
    assert read(schema, data, "a", "b", whole=whole) == (value, 7)
    assert read(schema, data, "c", whole=whole) == (value,)


@pytest.mark.parametrize("whole", [False, True], ids=["", "whole"])
@pytest.mark.parametrize(
    ("inner", "expected"), [(None, (None, None, 7)), ({"x": "a", "y": {"z": 5}}, ("a", 5, 7))], ids=["null", "record"]
)
@pytest.mark.parametrize("null_first", [True, False], ids=["null-first", "null-last"])
def test_fields_inside_null_are_none(inner: Any, expected: Any, *, null_first: bool, whole: bool) -> None:
    """All fields that are wanted of a nullable record are None together."""
    nullable = record("s", x="string", y=record("t", z="int"))
    schema = record("r", a=["null", nullable] if null_first else [nullable, "null"], b="int")
    data = encoded(schema, {"a": inner, "b": 7})
    assert read(schema, data, "a.x", "a.y.z", "b", whole=whole) == expected
    assert read(schema, data, "a.y.z", whole=whole) == expected[1:2]


def test_a_union_of_one_is_read() -> None:
    """Such a union still takes the byte of its index."""
    schema = record("r", a=["string"], b=[record("s", x="int")])
    assert read(schema, encoded(schema, {"a": "x", "b": {"x": 3}}), "a", "b.x") == ("x", 3)


@pytest.mark.parametrize(
    ("of", "value", "problem"),
    [
        pytest.param("boolean", b"\2", "a boolean is neither 0 nor 1", id="boolean"),
        pytest.param("int", b"\xff\xff\xff\xff\x7f", "an int has more than 32 bits", id="int"),
        pytest.param("double", b"1234567", "the value ends too early", id="double"),
        pytest.param("bytes", b"\x80\x01", "a length is 64, where 0 bytes are left", id="bytes"),
        pytest.param("string", b"\2", "the value ends too early", id="string"),
        pytest.param(
            {"type": "int", "logicalType": "date"}, b"\xfe\xff\xff\xff\x0f", "a number is no date", id="late-date"
        ),
        pytest.param(
            {"type": "int", "logicalType": "date"}, b"\xff\xff\xff\xff\x0f", "a number is no date", id="early-date"
        ),
        pytest.param(
            {"type": "int", "logicalType": "time-millis"}, b"\1", "a number is no time-millis", id="negative-time"
        ),
        pytest.param({"type": "string", "logicalType": "uuid"}, b"\x02x", "a string is not a UUID", id="uuid"),
        pytest.param(
            {"type": "bytes", "logicalType": "decimal", "precision": 3},
            b"\xc8\x01" + b"1" * 100,
            "a decimal is far longer than its precision",
            id="decimal",
        ),
    ],
)
def test_what_is_no_value_is_refused_when_read(of: Any, value: bytes, problem: str) -> None:
    """Facts always have values: whatever has none is found by `read`, even where stepping over it would not notice."""
    with pytest.raises(Unreadable) as caught:
        read(record("r", a=of, b="null"), value, "a")
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("of", "value", "problem"),
    [
        pytest.param("string", b"\x02\xff", "a string is not UTF-8", id="string"),
        pytest.param("boolean", b"\x02", "a boolean is neither 0 nor 1", id="boolean"),
        pytest.param(ENUM, b"\x06", "index 3 is not one of 3", id="enum"),
        pytest.param("int", b"\xff\xff\xff\xff\x7f", "an int has more than 32 bits", id="int"),
        pytest.param({"type": "map", "values": "int"}, b"\x02\x02\xff\x02\0", "a string is not UTF-8", id="key"),
        pytest.param(
            {"type": "array", "items": "int"},
            b"\x01\x04\x02\0\0",
            "a block does not end where its size says",
            id="block",
        ),
        pytest.param(
            {"type": "array", "items": "double"},
            b"\x01\x02\0\0",
            "a block does not end where its size says",
            id="fixed",
        ),
    ],
)
def test_only_a_whole_walk_checks_what_is_stepped_over(of: Any, value: bytes, problem: str) -> None:
    """Without it such bytes pass, since finding their end does not need them to be sound."""
    schema = record("r", a=of, b="int")
    assert read(schema, value + b"\x0e", "b") == (7,)
    with pytest.raises(Unreadable) as caught:
        read(schema, value + b"\x0e", "b", whole=True)
    assert (caught.value.field, caught.value.problem) == ("a", problem)


def test_counts_cost_no_time_of_their_own() -> None:
    """A count of 2^62 items of a fixed size, even of none, is a multiplication; of others it ends with the value."""
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    hollow = record("r", a={"type": "array", "items": "null"}, b="int")
    assert read(hollow, huge + b"\0\x0e", "b") == (7,)
    assert read(hollow, huge + b"\0\x0e", "b", whole=True) == (7,)
    for items in ("double", "string", {"type": "array", "items": "null"}):
        with pytest.raises(Unreadable):
            read(record("r", a={"type": "array", "items": items}, b="int"), huge + b"\0\x0e", "b")


def test_a_number_that_is_stepped_over_has_an_end() -> None:
    """Ten bytes are the most that a number may take, also where its value does not matter."""
    with pytest.raises(Unreadable, match="more than 10 bytes"):
        read(record("r", a="long", b="int"), b"\xff" * 20, "b")


@pytest.mark.parametrize("whole", [False, True], ids=["", "whole"])
def test_deeply_nested_types_stay_within_pythons_bounds(*, whole: bool) -> None:
    """Arrays in arrays, and nullable records in each other, to the depths that schemas and paths may have."""
    arrays: Any = "int"
    value: Any = 5
    for _ in range(58):
        arrays, value = {"type": "array", "items": arrays}, [value]
    schema = record("r", a=arrays, b="int")
    assert read(schema, encoded(schema, {"a": value, "b": 7}), "b", whole=whole) == (7,)
    records: Any = record("r0", x="int", tail=again(arrays))
    inner: Any = {"x": 5, "tail": value}
    for number in range(1, 31):
        records, inner = record(f"r{number}", x=["null", records]), {"x": inner}
    short = json.loads(
        json.dumps(records).replace(json.dumps(arrays), '{"type":"array","items":{"type":"map","values":"int"}}')
    )
    data = encoded(short, json.loads(json.dumps(inner).replace(json.dumps(value), '[{"a": 1}]')))
    assert read(short, data, ".".join("x" * 31), whole=whole) == (5,)


def test_records_that_repeat_each_other_do_not_multiply_the_text() -> None:
    """Two of each in the next, thirty times over: the text grows with the schema, not with the value."""
    inner: Any = record("r0", x="string", y="string")
    for number in range(1, 30):
        inner = record(
            f"r{number}", x=["null", inner], y=["null", f"r{number - 1}"], z=f"r{number - 1}" if number == 1 else "null"
        )
    schema = parse_avro(json.dumps(record("r", a=inner, b="int")), file="wide.avsc")
    for whole in (False, True):
        assert len(reader_source(schema, ["b"], whole=whole).text) < 100_000


@pytest.mark.parametrize("path", ["x", "a.x", "s", "m.x"], ids=["unknown", "inside-a-scalar", "record", "inside-a-map"])
def test_a_path_that_is_no_scalar_is_our_own_fault(path: str) -> None:
    """Routes are checked before; whoever comes here with such a path contradicts that check."""
    schema = parse_avro(
        json.dumps(record("r", a="int", s=record("s", x="int"), m={"type": "map", "values": "int"})), file="r.avsc"
    )
    with pytest.raises(InvariantError, match=r"is not a scalar field of r\.avsc"):
        reader_source(schema, [path], whole=False)


def test_a_root_that_is_no_record_is_walked_whole() -> None:
    """A topic of bare values has no fields, and can still be checked."""
    assert read("string", b"\x02x", whole=True) == ()
    assert read("string", b"anything") == ()
    with pytest.raises(Unreadable):
        read("string", b"\x02x?", whole=True)
    assert read(["null", record("r", a="int")], b"\x02\x0e", "a", whole=True) == (7,)


def test_each_line_knows_its_field() -> None:
    """A fault is told by the line that met it."""
    source = reader_source(
        parse_avro(json.dumps(record("r", a="int", s=record("s", x="int"))), file="r.avsc"), ["s.x"], whole=False
    )
    told = {field for line, field in zip(source.text.splitlines(), source.fields, strict=False) if "v[" in line}
    assert told == {"a", "s.x"}
