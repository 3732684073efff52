"""Mistakes in our words."""

import pytest
from support.expressions import problems

from router.language.cel.environment import Environment
from router.language.cel.wording import problems_of


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("amuont > 1", 1, "there is no field or variable 'amuont'", "did you mean 'amount'?"),
        ("true && customer.emial == null", 18, "'Customer' has no field 'emial'", "did you mean 'email'?"),
        ("record.stats == null", 8, "'Order' has no field 'stats'", "did you mean 'status'?"),
        ("lines.all(l, l.cuont > 1)", 16, "'Line' has no field 'cuont'", "did you mean 'count'?"),
        ("zzz.b.c == 1", 1, "there is no field or variable 'zzz'", ""),
        ('amount + "a" == "b"', 8, "'+' cannot be used with int and string", ""),
        ('amount == "5"', 8, "'==' cannot be used with int and string", ""),
        ("status.startWith('a')", 8, "there is no function 'startWith'", "did you mean 'startsWith'?"),
        ("amount.size() > 1", 12, "'size' cannot be used with int", ""),
        ("amount.foo", 7, "what is int has no fields", ""),
        ("amount.all(x, x > 1)", 1, "what is int has no items to look at: it must be a list or a map", ""),
        ("amount = 5", 8, "'=' cannot stand here", "write == to compare"),
        ("urgent and amount > 5", 8, "'and' cannot stand here", "write && for and"),
        ("urgent OR amount > 5", 8, "'OR' cannot stand here", "write || for or"),
        ("not urgent", 5, "'urgent' cannot stand here", ""),
        ("amount > ", 10, "something is missing at the end", ""),
        ("(amount > 5", 12, "something is missing at the end", ""),
        ("status == 'paid", 11, "this text has no end, or an escape that does not exist", ""),
        ("amount", 1, "it is int, and not true or false", "compare it with something, as with =="),
        ("1 + 1", 1, "it is int, and not true or false", "compare it with something, as with =="),
        ("at > timestamp('yesterday')", 15, "'yesterday' is no timestamp: write it as 2024-05-31T12:00:00Z", ""),
        ("amount > 1 / 0", 12, "division by zero", ""),
        (
            "urgent ? amount : status == 'x'",
            8,
            "the two sides of '? :' are int and bool, and its condition is bool or null",
            "",
        ),
        (
            "google.protobuf.Timestamp{} == at",
            1,
            "an expression cannot make a 'google.protobuf.Timestamp'",
            "use a map",
        ),
        (
            "(" * 40 + "true" + ")" * 40,
            1,
            "it is nested too deeply: 32 levels are the most",
            "use cel.bind, or several bindings",
        ),
        ("'" + "x" * 100_001 + "' == id", 1, "it is too long: 100,000 characters are the most", ""),
        ("amount > 9223372036854775808", 10, "invalid int literal", ""),
    ],
)
def test_mistakes_have_their_column(text: str, column: int, message: str, suggestion: str) -> None:
    """What is wrong with a text is said in words, at its column, with a way out where there is one."""
    first = problems(text)[0]
    assert (first.column, first.message, first.suggestion) == (column, message, suggestion)


def test_mistakes_on_later_lines_have_their_line() -> None:
    """An expression of several lines counts columns within each; all mistakes are gathered."""
    found = problems("amount > 1 &&\n  amuont > 2 ||\n  stauts == 'x'")
    assert [(each.line, each.column) for each in found] == [(2, 3), (3, 3)]
    assert str(found[0]) == "line 2, column 3: there is no field or variable 'amuont': did you mean 'amount'?"


def test_complaint_of_a_new_form_is_passed_on() -> None:
    """What we have no words for is said in the front end's, at the start where it names no place."""
    found = problems_of("INTERNAL: something new [INTERNAL]", "a", Environment(variables={})).problems
    assert [str(each) for each in found] == ["column 1: something new"]
    far = problems_of("ERROR: <input>:9:9: undeclared reference to 'a'", "a", Environment(variables={})).problems
    assert far[0].message == "there is no field or variable 'a'"
