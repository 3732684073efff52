"""The options that say which dead letters are meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from router.commands.dead_letters_options import catalogue_of, chosen_of, selecting, selection_of
from router.records.record import PlainRecord
from router.redrive.selection import read_letter


def test_what_is_chosen_is_what_was_said() -> None:
    """Times become milliseconds; what was not said is left out."""
    chosen = chosen_of({"key": "k", "cause": None, "until": "2026-03-01T12:00"})
    assert chosen == {"key": "k", "until": 1_772_366_400_000}


@pytest.mark.parametrize("options", [{"since": "soon"}, {"cause": "failed"}])
def test_what_makes_no_sense_is_a_usage_error(options: dict[str, str | None], tmp_path: Path) -> None:
    """With what would."""
    with pytest.raises(click.BadParameter):
        selection_of(tmp_path, options)


def test_selection_is_by_the_catalogue_of_a_folder(tmp_path: Path) -> None:
    """None is an empty one; one that is at fault is told."""
    letter = read_letter(PlainRecord(topic="t", key=b"k", value=b'{"n": 5}'))
    assert selection_of(tmp_path / "nowhere", {"where": "n > 4.0"}).takes(letter)
    assert catalogue_of(tmp_path / "nowhere").subjects == ()
    file = tmp_path / "a" / "versions.yaml"
    file.parent.mkdir()
    file.write_bytes(b"\xff")
    with pytest.raises(click.ClickException, match="versions"):
        catalogue_of(tmp_path)


def test_options_go_to_the_command() -> None:
    """With the topics, and the folder of schemas."""
    got: dict[str, Any] = {}

    @click.command()
    @selecting
    def command(**options: Any) -> None:
        got.update(options)

    assert CliRunner().invoke(command, ["a.v1", "--key", "k"]).exit_code == 0
    assert (got["topics"], got["key"], got["schemas"], got["where"]) == (("a.v1",), "k", Path("schemas"), None)
