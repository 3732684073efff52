"""From one type to another."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("decimal('1.10') + 1", "2.10"),
        ("decimal('1.10') * decimal('2')", "2.20"),
        ("decimal('0.1') == dyn(0.1)", False),
        ("decimal('2') in [1, 2]", True),
        ("double(decimal('0.5'))", 0.5),
        ("int(decimal('7.9'))", 7),
        ("string(decimal('1E1'.replace('E1', '0')))", "10"),
        ("decimal(3u) == 3", True),
        ("decimal(0.5) == 0.5", True),
        ("decimal(decimal('1')) == decimal(1)", True),
        ("int('-42')", -42),
        ("uint('42')", 42),
        ("double('1e3')", 1000.0),
        ("string(1.0e100)", "1e+100"),
        ("string(double('inf'))", "+Inf"),
        ("string(double('-inf'))", "-Inf"),
        ("string(double('nan'))", "NaN"),
        ("string(b'abc')", "abc"),
        ("base64.decode('aGk')", "aGk="),
        ("double('nan') in {1: 'a'}", False),
    ],
)
def test_conversions_gives_what_the_specification_says(text: str, expected: object) -> None:
    """A value becomes one of another type where it has the same meaning there."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("decimal(double('nan'))", "is no decimal"),
        ("decimal('x')", "'x' is no decimal"),
        ("decimal('1.' + '1'.replace('1', '11111111111111111111')) * decimal(1) + dyn('a')", "no such overload"),
        ("int(decimal('1' + '0000000000'.replace('0', '0000')))", "out of range"),
        ("int('1.5')", "is no integer"),
        ("int(1e30)", "out of range"),
        ("int(double('nan'))", "out of range"),
        ("uint('-1')", "is no unsigned integer"),
        ("double('x')", "is no double"),
        ("bool('yes')", "is no bool"),
        ("string(b'\\xff')", "not UTF-8"),
        ("base64.decode('a')", "is no base64"),
    ],
)
def test_conversions_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
