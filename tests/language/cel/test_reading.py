"""From a text to a tree."""

import pytest

from router.language.cel.environment import Environment
from router.language.cel.problems import InvalidWhere
from router.language.cel.reading import read_tree


def test_open_environments_take_up_names() -> None:
    """Where any name can be a field, those of the text are; what is wrong with their use still shows."""
    opened = Environment.of_schema(None)
    environment, _ = read_tree("status == 'x' && size(tags) > 1", opened)
    assert environment.field_names == ("status", "tags")
    assert opened.field_names == ()
    with pytest.raises(InvalidWhere, match="no function 'sise'"):
        read_tree("sise(tags) > 1", opened)


def test_closed_environments_do_not() -> None:
    """Where the names are known, any other is a mistake."""
    with pytest.raises(InvalidWhere, match="no field or variable 'x'"):
        read_tree("x", Environment(variables={}))
