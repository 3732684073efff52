"""What can be asked of a table, and where its pages end."""

from __future__ import annotations

import base64

import pytest

from router.tables.questions import Cursor, ListQuestion, Waited, WrongQuestion, key_in, read_key, read_list
from router.tables.view import Condition


def test_parameters_make_a_question() -> None:
    """Any of several states; keys as text or as base64."""
    asked = read_list({"prefix": "ord-", "state": "late, waiting", "limit": "7", "whole": "1"})
    assert asked == ListQuestion(b"ord-", frozenset({Condition.LATE, Condition.WAITING}), 7, whole=True)
    assert read_list({}) == ListQuestion(limit=100)
    assert read_list({"prefix-base64": "_w=="}).prefix == b"\xff"
    assert asked.with_limit(3).limit == 3


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"state": "wating"}, "state='wating' is none of waiting, parked, overdue, late, idle, unreadable: did", id="state"),
        pytest.param({"limit": "0"}, "limit='0' is no whole number from 1 to 1000", id="none"),
        pytest.param({"limit": "1001"}, "is no whole number from 1 to 1000", id="too-many"),
        pytest.param({"limit": "-1"}, "is no whole number", id="negative"),
        pytest.param({"limit": "99999999999"}, "is no whole number", id="huge"),
        pytest.param({"limit": "²"}, "is no whole number", id="no-digit"),
        pytest.param({"whole": "2"}, "whole='2' is no whole number from 0 to 1", id="switch"),
        pytest.param({"prefix-base64": "a"}, "prefix-base64='a' is not base64", id="base64"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(parameters: dict[str, str], said: str) -> None:
    """The parameter, its value, and what is allowed."""
    with pytest.raises(WrongQuestion) as caught:
        read_list(parameters)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"key": "a/ü"}, "a/ü".encode()),
        ({"key": ""}, b""),
        ({"key-base64": "+/8="}, b"\xfb\xff"),
        ({"key-base64": "-_8="}, b"\xfb\xff"),
        ({"key-base64": " /8="}, b"\xfb\xff"),
    ],
    ids=["text", "empty", "base64", "url-safe", "plus-unescaped"],
)
def test_keys_are_text_or_base64(parameters: dict[str, str], key: bytes) -> None:
    """Whatever bytes a key has, it can be asked for."""
    assert read_key(parameters) == key


def test_question_without_a_key_is_refused() -> None:
    """No key is not the empty key."""
    with pytest.raises(WrongQuestion, match="key='' is missing: write key=TEXT, or key-base64="):
        read_key({})
    assert key_in({}, "after") is None


@pytest.mark.parametrize("cursor", [Cursor(), Cursor(3), Cursor(3, b""), Cursor(2**31, b"k\x00\xff")], ids=str)
def test_cursor_reads_back_as_it_was(cursor: Cursor) -> None:
    """In letters that need no escaping in a URL."""
    asked = ListQuestion(b"ord-", frozenset({Condition.LATE}))
    text = cursor.write(asked)
    assert asked.cursor(text) == cursor
    assert asked.with_limit(1).cursor(text) == cursor
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_no_cursor_is_the_beginning() -> None:
    """The first page."""
    assert ListQuestion().cursor("") == Cursor(0, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("!", "is none that a page ended with", id="no-base64"),
        pytest.param("AQ", "is none that a page ended with", id="too-short"),
        pytest.param("ü", "is none that a page ended with", id="no-ascii"),
        pytest.param(base64.b64encode(b"\x09" + bytes(9)).decode(), "is of another version", id="version"),
        pytest.param(Cursor(1).write(ListQuestion(b"x")), "is of another question", id="question"),
    ],
)
def test_other_cursors_are_refused(text: str, said: str) -> None:
    """One of another question would leave keys out without a word."""
    with pytest.raises(WrongQuestion) as caught:
        ListQuestion().cursor(text)
    assert said in str(caught.value)


@pytest.mark.parametrize("waited", [Waited(0, b"", 0), Waited(2**62, b"\x00\xff", 7)], ids=repr)
def test_place_among_those_that_wait_reads_back_as_it_was(waited: Waited) -> None:
    """Deadline, key and partition; for the same question, and for lists that are sorted so."""
    question = ListQuestion(prefix=b"o")
    assert question.waited(waited.write(question)) == waited
    assert question.waited("") is None
    with pytest.raises(WrongQuestion, match="another sorting"):
        question.cursor(waited.write(question))
    with pytest.raises(WrongQuestion, match="another question"):
        ListQuestion().waited(waited.write(question))
    with pytest.raises(WrongQuestion, match="none that a page ended with"):
        question.waited("x")
