"""`router schema` as it is typed."""

from __future__ import annotations

import json

from click.testing import CliRunner

from router.commands import main
from router.language.editor_schema import cases_schema, routes_schema


def test_the_schema_of_route_files_is_printed() -> None:
    """As JSON, to be kept in a file."""
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.output) == routes_schema()


def test_the_schema_of_cases_is_printed_on_demand() -> None:
    """It is a file of another shape."""
    result = CliRunner().invoke(main, ["schema", "--cases"])
    assert json.loads(result.output) == cases_schema()


def test_its_help_shows_how_an_editor_finds_it() -> None:
    """By the first line of a route file."""
    assert "yaml-language-server: $schema=" in CliRunner().invoke(main, ["schema", "--help"]).output
