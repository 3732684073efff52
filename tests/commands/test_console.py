"""`router console` from the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from router.commands.console import console


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param({}, "nobody could sign in", id="no token"),
        pytest.param({"ROUTER_CONSOLE_VIEWER_TOKEN": "short"}, "is no token", id="no good token"),
        pytest.param(
            {"ROUTER_CONSOLE_VIEWER_TOKEN": "0123456789abcdef", "ROUTER_CONSOLE_ADMIN_TOKEN": "0123456789abcdef"},
            "is that of another role",
            id="one token for two roles",
        ),
    ],
)
def test_it_does_not_begin_without_a_way_in(
    environ: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says what to set, without ever showing a token."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(console, ["--port", "0"])
    assert (answer.exit_code, said in answer.stderr) == (1, True)
    assert not any(value in answer.stderr for value in environ.values() if len(value) > 5)
