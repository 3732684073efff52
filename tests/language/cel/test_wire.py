"""The wire format of protocol buffers."""

import struct

from router.language.cel.wire import read_message, signed


def test_fields_are_read_by_number() -> None:
    """Varints, eight bytes, and bytes with their length; of a repeated field all, of another the last."""
    data = b"\x08\x96\x01" + b"\x08\x01" + b"\x11" + struct.pack("<d", 1.5) + b"\x1a\x02hi" + b"\x22\x02\x08\x07"
    message = read_message(data)
    assert message[1] == [150, 1]
    assert (message.one(1), message.one(2), message.text(3), message.inner(4).one(1)) == (1, 1.5, "hi", 7)
    assert [each.one(1) for each in message.each(4)] == [7]
    assert (message.one(9), message.one(9, 5), message.text(9), message.inner(9), message.each(9)) == (
        None,
        5,
        "",
        {},
        [],
    )


def test_maps_are_repeated_entries() -> None:
    """A map's entry is a message of a key and a value; zero is left out."""
    assert read_message(b"\x0a\x04\x08\x02\x10\x03" + b"\x0a\x02\x10\x04").mapping(1) == {2: 3, 0: 4}


def test_negative_numbers_are_two_s_complement() -> None:
    """A varint of 64 bits with the highest set is negative."""
    assert (signed(2**64 - 1), signed(2**63), signed(5)) == (-1, -(2**63), 5)
