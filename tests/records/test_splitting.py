"""A split as those see it who only need it done."""

import pytest

from router.records.conversion import ValueConversion
from router.records.splitting import Branch, NoSplit, Otherwise, UnknownType, ValueSplit


def way(text: str) -> ValueConversion:
    return ValueConversion(subject="s", source=1, target=1, files=(), text=text, convert=bytes)


def split(*branches: Branch) -> ValueSplit:
    return ValueSplit(
        subject="event",
        version=1,
        by="type",
        otherwise=Otherwise.KEEP,
        branches=branches,
        file="f",
        type_of=lambda _: None,
    )


def test_a_type_has_one_meaning() -> None:
    """However many types a meaning has."""
    one, other = Branch("event.a", 1, ("a", "b"), way("x"), None), Branch("event.c", 2, ("c",), way("y"), way("z"))
    assert split(one, other).by_type == {"a": one, "b": one, "c": other}
    assert (one.name, other.name) == ("event.a.v1", "event.c.v2")


def test_another_text_is_another_split() -> None:
    """Whoever splits is told by it."""
    one, other = Branch("event.a", 1, ("a",), way("x"), None), Branch("event.a", 1, ("a",), way("x"), way("y"))
    assert split(one).text == split(one).text
    assert split(one).text != split(other).text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoSplit(subject="event"), "nothing says how 'event' is split: write schemas/event/split.yaml"),
        (NoSplit(subject="event", problem="it is wrong"), "nothing says how 'event' is split: it is wrong"),
        (UnknownType(field="type", type="x"), "field 'type' says 'x', which split.yaml does not name"),
        (UnknownType(field="type", type=None), "field 'type' says nothing, which split.yaml does not name"),
    ],
)
def test_errors_say_the_way_out(error: Exception, said: str) -> None:
    """In words for people."""
    assert str(error) == said
