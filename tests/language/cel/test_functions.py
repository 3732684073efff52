"""Functions over values: what the specification's suite says of them, and their failures, in one table each."""

import re
from typing import Any

import pytest

from router.language.cel.cases import evaluate
from router.language.cel.failure import WhereFailed
from router.language.cel.functions import GENERIC, OVERLOADS
from router.language.cel.functions_known import KNOWN_FUNCTIONS
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2


def value(text: str, *, check: bool = False, **bindings: dict[str, Any]) -> Any:
    return evaluate(text, bindings=bindings, type_env={}, engine=Re2(), check=check)["v"]


def test_every_function_has_a_name_that_can_be_written() -> None:
    """The names that expressions may use are those of the functions, and of what does not evaluate all it is given."""
    lazy = {"_&&_", "_||_", "_?_:_", "or", "orValue", "matches"}
    assert {*OVERLOADS, *GENERIC} - {"@fail"} == KNOWN_FUNCTIONS - lazy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 / -2", -3),
        ("-7 % 2", -1),
        ("1.0 / 0.0", "Infinity"),
        ("0.0 / 0.0", "NaN"),
        ("-1.0 / 0.0", "-Infinity"),
        ("decimal('1.10') + 1", "2.10"),
        ("decimal('1.10') * decimal('2')", "2.20"),
        ("-decimal('1.10')", "-1.10"),
        ("1 - decimal('0.5')", "0.5"),
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
        ("string(duration('-1.5s'))", "-1.5s"),
        ("string(timestamp('2024-05-31T12:00:00.25+01:30'))", "2024-05-31T10:30:00.25Z"),
        ("timestamp(0)", {"s": 0, "ns": 0}),
        ("duration(5)", {"s": 5, "ns": 0}),
        ("duration('1h30m1.5s10ms20us30ns')", {"s": 5401, "ns": 510020030}),
        ("duration('+.5s')", {"s": 0, "ns": 500000000}),
        ("duration('0')", {"s": 0, "ns": 0}),
        ("duration('-1500ms').getMilliseconds()", -500),
        ("duration('-90s').getMinutes()", -1),
        ("timestamp('2024-05-31T12:00:00Z').getHours('-03:30')", 8),
        ("timestamp('2024-12-31T23:00:00Z').getFullYear('Europe/Moscow')", 2025),
        ("timestamp('2024-12-31T23:00:00Z').getDayOfYear()", 365),
        ("timestamp('2024-12-31T23:00:00.123456789Z').getMilliseconds('UTC')", 123),
        ("'abc'.charAt(3)", ""),
        ("'héllo'.indexOf('l', 3)", 3),
        ("'hello'.lastIndexOf('l', 2)", 2),
        ("'a,b,c'.split(',', 2)[1]", "b,c"),
        ("'abc'.split('', 2)[1]", "bc"),
        ("'abc'.split('').size()", 3),
        ("'abc'.split(',', 0).size()", 0),
        ("'\u00a0 a\u200a'.trim()", "a"),
        ("strings.quote('a\\n\"')", '"a\\n\\""'),
        ("'%s %s %s'.format([null, b'x', {true: 1.5}])", "null x {true: 1.5}"),
        ("'%s'.format([decimal('1.50')])", "1.50"),
        (
            "'%.2f %e %x %X %o %b %d%%'.format([decimal('1.005'), 1.5, 255, 'z', 8, true, 3u])",
            "1.00 1.500000e+00 ff 7A 10 1 3%",
        ),
        ("math.round(-0.5)", -1.0),
        ("math.sign(-3)", -1),
        ("math.bitShiftLeft(-1, 70)", 0),
        ("math.greatest([1, 2.5, 2u])", 2.5),
        ("base64.decode('aGk')", "aGk="),
        ("optional.ofNonZeroValue('').hasValue()", False),
        ("[1, 2][?5].orValue(7)", 7),
        ("optional.of([1])[?0].value()", 1),
        ("optional.none().or(optional.of(3)).value()", 3),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
        ("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8"),
        ("ip('255.255.255.255').isGlobalUnicast()", False),
        ("type(1u) == uint && type(type(1)) == type", True),
        ("[1, 2].exists_one(x, x > 1)", True),
        ("{1: 'a', true: 'b'}[1]", "a"),
        ("{1: 'a', true: 'b'}[true]", "b"),
        ("1.0 in {1: 'a'}", True),
        ("double('nan') in {1: 'a'}", False),
        ("[1.0, 2u] == [1, 2]", True),
        ("true == 1", False),
        ("{'a': 1} == {'a': 1.0}", True),
        ("optional.of(1) == optional.of(1.0) && optional.none() != optional.of(1)", True),
    ],
)
def test_functions_have_their_value(text: str, expected: object) -> None:
    """Functions give what the specification and its extensions say; decimals reckon exactly."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9223372036854775807 + 1", "more than 64 bits"),
        ("0u - 1u", "unsigned integer overflow"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("decimal(double('nan'))", "is no decimal"),
        ("decimal('x')", "'x' is no decimal"),
        ("decimal('1.' + '1'.replace('1', '11111111111111111111')) * decimal(1) + dyn('a')", "no such overload"),
        ("int(decimal('1' + '0000000000'.replace('0', '0000')))", "out of range"),
        (
            "[1].map(x, decimal('0.' + '1'.replace('1', '1111111111').replace('1', '1111111111').replace('1', '111'))).map(d, d * d * d * d)",
            "1,000 digits",
        ),
        ("int('1.5')", "is no integer"),
        ("int(1e30)", "out of range"),
        ("int(double('nan'))", "out of range"),
        ("uint('-1')", "is no unsigned integer"),
        ("double('x')", "is no double"),
        ("bool('yes')", "is no bool"),
        ("string(b'\\xff')", "not UTF-8"),
        ("base64.decode('a')", "is no base64"),
        ("timestamp('2024-13-01T00:00:00Z')", "is no timestamp"),
        ("timestamp('2024-01-01T00:00:00+24:00')", "is no offset"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('2s')", "outside the years"),
        ("timestamp('9999-12-31T23:59:59Z').getFullYear('+05:00')", "outside the years"),
        ("timestamp(0).getHours('Nowhere/Town')", "is no time zone"),
        ("timestamp(0).getHours('../etc/passwd')", "is no time zone"),
        ("duration('5')", "is no duration"),
        ("duration('9999999h')", "more than 292 years"),
        ("'abc'.charAt(4)", "outside a text"),
        ("'abc'.indexOf('a', -1)", "outside a text"),
        ("'abc'.lastIndexOf('a', 4)", "outside a text"),
        ("'abc'.substring(2, 1)", "no part from 2 to 1"),
        ("[1].join()", "no such overload"),
        ("'%d'.format([])", "more clauses"),
        ("'%q'.format([1])", "no clause"),
        ("'%d'.format(['a'])", "no such overload"),
        ("'%f'.format(['a'])", "no such overload"),
        ("'%o'.format(['a'])", "no such overload"),
        ("'%b'.format(['a'])", "no such overload"),
        ("'%x'.format([1.5])", "no such overload"),
        ("'%s'.format([optional.none()])", "no such overload"),
        ("'a'.matches('(')", "no regular expression"),
        ("math.bitShiftLeft(1, -1)", "negative"),
        ("math.greatest('a', dyn('b'))", "greatest"),
        ("math.greatest(dyn(['a']))", "no such overload"),
        ("math.greatest(dyn([]))", "no such overload"),
        ("optional.none().value()", "an optional that has none"),
        ("1[?0]", "no such overload"),
        ("1.or(2)", "no such overload"),
        ("ip('1.2.3')", "is no IP address"),
        ("ip('fe80::1%eth0')", "a zone"),
        ("cidr('10.0.0.0/33')", "is no CIDR"),
        ("{1.5: 2}", "unsupported key type"),
        ("{1: 2, 1u: 3}", "the same key twice"),
        ("[?1]", "no such overload"),
        ("{?'a': 1}", "no such overload"),
        ("1.all(x, true)", "no such overload"),
        ("[1].all(x, x)", "no such overload"),
        ("1 ? 2 : 3", "no such overload"),
        ("1 || false", "no such overload"),
        ("{'a': 1}.b", "no such key"),
        ("1.a", "no such overload"),
        ("[1][1.5]", "invalid index"),
        ("[1][-1]", "outside a list"),
        ("{}[null]", "no such key"),
        ("1[0]", "no such overload"),
        ("null in {}", "no such overload"),
        ("1 in 1", "no such overload"),
        ("'a' < 1", "no such overload"),
        ("nothing", "no field or variable"),
        ("nothing()", "no function"),
        ("nothing.at.all()", "no function"),
    ],
)
def test_functions_fail_in_words(text: str, problem: str) -> None:
    """What has no value fails, and says what was wrong."""
    with pytest.raises((WhereFailed, InvalidWhere), match=re.escape(problem)):
        value(text)
