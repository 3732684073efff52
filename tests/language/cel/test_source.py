"""Compiled code against the walk over the tree, and both against Google's engine, over random expressions and records."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.language.cel.environment import Environment
from router.language.cel.evaluate import Evaluator
from router.language.cel.failure import WhereFailed
from router.language.cel.functions import Functions
from router.language.cel.plain import to_cel
from router.language.cel.problems import InvalidWhere
from router.language.cel.reading import read_tree
from router.language.cel.regex import Re2
from router.language.cel.types import CelType, Tag, list_of, map_of
from router.language.cel.where import compile_where

INT, STRING = CelType(Tag.INT), CelType(Tag.STRING)
VARIABLES = {
    "i": INT,
    "j": INT,
    "ni": INT.or_null(),
    "d": CelType(Tag.DOUBLE),
    "s": STRING,
    "ns": STRING.or_null(),
    "b": CelType(Tag.BOOL),
    "nb": CelType(Tag.BOOL).or_null(),
    "at": CelType(Tag.TIMESTAMP),
    "l": list_of(INT),
    "m": map_of(STRING, INT),
    "any": CelType(Tag.DYN, name="scalar"),
}
ENVIRONMENT = Environment(variables=VARIABLES)

small = st.integers(-3, 3)
large = st.sampled_from([2**63 - 1, -(2**63), 2**62, 2**53 + 1])
texts = st.text("abé😀", max_size=3)
records = st.fixed_dictionaries(
    {
        "i": small | large,
        "j": small,
        "ni": st.none() | small,
        "d": st.floats() | st.sampled_from([0.0, 1.5, 2.0]),
        "s": texts,
        "ns": st.none() | texts,
        "b": st.booleans(),
        "nb": st.none() | st.booleans(),
        "at": st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # bounds are given without the zone
        "l": st.lists(small, max_size=4),
        "m": st.dictionaries(texts, small, max_size=3),
        "any": st.none() | small | texts | st.booleans() | st.sampled_from([1.0, 0.5]),
    }
)


def grown(ints: Any, doubles: Any, strings: Any, bools: Any) -> tuple[Any, Any, Any, Any]:
    """One level more of expressions of each type, made of those given."""

    def forms(*templates: str) -> Any:
        made = []
        for template in templates:
            parts = {"I": ints, "D": doubles, "S": strings, "B": bools}
            holes = [letter for letter in template if letter in parts]
            made.append(st.tuples(*(parts[hole] for hole in holes)).map(lambda given, t=template: filled(t, given)))
        return st.one_of(made)

    return (
        forms(
            "(I + I)",
            "(I - I)",
            "(I * I)",
            "(I / I)",
            "(I % I)",
            "(-I)",
            "(B ? I : I)",
            "size(S)",
            "l[I]",
            "m[S]",
            "l.map(x, x + I).size()",
        ),
        forms("(D + D)", "(D - D)", "(D * D)", "(D / D)", "double(I)", "(B ? D : D)"),
        forms("(S + S)", "string(I)", "(B ? S : S)"),
        forms(
            *(
                "(B && B)",
                "(B || B)",
                "(!B)",
                "(B ? B : B)",
                "(I == I)",
                "(I != I)",
                "(I < I)",
                "(I >= I)",
                "(D < D)",
                "(D == D)",
            ),
            *(
                "(S == S)",
                "(S <= S)",
                "S.startsWith(S)",
                "S.contains(S)",
                "(S in m)",
                "(I in l)",
                "(I in [I, I])",
                "(S in ['a', 'b'])",
            ),
            *(
                "l.all(x, (x > I) || B)",
                "l.exists(x, x / I == I)",
                "l.exists_one(x, x == I)",
                "m.all(k, k < S)",
                "has(m.a)",
            ),
            *(
                "(m.filter(k, B).size() == I)",
                "cel.bind(y, I, (y > I) && B)",
                "(dyn(I) == dyn(S))",
                "(dyn(I) < dyn(D))",
            ),
            *(
                "(ni == null || B)",
                "(ns != null && B)",
                "(any == I)",
                "(any == S)",
                "(any in ['a', 'b'])",
                "(dyn(any) > dyn(I))",
            ),
        ),
    )


def filled(template: str, given: tuple[str, ...]) -> str:
    parts = iter(given)
    return "".join(next(parts) if letter in "IDSB" else letter for letter in template)


def expressions(depth: int) -> Any:
    kinds = (
        st.sampled_from(["i", "j", "ni", "0", "1", "-1", "2", "9223372036854775807"]),
        st.sampled_from(["d", "0.0", "1.5", "2.0"]),
        st.sampled_from(["s", "ns", "'a'", "''", "'é'"]),
        st.sampled_from(["b", "nb", "true", "false", "at > timestamp('2000-01-01T00:00:00Z')"]),
    )
    for _ in range(depth):
        kinds = tuple(old | new for old, new in zip(kinds, grown(*kinds), strict=True))
    return kinds[3]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=expressions(3), record=records)
def test_compiled_code_agrees_with_the_walk(text: str, record: dict[str, Any]) -> None:
    """Over any record, compiled code is true, false, or fails just where the walk over the tree does."""
    try:
        found = compile_where(text, ENVIRONMENT, engine=Re2())
    except InvalidWhere:  # a part of constants that can only fail
        return
    whole = {name: record[name] for name in found.whole}
    fast = found.compile(found.paths)(tuple(record[path] for path in found.paths), {}, "", whole)
    assert fast is walked(found, record), found.text


def walked(found: Any, record: dict[str, Any]) -> bool | None:
    names = {name: to_cel(record[name], of, {}) for name, of in VARIABLES.items()}
    try:
        value = Evaluator(Functions(Re2())).evaluate(read_tree(found.text, ENVIRONMENT)[1], names)
    except WhereFailed:
        return None
    return value if isinstance(value, bool) else None


TYPES = {
    Tag.INT: cel.Type.INT,
    Tag.DOUBLE: cel.Type.DOUBLE,
    Tag.STRING: cel.Type.STRING,
    Tag.BOOL: cel.Type.BOOL,
    Tag.TIMESTAMP: cel.Type.TIMESTAMP,
    Tag.LIST: cel.Type.List(cel.Type.INT),
    Tag.MAP: cel.Type.Map(cel.Type.STRING, cel.Type.INT),
    Tag.DYN: cel.Type.DYN,
}


def independent() -> Any:
    variables = {name: cel.Type.DYN if of.nullable else TYPES[of.tag] for name, of in VARIABLES.items()}
    return cel.NewEnv(variables=variables, extensions=[ext_bindings.ExtBindings()])


ENGINE = independent()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=expressions(2), record=records)
def test_meaning_agrees_with_an_independent_engine(text: str, record: dict[str, Any]) -> None:
    """Google's engine finds the same truth, and fails where we do."""
    try:
        found = compile_where(text, ENVIRONMENT, engine=Re2())
    except InvalidWhere:
        return
    whole = {name: record[name] for name in found.whole}
    ours = found.compile(found.paths)(tuple(record[path] for path in found.paths), {}, "", whole)
    try:
        value = ENGINE.compile(text).eval(data=record)
        theirs = value.value() if value.type() == cel.Type.BOOL else None
    except RuntimeError:
        theirs = None
    assert ours is theirs, text


def quickly(text: str, environment: Environment = ENVIRONMENT, **whole: Any) -> bool | None:
    """The truth, or None where the text is refused or fails; all of it in little time."""
    start = time.process_time()
    try:
        found = compile_where(text, environment, engine=Re2())
        values = tuple({"s": "a" * 50_000, "i": 1, "b": True}.get(path) for path in found.paths)
        truth = found.compile(found.paths)(values, {}, "", whole)
    except InvalidWhere:
        truth = None
    assert time.process_time() - start < 3
    return truth


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("(" * 20_000 + "b" + ")" * 20_000, None, id="parentheses"),
        pytest.param("!" * 20_001 + "b", False, id="nots"),
        pytest.param("[" * 500 + "]" * 500 + " == []", None, id="lists"),
        pytest.param(" || ".join(["b"] * 3_000), True, id="wide"),
        pytest.param(" || ".join(["i / i > 1"] * 1_000), False, id="wide-failing"),
        pytest.param("+".join(["i"] * 3_000) + " > 1", None, id="sums"),
        pytest.param("&& (b || ".join(["b"] * 14) + ")" * 13, True, id="nested-logic"),
        pytest.param("&& (i / i > 0 || ".join(["i / i > 0"] * 14) + ")" * 13, True, id="nested-failing-logic"),
        pytest.param("size(string(" * 13 + "i" + "))" * 13 + " > 0", True, id="nested-calls"),
        pytest.param(f"i == {'9' * 90_000}", None, id="digits"),
        pytest.param(f"s == '{'x' * 99_000}'", False, id="text"),
        pytest.param(f"i in [{','.join(['1'] * 20_000)}]", True, id="list"),
        pytest.param("s.matches('(a*)*b')", False, id="stars"),
        pytest.param("s.matches('(a|aa)+$')", True, id="alternatives"),
        pytest.param("s.matches('(' + s + ')?{1000}{1000}')", None, id="pattern-of-the-record"),
        pytest.param("s.matches('((a{1,100}){1,100}){1,100}b')", None, id="repetitions"),
        pytest.param("s.replace('', s).size() > 1", None, id="replace"),
        pytest.param("'%.999999999f'.format([1.5]) == s", None, id="decimals"),
        pytest.param("l.all(x, x < 10000)", True, id="long-list"),
        pytest.param("l.all(x, x / 0 > 0)", None, id="long-list-failing"),
        pytest.param("l.map(x, x + 1).filter(x, x > 5).size() == 9995", True, id="long-list-collected"),
    ],
)
def test_hostile_expressions_cost_little(text: str, expected: bool | None) -> None:
    """Deep nesting, huge literals, hostile patterns and long lists are refused or answered in little time."""
    assert quickly(text, l=list(range(10_000))) is expected


def test_timestamps_keep_their_order() -> None:
    """A plain datetime compares as the timestamp that it is."""
    found = compile_where("at + duration('1s') > timestamp('2024-01-01T00:00:00Z')", ENVIRONMENT, engine=Re2())
    truth = found.compile(found.paths)
    start = datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert [truth((start,)), truth((start + timedelta(microseconds=1),))] == [False, True]
