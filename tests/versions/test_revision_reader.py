"""Reading fields of a version's newest revision from what other revisions wrote."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from versions.avro_bytes import random_bytes
from versions.converting import field, record, version

from router.errors import InvalidSchema, Unreadable
from router.records.avro import encode_whole
from router.records.reader import FieldReader, compile_avro_reader
from router.versions.conversion_text import VersionSchema
from router.versions.revision_reader import resolver, revision_reader

VERDICTS = [json.loads(line) for line in (Path(__file__).parent / "avro_verdicts.jsonl").read_text().splitlines()]
STATES = {"type": "enum", "name": "S", "symbols": ["new", "paid"]}
MORE = {"type": "enum", "name": "S", "symbols": ["new", "refunded", "paid"], "default": "new"}
OTHERS = {"type": "enum", "name": "S", "symbols": ["paid", "sent"]}


def reading(
    writer: VersionSchema, newest: VersionSchema, *paths: str, whole: bool = False, prefix: bytes = b""
) -> FieldReader:
    """The reader, and whether it has to resolve is whether it is asked to."""
    return revision_reader(writer, newest, paths, whole=whole, start=len(prefix), resolve=resolver(writer, newest))


def refused(_: bytes) -> bytes:
    """Stand in for a resolver that must not be needed."""
    raise AssertionError("the value was resolved")


def directly(writer: Any, newest: Any, value: Any, *paths: str) -> tuple[Any, ...]:
    """Values that are read without resolving; their facts are those of the newest revision's own reader."""
    one, other = version(1, record(*writer)), version(1, record(*newest))
    reader = revision_reader(one, other, paths, whole=False, start=2, resolve=refused)
    return reader.values(reader.read(b"##" + encode_whole(one.schema.types, value)))


@pytest.mark.parametrize(
    ("writer", "newest", "value", "expected"),
    [
        pytest.param([field("a", "int")], [field("a", "long")], {"a": -7}, -7, id="an int is a long"),
        pytest.param(
            [field("x", "long"), field("a", "int")], [field("a", "int")], {"x": 9, "a": 7}, 7, id="in another order"
        ),
        pytest.param([field("b", "int")], [field("a", "int", aliases=["b"])], {"b": 7}, 7, id="by an alias"),
        pytest.param([], [field("a", "string", default="RU")], {}, "RU", id="a default"),
        pytest.param([], [field("a", ["null", "int"], default=None)], {}, None, id="a null by default"),
        pytest.param([], [field("a", MORE, default="paid")], {}, "paid", id="a symbol by default"),
        pytest.param([field("a", "int")], [field("a", ["null", "int"])], {"a": 7}, 7, id="null came"),
        pytest.param(
            [field("a", ["int", "null"])], [field("a", ["null", "int"])], {"a": 7}, 7, id="null stands elsewhere"
        ),
        pytest.param([field("a", STATES)], [field("a", MORE)], {"a": "paid"}, "paid", id="a symbol was inserted"),
        pytest.param(
            [field("a", ["null", STATES])], [field("a", ["null", MORE])], {"a": None}, None, id="no symbol at all"
        ),
        pytest.param(
            [field("a", OTHERS)], [field("a", MORE)], {"a": "sent"}, "new", id="a symbol that is gone is the default"
        ),
    ],
)
def test_most_is_read_as_it_was_written(writer: Any, newest: Any, value: Any, expected: object) -> None:
    """Without resolving the value, and without its prefix."""
    assert directly(writer, newest, value, "a") == (expected,)


def test_facts_are_the_newest_revision_s() -> None:
    """So that equal values have equal facts, whoever wrote them."""
    one = version(1, record(field("s", STATES), field("n", "int")))
    two = version(1, record(field("n", "long"), field("s", MORE), field("c", "string", default="RU")))
    paths = "c", "s", "n"
    own = compile_avro_reader(two.schema, paths)
    facts = own.read(encode_whole(two.schema.types, {"n": 5, "s": "paid", "c": "RU"}))
    assert reading(one, two, *paths).read(encode_whole(one.schema.types, {"s": "paid", "n": 5})) == facts


def test_fields_in_nested_records_are_found() -> None:
    """By the names that each revision has for them, behind nulls too."""
    inner = record(field("b", "int"), name="I")
    renamed = record(field("x", "int", default=3), field("c", "int", aliases=["b"]), name="I")
    writer = [field("r", ["null", inner])]
    newest = [field("q", ["null", renamed], aliases=["r"])]
    assert directly(writer, newest, {"r": {"b": 4}}, "q.c", "q.x") == (4, 3)


@pytest.mark.parametrize(
    ("writer", "newest", "value", "expected"),
    [
        pytest.param([field("a", "int")], [field("a", "double")], {"a": 7}, 7.0, id="a wider kind"),
        pytest.param([field("a", "string")], [field("a", "bytes")], {"a": "x"}, b"x", id="bytes of a text"),
        pytest.param(
            [], [field("r", record(field("a", "int"), name="I"), default={"a": 8})], {}, 8, id="a record by default"
        ),
        pytest.param(
            [field("r", "null")],
            [field("r", ["null", record(field("a", "int"), name="I")])],
            {"r": None},
            None,
            id="only null",
        ),
    ],
)
def test_the_rest_is_resolved(writer: Any, newest: Any, value: Any, expected: object) -> None:
    """As Avro has it."""
    one, other = version(1, record(*writer)), version(1, record(*newest))
    path = "a" if newest[0]["name"] == "a" else "r.a"
    reader = reading(one, other, path, prefix=b"##")
    (found,) = reader.values(reader.read(b"##" + encode_whole(one.schema.types, value)))
    assert (found, type(found)) == (expected, type(expected))


def test_what_avro_cannot_resolve_is_unreadable() -> None:
    """Where it is read, and not before: other fields may do."""
    one = version(1, record(field("a", ["null", "int"]), field("b", "int")))
    other = version(1, record(field("a", "int"), field("b", "int"), field("c", "int")))
    value = encode_whole(one.schema.types, {"a": None, "b": 6})
    assert reading(one, other, "b").read(value) == (12,)
    with pytest.raises(Unreadable, match="v1 needs 'c'"):
        reading(one, other, "a").read(value)


def test_a_null_that_is_none_any_more_is_unreadable() -> None:
    """And any other value of such a field is read."""
    one = version(1, record(field("a", ["null", "int"])))
    reader = reading(one, version(1, record(field("a", "int"))), "a")
    assert reader.values(reader.read(encode_whole(one.schema.types, {"a": 6}))) == (6,)
    with pytest.raises(Unreadable, match="field 'a' cannot be read"):
        reader.read(encode_whole(one.schema.types, {"a": None}))


def test_whole_values_are_walked_as_their_writer_wrote_them() -> None:
    """What it wrote behind the fields counts."""
    one, other = version(1, record(field("a", "int"), field("t", "string"))), version(1, record(field("a", "int")))
    value = encode_whole(one.schema.types, {"a": 1, "t": "x"})
    assert reading(one, other, "a", whole=True).read(value) == (2,)
    for wrong in (value[:-1], value + b"!"):
        with pytest.raises(Unreadable):
            reading(one, other, "a", whole=True).read(wrong)


def test_the_newest_revision_reads_itself() -> None:
    """Behind its prefix."""
    own = version(1, record(field("a", "int")))
    reader = revision_reader(own, own, ("a",), whole=True, start=5, resolve=refused)
    assert reader.values(reader.read(b"#####" + encode_whole(own.schema.types, {"a": 3}))) == (3,)


def test_random_revisions_read_as_they_resolve() -> None:
    """Each field of each compatible pair, read directly or not, is what it is in the resolved value, fact by fact."""
    draw, compared, direct = random.Random(5), 0, 0
    for pair in VERDICTS:
        if pair["verdict"] != "COMPATIBLE":
            continue
        try:
            writer, newest = version(1, pair["writer"]), version(1, pair["reader"])
            resolve = resolver(writer, newest)
            value = random_bytes(writer.root, draw)
            resolved = resolve(value)
        except (InvalidSchema, Unreadable, RecursionError, AssertionError):  # as in test_carrying
            continue
        for path in newest.schema.paths() if newest.root.kind == "record" else ():
            own = compile_avro_reader(newest.schema, (path,))
            try:
                expected = own.read(resolved)
            except Unreadable:
                continue
            found = revision_reader(writer, newest, (path,), whole=False, start=0, resolve=resolve).read(value)
            assert found == expected, (pair, path)
            compared += 1
            try:
                direct += (
                    revision_reader(writer, newest, (path,), whole=False, start=0, resolve=refused).read(value)
                    is not None
                )
            except AssertionError:
                continue
    assert compared > 40
    assert direct > compared // 2
