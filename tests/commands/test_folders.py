"""Where commands find routes and schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from router.commands import main
from router.commands.folders import routes_argument, routes_option, schemas_argument, schemas_option

_VARIABLES = {"routes": "ROUTER_ROUTES", "schemas": "ROUTER_SCHEMAS"}


@click.command()
@routes_argument
@schemas_option("For the test.")
def _told(*, directory: Path, schemas: Path) -> None:
    click.echo(f"{directory} {schemas}")


@click.command()
@schemas_argument
@routes_option()
def _told_of_schemas(*, directory: Path, routes: Path) -> None:
    click.echo(f"{routes} {directory}")


@click.command()
@routes_option(must_exist=True)
def _told_of_what_exists(*, routes: Path) -> None:
    click.echo(routes)


@pytest.mark.parametrize("command", [_told, _told_of_schemas])
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, "routes schemas", id="a-project's"),
        pytest.param({"ROUTER_ROUTES": "r", "ROUTER_SCHEMAS": "s"}, "r s", id="the-worker's"),
        pytest.param({"ROUTER_ROUTES": "", "ROUTER_SCHEMAS": ""}, "routes schemas", id="empty-is-none"),
    ],
)
def test_a_command_looks_where_a_worker_would(command: click.Command, environ: dict[str, str], expected: str) -> None:
    """As a worker's settings say, and where they say nothing, where a project has its folders."""
    none = dict.fromkeys(_VARIABLES.values())
    assert CliRunner().invoke(command, env=none | environ).output == f"{expected}\n"


def test_the_call_goes_before_the_settings() -> None:
    """Whoever names a folder means it."""
    environ = {"ROUTER_ROUTES": "r", "ROUTER_SCHEMAS": "s"}
    assert CliRunner().invoke(_told, ["mine", "--schemas", "my-schemas"], env=environ).output == "mine my-schemas\n"
    assert CliRunner().invoke(_told_of_schemas, ["mine", "--routes", "ours"], env=environ).output == "ours mine\n"


def test_a_folder_that_must_exist_is_asked_for_by_its_setting() -> None:
    """The message says which setting named it."""
    result = CliRunner().invoke(_told_of_what_exists, env={"ROUTER_ROUTES": "nowhere"})
    assert result.exit_code == 2
    assert "ROUTER_ROUTES" in result.output


def _all_commands(group: click.Group, path: str = "router") -> Iterator[tuple[str, click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _all_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_no_command_overlooks_the_settings() -> None:
    """Every folder of routes or schemas that has a default has it from the worker's settings."""
    looked = 0
    for path, command in _all_commands(main):
        for each in command.params:
            what = str(each.get_default(click.Context(command), call=False))
            if what in _VARIABLES:
                assert each.envvar == _VARIABLES[what], f"{path}: {each.name}"
                looked += 1
    assert looked > 10
