"""What set-aside records say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import router
from router.errors import (
    ConditionFailed,
    KeyMismatch,
    OffsetOutOfRange,
    RecordError,
    Refused,
    TooLarge,
    TooManyHops,
    Unreadable,
)
from router.failure.letters import MALFORMED
from router.failure.notes import (
    DESTINATION,
    ERROR,
    EXCHANGES,
    LOST,
    PLACE,
    REASON,
    dead_letter_headers,
    loss_headers,
    unroutable_headers,
)
from router.language.topics import dead_letters_of, unroutable_of
from router.records.order_errors import Late

NEVER_ALONE = {
    "where-failed": "a condition that fails is `condition-failed`",
    "conversion-failed": "a copy that cannot be made is `not-converted`",
    "unrejectable": "it is the consumer's, of a record that never came from the router",
}
"""Errors of one record that are the cause of another, by which it is set aside."""


def errors_of_records(of: type[RecordError] = RecordError) -> Iterator[type[RecordError]]:
    """Give every class below this one."""
    for each in of.__subclasses__():
        yield each
        yield from errors_of_records(each)


def test_every_reason_is_documented_and_means_one_thing() -> None:
    """Programs match on it: docs/failure.md has all that a worker can write."""
    for module in walk_packages(router.__path__, "router."):
        import_module(module.name)
    reasons = [each.reason for each in errors_of_records() if each.__module__.startswith("router.")]
    assert len(set(reasons)) == len(reasons)
    page = (Path(__file__).parents[2] / "docs" / "failure.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    documented = {slug for row in rows for slug in re.findall("`([a-z-]+)`", row)}
    written = {*reasons, MALFORMED, "offsets-lost"} - NEVER_ALONE.keys()
    assert written - documented == set()


def test_set_aside_topics_stand_beside_their_source() -> None:
    """Both are named by the source and what they hold."""
    assert dead_letters_of("order.status.v1") == "order.status.v1.dead-letters"
    assert unroutable_of("order.status.v1") == "order.status.v1.unroutable"


@pytest.mark.parametrize(
    ("error", "reason", "place", "destination"),
    [
        pytest.param(
            Unreadable(field="customer.email", position=17, problem="it ends"),
            b"unreadable",
            b"value:customer.email@17",
            None,
            id="field-and-byte",
        ),
        pytest.param(
            Unreadable(field="amount", position=-1, problem="no number"),
            b"unreadable",
            b"value:amount",
            None,
            id="field-without-a-byte",
        ),
        pytest.param(
            Unreadable(field="", position=0, problem="empty"), b"unreadable", b"value@0", None, id="first-byte"
        ),
        pytest.param(
            Unreadable(field="", position=-1, problem="no JSON"), b"unreadable", b"value", None, id="whole-value"
        ),
        pytest.param(Late(field="n", place=3, reached=9), b"late", b"value:n", None, id="a place in an order"),
        pytest.param(KeyMismatch(field="id", key=b"a", value="b"), b"key-mismatch", b"key", None, id="key"),
        pytest.param(TooLarge(topic="vip.v1", size=9), b"too-large", None, b"vip.v1", id="too-large"),
        pytest.param(Refused(topic="vip.v1", problem="no"), b"refused", None, b"vip.v1", id="refused"),
        pytest.param(
            ConditionFailed(where="x", destination="topic 'vip.v1'", topic="vip.v1", place="f:1:2"),
            b"condition-failed",
            None,
            b"vip.v1",
            id="condition",
        ),
        pytest.param(
            ConditionFailed(where="x", destination="exchange 'e'", topic=None, place="f:1:2"),
            b"condition-failed",
            None,
            None,
            id="condition-to-an-exchange",
        ),
        pytest.param(TooManyHops(hops=16, limit=16), b"too-many-hops", None, None, id="hops"),
        pytest.param(
            Unreadable(field="\udce9t\xe9", position=-1, problem="odd"),
            b"unreadable",
            b"value:?t\xc3\xa9",
            None,
            id="a-name-that-is-no-text",
        ),
    ],
)
def test_dead_letter_says_why_and_where(
    error: RecordError, reason: bytes, place: bytes | None, destination: bytes | None
) -> None:
    """Reason, place and destination are told where there are any; the words are the error's own."""
    expected = [(REASON, reason), (ERROR, str(error).encode(errors="replace"))]
    expected += [(PLACE, place)] if place is not None else []
    expected += [(DESTINATION, destination)] if destination is not None else []
    assert dead_letter_headers(error) == expected


@pytest.mark.parametrize(
    ("text", "length"),
    [
        pytest.param("x" * 5000, 1024, id="cut-at-the-limit"),
        pytest.param("x" + "é" * 1000, 1023, id="no-half-character"),
        pytest.param("\udc80" * 5000, 1024, id="what-cannot-be-encoded"),
    ],
)
def test_words_are_cut_to_a_kilobyte(text: str, length: int) -> None:
    """However long an error's text is, its header stays small, and remains UTF-8."""

    class Wordy(RecordError):
        def __str__(self) -> str:
            return text

    (_, words) = dead_letter_headers(Wordy())[1]
    assert words is not None
    assert len(words) == length
    assert words.decode()


@pytest.mark.parametrize(("committed", "lost"), [(120, b"120-149"), (149, b"149-149"), (500, None)])
def test_loss_names_the_first_and_the_last_offset(committed: int, lost: bytes | None) -> None:
    """Where the log is another one, nobody knows them."""
    loss = OffsetOutOfRange(topic="orders.v1", partition=3, committed=committed, earliest=150, latest=400)
    headers = dict(loss_headers(loss))
    assert headers[REASON] == b"offsets-lost"
    assert headers.get(LOST) == lost
    assert b"orders.v1/3 holds offsets 150 to 400" in (headers[ERROR] or b"")


def test_unroutable_names_the_exchanges() -> None:
    """A reader sees which exchanges had nowhere to go with it."""
    assert unroutable_headers(("orders", "audit")) == [
        (REASON, b"unroutable"),
        (ERROR, b"no destination from orders,audit"),
        (EXCHANGES, b"orders,audit"),
    ]
