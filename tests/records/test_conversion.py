"""What stands against a conversion is said with the way out."""

from __future__ import annotations

import pytest

from router.records.conversion import NoConversion, NotConverted, ValueConversion


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        pytest.param("", "no conversion leads from v1 of 's' to v2: write schemas/s/v1_to_v2.yaml", id="nothing there"),
        pytest.param("it is wrong", "no conversion leads from v1 of 's' to v2: it is wrong", id="of no use"),
    ],
)
def test_missing_conversion_says_what_to_write(problem: str, text: str) -> None:
    """Or what is wrong with what there is."""
    assert str(NoConversion(subject="s", source=1, target=2, problem=problem)) == text


def test_record_that_is_not_converted_says_for_whom() -> None:
    """And why."""
    error = NotConverted(topic="a.s.v2", problem="field 'n' is too large")
    assert str(error) == "there is no copy for a.s.v2 in its version: field 'n' is too large"
    assert error.reason == "not-converted"


@pytest.mark.parametrize(
    ("files", "text"),
    [
        pytest.param((), "v1 to v2", id="carried over"),
        pytest.param(("a.yaml", "b.yaml"), "v1 to v2 by a.yaml, b.yaml", id="by files"),
    ],
)
def test_conversion_says_by_what(files: tuple[str, ...], text: str) -> None:
    """In a few words."""
    assert str(ValueConversion("s", 1, 2, files, "", bytes)) == text
