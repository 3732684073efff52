"""The table of questions, and addresses."""

from __future__ import annotations

import re

import pytest

from router.console.pages import QUESTIONS, check, key_page, link, questions_by_name
from router.tables.questions import WrongQuestion


def test_names_are_one_questions_alone() -> None:
    """And so are methods with their paths; each has a page, or says that it has none."""
    assert len(questions_by_name()) == len({(each.method, each.path) for each in QUESTIONS}) == len(QUESTIONS)
    assert all(each.template or each.stream or each.only_api for each in QUESTIONS)


def test_what_a_path_names_is_a_parameter() -> None:
    """And what is a parameter in the path is in the path."""
    for each in QUESTIONS:
        assert set(re.findall(r"{(\w+)}", each.path)) == {one.name for one in each.parameters if one.where == "path"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param({"topic": "t", "limit": "0"}, "is no whole number from 1 to 500", id="too small"),
        pytest.param({"topic": "t", "limit": "٣"}, "is no whole number", id="another script's digits"),
        pytest.param({"topic": "t", "limit": "9" * 5_000}, "is no whole number", id="endless"),
        pytest.param({"topic": "t", "from": "middle"}, "is none of newest, oldest, offset, time", id="none of them"),
        pytest.param({"topic": "t", "where": "x" * 5_000}, "is longer than 4096 letters", id="too long"),
    ],
)
def test_a_parameter_must_be_as_it_says(given: dict[str, str], problem: str) -> None:
    """Else the question is refused, and says which."""
    with pytest.raises(WrongQuestion, match=problem):
        check(questions_by_name()["records"], given)


def test_what_fits_or_was_not_given_is_not_refused() -> None:
    """An empty one was not given."""
    check(
        questions_by_name()["records"], {"topic": "t", "limit": "", "from": "oldest", "partition": "3", "unheard": "x"}
    )
    check(questions_by_name()["dead_letters"], {"cause": "0123abcd"})
    with pytest.raises(WrongQuestion, match="is not written as it must be"):
        check(questions_by_name()["dead_letters"], {"cause": "xyz"})


def test_a_link_leaves_out_what_is_empty() -> None:
    """And writes a name that Python keeps for itself."""
    assert (
        link("/a", x="", y=None, from_="new est", key_base64="/w==", n=0) == "/a?from=new+est&key-base64=%2Fw%3D%3D&n=0"
    )
    assert link("/a") == "/a"


@pytest.mark.parametrize(
    ("key", "page"),
    [
        pytest.param({"text": "ord-1"}, "/keys/ord-1", id="plain"),
        pytest.param({"text": ".."}, "/keys?key=..", id="dots"),
        pytest.param({"text": "../../sign-out"}, "/keys?key=..%2F..%2Fsign-out", id="path"),
        pytest.param(
            {"text": "<script>alert(1)</script>"}, "/keys?key=%3Cscript%3Ealert%281%29%3C%2Fscript%3E", id="script"
        ),
        pytest.param({"text": ""}, "/keys?key=", id="empty"),
        pytest.param({"text": "заказ"}, "/keys?key=%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7", id="another script"),
        pytest.param({"base64": "/w=="}, "/keys?key-base64=%2Fw%3D%3D", id="bytes"),
    ],
)
def test_a_key_is_nothing_but_a_key_in_an_address(key: dict[str, str], page: str) -> None:
    """Whatever a record's key is, it leads to that key's page."""
    assert key_page(key) == page
