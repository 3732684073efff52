"""`router broker`: a Kafka in the foreground."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AdminClient

from router.commands.broker import broker

PROGRAM = [sys.executable, "-c", "from router.commands.broker import broker; broker()"]


@pytest.mark.kafka
@pytest.mark.process
def test_it_runs_until_it_is_interrupted(tmp_path: Path) -> None:
    """It says where it is and how to use it, serves, ends on Ctrl-C with exit code 0 and keeps its data."""
    command = [*PROGRAM, "--port", "0", "--data", str(tmp_path / "kafka")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            said = running.stdout.readline()
            assert said.startswith("Apache Kafka is up at 127.0.0.1:")
            bootstrap = said.split()[5]
            assert running.stdout.readline().endswith(f"export ROUTER_BROKER={bootstrap}\n")
            assert len(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).brokers) == 1
            running.send_signal(signal.SIGINT)
            _, farewell = running.communicate(timeout=90)
        finally:
            running.kill()
    assert running.returncode == 0
    assert "--fresh deletes them" in farewell
    host, port = bootstrap.split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0
    assert list((tmp_path / "kafka").rglob("meta.properties"))


def test_a_port_in_use_is_one_clear_message(tmp_path: Path) -> None:
    """No stack trace: what is the matter, what to do, and exit code 1."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        answer = CliRunner().invoke(broker, ["--port", str(port), "--data", str(tmp_path / "kafka")])
    assert answer.exit_code == 1
    assert answer.output.startswith(f"Error: port {port} of 127.0.0.1 is in use.\nStop what listens there")


def test_fresh_deletes_only_its_own_folders(tmp_path: Path) -> None:
    """A folder with other files is refused by `--fresh` and stays as it was."""
    (tmp_path / "letters").mkdir()
    answer = CliRunner().invoke(broker, ["--fresh", "--data", str(tmp_path)])
    assert answer.exit_code == 1
    assert "has files that are not Kafka's" in answer.output
    assert [one.name for one in tmp_path.iterdir()] == ["letters"]


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A place below a file is one clear message, too."""
    (tmp_path / "file").write_text("not a folder")
    answer = CliRunner().invoke(broker, ["--data", str(tmp_path / "file" / "kafka")])
    assert answer.exit_code == 1
    assert "cannot be used" in answer.output
