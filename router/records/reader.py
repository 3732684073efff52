"""Reading the few fields that routes need from a record's bytes, without decoding the rest."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from router.errors import Unreadable
from router.records import logical, reader_bytes
from router.records.marks import Encoding, marked_value
from router.records.reader_bytes import STRIDES, Malformed
from router.records.reader_source import reader_source

if TYPE_CHECKING:
    from types import TracebackType

    from router.records.record import Headers, Record
    from router.records.schema import AvroSchema
    from router.records.text import Value

__all__ = ["FieldReader", "compile_avro_reader"]


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads the same fields from every value of one source.

    `read` and `values` are attributes, not methods, because they run once a record.
    """

    paths: tuple[str, ...]
    read: Callable[[bytes], tuple[Any, ...]]
    """The facts of a value, one a path: hashable, equal only where the values are the same, and meaningful to `values`
    alone. Raises `Unreadable` for bytes that are not what the schema says, and nothing else."""
    values: Callable[[tuple[Any, ...]], tuple[Value, ...]]
    """The plain values of facts that `read` returned; None for null, and for what lies inside null."""
    source: str = field(default="", compare=False, repr=False)
    """The text of a generated reader, for people."""
    in_header: bool = False
    """Whether `read` takes marked values of records that say in a header which revision wrote them (`router.records.marks`)."""

    def values_of(self, record: Record) -> tuple[Value, ...]:
        """The plain values of a record that has a value, wherever its mark is. Raises Unreadable."""
        assert record.value is not None, "a record without a value has no fields"
        return self.values(self.read(self.value_of(record.value, record.headers)))

    def value_of(self, value: bytes, headers: Headers) -> bytes:
        """What `read` takes, of a record's value and headers. Raises UnknownRevision."""
        return marked_value(Encoding.HEADER, value, headers) if self.in_header else value


def compile_avro_reader(
    schema: AvroSchema, paths: Sequence[str], *, whole: bool = False, start: int = 0
) -> FieldReader:
    """A reader of scalar fields of an Avro schema; `InvariantError` for paths that are none.

    `whole` walks the entire value: every text must be UTF-8, every index in range, every size right, and no byte left over.
    Without it reading stops after the last of the fields, and what it steps over is only as sound as stepping needs.
    `start` is how many bytes stand before the record: they are not looked at.

    Values are fastavro's, but for the logical types that `router.records.logical` lists; and where fastavro makes a value of
    bytes that no writer may write, these are unreadable: a boolean of 2, an int of more than 32 bits and a long of more
    than 64, a negative index (fastavro counts from the end), a negative length.
    """
    source = reader_source(schema, paths, whole=whole, start=start)
    scope: dict[str, Any] = {
        **{name: getattr(reader_bytes, name) for name in reader_bytes.__all__},
        **{name: getattr(logical, name) for name in logical.__all__},
        "S": STRIDES,
        "FAULTS": (IndexError, Malformed, UnicodeDecodeError, RecursionError),
        "unreadable": _Diagnosis(source.fields),
        "float_of": struct.Struct("<f").unpack,
        "double_of": struct.Struct("<d").unpack,
        "uuid_of": lambda fact: UUID(bytes=fact),
    }
    code = compile(source.text, f"<reader of {schema.file}>", "exec")
    exec(code, scope)  # noqa: S102 # our own text, into which nothing of the schema comes but numbers and quoted symbols
    return FieldReader(paths=tuple(paths), read=scope["read"], values=scope["values"], source=source.text)


class _Diagnosis:
    """Turns what stopped a generated `read` into the error that says which field, where and why."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.fields = fields

    def __call__(self, value: bytes, fault: BaseException) -> Unreadable:
        trace: TracebackType | None = fault.__traceback__
        assert trace is not None, "a fault was raised"
        path = self.fields[trace.tb_lineno - 1]
        if isinstance(fault, Malformed):
            return Unreadable(field=path, position=min(fault.position, len(value)), problem=fault.problem)
        if isinstance(fault, UnicodeDecodeError):
            start = trace.tb_frame.f_locals["i"] - len(fault.object)
            return Unreadable(field=path, position=start + fault.start, problem="a string is not UTF-8")
        if isinstance(fault, RecursionError):
            return Unreadable(field=path, position=-1, problem="values are nested deeper than this stack bears")
        return Unreadable(field=path, position=len(value), problem="the value ends too early")
