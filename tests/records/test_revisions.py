"""Records of a version whose revisions tell themselves apart, as plain data and as they are written."""

from __future__ import annotations

import pytest

from router.errors import Unreadable
from router.records.avro import encode_whole
from router.records.marks import SCHEMA_HEADER, Encoding
from router.records.reader import FieldReader, compile_avro_reader
from router.records.record import PlainRecord
from router.records.revisions import Revisions, decode_body, decode_record
from router.records.schema import parse_avro

SCHEMA = parse_avro('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}', file="r.avsc")
BODY = encode_whole(SCHEMA.types, {"a": 5})
MARK = b"0123456789abcdef"


def revisions(encoding: Encoding, mark: bytes | None) -> Revisions:
    """One revision, of which nothing is looked at but where its body begins."""

    def reader(paths: object, whole: bool) -> FieldReader:
        raise AssertionError((paths, whole))

    return Revisions(encoding, (), mark, reader, lambda value: value[len(mark or b"") :])


@pytest.mark.parametrize(
    ("encoding", "mark", "value", "headers"),
    [
        pytest.param(Encoding.CONFLUENT, b"\0\0\0\0\1", b"\0\0\0\0\1" + BODY, [("x", b"y")], id="in the value"),
        pytest.param(Encoding.HEADER, MARK, BODY, [("x", b"y"), (SCHEMA_HEADER, MARK)], id="in a header"),
    ],
)
def test_what_is_written_is_read(
    encoding: Encoding, mark: bytes, value: bytes, headers: list[tuple[str, bytes | None]]
) -> None:
    """A body gets its mark where the encoding has it, and loses it where it is decoded."""
    known = revisions(encoding, mark)
    assert known.written(BODY, [("x", b"y")]) == (value, headers)
    record = PlainRecord(topic="t", value=value, headers=headers)
    assert decode_record(record, SCHEMA, known) == {"a": 5}
    assert known.in_header is (encoding is Encoding.HEADER)
    assert known.marked(record).value == mark + BODY


def test_bare_values_are_their_bodies() -> None:
    """Of Avro by the schema, of anything else as JSON; tombstones have none."""
    assert decode_record(PlainRecord(topic="t", value=BODY), SCHEMA) == {"a": 5}
    assert decode_body(None, b'{"a": 6}') == {"a": 6}
    assert decode_record(PlainRecord(topic="t"), SCHEMA) is None
    with pytest.raises(ValueError, match="Expecting"):
        decode_body(None, b"{")


def test_a_reader_finds_the_mark_of_a_record() -> None:
    """In its header where the reader takes marked values, else in its value."""
    inner = compile_avro_reader(SCHEMA, ("a",), start=16)
    reader = FieldReader(inner.paths, inner.read, inner.values, in_header=True)
    record = PlainRecord(topic="t", value=BODY, headers=[(SCHEMA_HEADER, MARK)])
    assert reader.values_of(record) == (5,)
    assert inner.values_of(PlainRecord(topic="t", value=MARK + BODY)) == (5,)
    with pytest.raises(Unreadable, match="header router-schema is missing"):
        reader.values_of(PlainRecord(topic="t", value=BODY))
