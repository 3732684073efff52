"""Cases as YAML."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.language.case_text import case_lines, with_case
from router.language.nodes import plain
from router.language.yaml_text import parse_yaml

CASE = {"name": "a paid order", "message": {"topic": "order.status.v1", "key": "ord-1", "value": {}}, "to": ["b.v1"]}
TEXT = """\
- name: "a paid order"
  message:
    topic: order.status.v1
    key: ord-1
    value: {}
  to: [b.v1]
"""


def read(text: str) -> Any:
    node, findings = parse_yaml(text, file="t_test.yaml")
    assert node is not None, findings
    assert not findings
    return plain(node)


def test_a_case_is_written_as_people_write_it() -> None:
    """Names without quotes, a line a key."""
    assert "".join(f"{line}\n" for line in case_lines(CASE)) == TEXT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "cases:\n  - name:", id="new-file"),
        pytest.param("cases:\n", "cases:\n  - name:", id="no-cases-yet"),
        pytest.param("cases:\n- a: 1", "cases:\n- a: 1\n\n- name:", id="unindented"),
        pytest.param("# c\ncases:\n    - a: 1\n", "    - a: 1\n\n    - name:", id="deeper"),
    ],
)
def test_a_case_is_appended_as_the_others_are_indented(before: str, after: str) -> None:
    """And the file still reads."""
    text = with_case(before, CASE)
    assert after in text
    assert read(text)["cases"][-1] == CASE


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from(["no", "True", "~", "1", "1e5", "2024-01-01", "#x", "!x", "*a", "{", "a: b", " ", "\x85\u2028\x00🛒"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(VALUES)
def test_what_is_written_reads_as_it_was(value: Any) -> None:
    """Whatever a record may hold."""
    text = with_case("", {"name": "n", "message": {"value": value}, "to": []})
    assert read(text)["cases"][0]["message"]["value"] == value


def test_floats_that_json_lacks_are_written_as_yaml_has_them() -> None:
    """They come from Avro."""
    text = with_case("", {"value": [math.inf, -math.inf, math.nan]})
    assert "[.inf, -.inf, .nan]" in text
