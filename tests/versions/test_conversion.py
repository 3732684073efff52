"""The function that a conversion is compiled to."""

from versions.converting import converted, field, load, record

from router.versions.avro_nodes import parse_avro_value
from router.versions.carrying import Carrier
from router.versions.conversion import How, Part, Slot, compile_parts, link

ABC = record(field("a", "string"), field("b", "string"), field("c", "string"), field("d", "int"))


def test_runs_of_fields_are_one_slice() -> None:
    """Neighbours that both versions have are copied together; the last run ends where the value does."""
    target = record(
        field("a", "string"),
        field("b", "string"),
        field("n", "int", default=1),
        field("c", "string"),
        field("d", "int"),
    )
    conversion, _ = load(ABC, target, None)
    assert conversion is not None
    assert "return b''.join((b[s0:s2], x2, b[s2:e], )), e" in conversion.text
    value = {"a": "1", "b": "22", "c": "333", "d": 4}
    assert converted(ABC, target, None, value) == {**value, "n": 1}


def test_fields_in_another_order_are_slices_of_their_own() -> None:
    """Order is the target's."""
    value = {"a": "1", "b": "22", "c": "333", "d": 4}
    assert converted(ABC, record(*reversed(ABC["fields"])), None, value) == value


def test_an_unchanged_record_is_its_own_bytes() -> None:
    """Where nothing changed, one slice is all."""
    conversion, _ = load(ABC, ABC, None)
    assert conversion is not None
    assert str(conversion) == "s v1 to v2"
    assert conversion.text.endswith("return b[s0:e], e")
    assert (conversion.file, conversion.loses) == ("", ())


def test_parts_are_compiled_in_their_order() -> None:
    """Slices, carriers, constants and expressions over slots make the bytes that they stand for."""
    carrier = Carrier()
    source = parse_avro_value(ABC, file="f")
    reader = carrier.constant(lambda b, p: (b[p + 1 : p + 2].decode(), p))
    whole = carrier.constant(lambda _b, p: ({"d": 5}, p))
    parts = [
        Part("x", "x", How.CONSTANT, "", constant=b"\x0a"),
        Part("a", "a", How.CARRIED, "a", source=0),
        Part("y", "y", How.EXPRESSION, "", code="(p0 + str(whole['d'])).encode()", encoder="bytes"),
        Part("d", "d", How.CARRIED, "d", source=3, carrier=carrier.slice(source.fields[3].type)),
    ]
    compile_parts(carrier, source, parts, [Slot("p0", 1, reader)], whole=whole, name="run")
    convert, _ = link(carrier, "run", file="")
    assert convert(b"\x02A\x02B\x02C\x08") == b"\x0a\x02AB5\x08"
