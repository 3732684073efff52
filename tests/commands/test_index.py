"""`router index` from the command line."""

from __future__ import annotations

from click.testing import CliRunner

from router.commands.index import index


def test_it_does_not_begin_without_a_token() -> None:
    """And says what to set."""
    answer = CliRunner().invoke(index, ["--port", "0"], env={"ROUTER_API_TOKEN": ""})
    assert (answer.exit_code, "set ROUTER_API_TOKEN" in answer.stderr) == (1, True)
