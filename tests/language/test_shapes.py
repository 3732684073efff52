"""The shapes of a route file."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from router.language.shapes import (
    BindingShape,
    ExchangeShape,
    OrderShape,
    RouteFile,
    Shape,
    annotation_below,
    shape_below,
)


def test_keys_have_dashes_and_no_trailing_underscores() -> None:
    """As people write them in YAML."""
    keys = {field.alias for field in ExchangeShape.model_fields.values()}
    assert {"routing-key", "validate", "type"} <= keys


def test_one_binding_key_is_a_list_of_one() -> None:
    """So that everything behind the shapes sees lists only."""
    one = BindingShape.model_validate({"exchange": "x", "binding-key": "a"})
    many = BindingShape.model_validate({"exchange": "x", "binding-key": ["a", ""]})
    assert (one.binding_key, many.binding_key) == (["a"], ["a", ""])


@pytest.mark.parametrize(("said", "start"), [(0, 0), ("paid", ["paid"]), (["a", "b"], ["a", "b"])])
def test_a_start_is_a_number_or_states(said: object, start: object) -> None:
    """One state is a list of one; `first-seen` is told apart later."""
    assert OrderShape.model_validate({"by": "id", "sequence": "n", "start": said}).start == start


@pytest.mark.parametrize("said", [-1, 1.0, True, [], [1], {}])
def test_any_other_start_is_refused(said: object) -> None:
    """A boolean is no number, and an empty list no start."""
    with pytest.raises(ValidationError, match="a whole number from 0 on"):
        OrderShape.model_validate({"by": "id", "sequence": "n", "start": said})


@pytest.mark.parametrize("said", ["forever", "0s", 5, ["5m"], True])
def test_a_wait_is_a_duration_with_an_end(said: object) -> None:
    """While what is forgotten after it can be kept for ever."""
    with pytest.raises(ValidationError):
        OrderShape.model_validate({"by": "id", "sequence": "n", "wait": said})
    assert OrderShape.model_validate({"by": "id", "sequence": "n", "forget-after": "forever"}).wait == "5m"


def test_nothing_is_converted() -> None:
    """A number is no text, a text no number, a boolean neither."""
    for version in ("1", 1.0, True):
        with pytest.raises(ValidationError):
            RouteFile.model_validate({"version": version, "team": "t"})
    with pytest.raises(ValidationError):
        RouteFile.model_validate({"version": 1, "team": 5})


def test_an_input_is_never_shown_by_an_error() -> None:
    """Findings choose their own words; a value may be a megabyte."""
    with pytest.raises(ValidationError) as raised:
        RouteFile.model_validate({"version": 1, "team": ["secret"]})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), "RouteFile"),
        (("exchanges", "x"), "ExchangeShape"),
        (("exchanges", "x", "alternate"), "AlternateShape"),
        (("topics", "t"), "TopicShape"),
        (("topics", "t", "from", 0), "BindingShape"),
        (("topics",), None),
        (("topics", "t", "from"), None),
        (("team",), None),
        (("team", "deeper"), None),
        (("nonsense", "x"), None),
    ],
)
def test_a_path_leads_to_a_shape_or_to_none(path: tuple[str | int, ...], name: str | None) -> None:
    """Where a mapping has known keys, the shape says which."""
    shape = shape_below(RouteFile, path)
    assert (shape and shape.__name__) == name


def test_a_known_path_has_a_type() -> None:
    """And an unknown one has none."""
    assert annotation_below(RouteFile, ("team",)) is str
    assert annotation_below(RouteFile, ("exchanges", "x", "routing-key")) is str
    assert annotation_below(RouteFile, ("exchanges", "x", "routing-key", "country")) is None
    assert annotation_below(RouteFile, ("teem",)) is None


def test_every_key_is_described() -> None:
    """Editors and the reference show it."""

    def below(shape: type[Shape]) -> set[type[Shape]]:
        return {shape}.union(*(below(each) for each in shape.__subclasses__()))

    shapes = {shape for shape in below(Shape) if shape is not Shape}
    assert [(s.__name__, n) for s in shapes for n, f in s.model_fields.items() if not f.description] == []
    assert [shape.__name__ for shape in shapes if not (shape.__doc__ or "").endswith(".")] == []
