"""`router schemas`, the group."""

from click.testing import CliRunner

from router.commands import main


def test_the_group_has_its_commands() -> None:
    """`check`, `compatible` and `convert`, each with its line."""
    said = CliRunner().invoke(main, ["schemas", "--help"]).output
    assert [line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line.startswith("  ")] == [
        "check",
        "compatible",
        "convert",
    ]
