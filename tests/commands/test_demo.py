"""`router demo` before anything is started: what is wrong is told with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from router.commands.demo import demo

ROOT = Path(__file__).parents[2]


def run(*arguments: str, environ: dict[str, str | None]) -> tuple[int, str]:
    """Run the command in this process; return its exit code and what it printed."""
    result = CliRunner().invoke(demo, list(arguments), env={"ROUTER_BROKER": None} | environ)
    return result.exit_code, result.output


def test_routes_with_errors_start_nothing(tmp_path: Path) -> None:
    """The findings are shown, each with its place, before a Kafka is started."""
    (tmp_path / "team.yaml").write_text("version: 1\nteam: t\nexchanges: {x: {type: sieve}}\n", encoding="utf-8")
    code, output = run("--state", str(tmp_path / "var"), environ={"ROUTER_ROUTES": str(tmp_path)})
    assert code == 1
    assert f"{tmp_path}/team.yaml:3:" in output
    assert not (tmp_path / "var").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """Whoever runs it elsewhere learns what was looked for."""
    code, output = run("--state", str(tmp_path), environ={"ROUTER_ROUTES": str(tmp_path / "nowhere")})
    assert code == 1
    assert f"{tmp_path}/nowhere" in output


@pytest.mark.parametrize("option", ["--rate=-1", "--partitions=0", "--workers=0", "--orders=-1"])
def test_impossible_numbers_are_refused(option: str) -> None:
    """A number out of range is the caller's mistake: click's own code for it is 2."""
    code, output = run(option, environ={})
    assert code == 2
    assert option.split("=", maxsplit=1)[0] in output
