"""`router check` as it is typed: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.language import TEXTS
from syrupy.assertion import SnapshotAssertion

from router.commands import main
from router.develop.topics import TopicSpec, ensure_topics
from router.language.case_values import encode_value
from router.records.schema import parse_avro

GOOD = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}
topics:
  a.order.status.v1: {from: [{exchange: orders, binding-key: "*.paid"}]}
"""
DOUBTFUL = GOOD.replace("exchanges:", "exchanges:\n  idle: {type: fanout, sources: [order.status.v1]}")
BAD = """\
version: 1
team: u
exchanges:
  orders:
    type: sieve
  bob: {type: topic, sources: [order.status.v1], routing-key: "{contry}.{status", alternate: {exchange: orders}}
  pay: {type: topic, sources: [payments.v1], routing-key: "{state}"}
topics:
  notifications.order.status.v1:
    retention: 7
    from:
      - {exchange: order, binding-key: [*.paid, 5]}
      - exchange: bob
        binding-key: #.delivered
  cycle.order.status.v1: {from: [{exchange: bob, binding-kee: x}]}
  order.status.v1: {from: [{exchange: bob}]}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with good routes and schemas, and stand in it."""
    for name, text in TEXTS.items():
        path = tmp_path / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "t.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["check", *arguments])


def test_good_routes_are_counted(shop: Path) -> None:
    """And nothing else is said."""
    result = run()
    assert (result.exit_code, result.output) == (0, "1 file, 1 exchange, 1 topic: no findings\n")


def test_warnings_do_not_fail(shop: Path) -> None:
    """They are told, and a set comes of it all the same."""
    (shop / "routes" / "t.yaml").write_text(DOUBTFUL, encoding="utf-8")
    result = run()
    assert result.exit_code == 0
    assert result.output.endswith("1 warning in 1 file\n")


RING = """\
version: 1
team: t
exchanges:
  ring: {type: consistent-hash, sources: [order.status.v1]}
topics:
  a.order.status.v1: {from: [{exchange: ring}]}
  b.order.status.v1: {from: [{exchange: ring, weight: 1}]}
"""


def test_a_change_of_weights_says_how_many_keys_it_moves(shop: Path) -> None:
    """For each exchange and destination, for people and for programs; nothing where nothing changed."""
    (shop / "before").mkdir()
    (shop / "before" / "t.yaml").write_text(RING, encoding="utf-8")
    (shop / "routes" / "t.yaml").write_text(RING.replace("weight: 1", "weight: 3"), encoding="utf-8")
    result = run("--against", "before")
    assert result.exit_code == 0
    assert re.search(
        r"routes/t.yaml:4:3 exchange 'ring': 2,\d+ of 10,000 sample keys move \(2\d\.\d %\)", result.output
    )
    assert re.search(
        r"  topic 'b\.order\.status\.v1': \d\d\.\d % before, 7\d\.\d % now; gets 2,\d+, loses 0", result.output
    )
    (moved,) = json.loads(run("--against", "before", "--json").output)["moved_keys"]
    assert (moved["exchange"], moved["sample"], len(moved["shares"])) == ("ring", 10_000, 2)
    assert json.loads(run("--against", "routes", "--json").output)["moved_keys"] == []
    assert "moved_keys" not in json.loads(run("--json").output)


def test_faulty_routes_cannot_be_compared_with(shop: Path) -> None:
    """Their findings are shown."""
    (shop / "before").mkdir()
    (shop / "before" / "t.yaml").write_text(BAD, encoding="utf-8")
    result = run("--against", "before")
    assert result.exit_code == 1
    assert "the routes in 'before' have errors" in result.output


def test_everything_that_is_wrong_is_said_at_once(shop: Path, snapshot: SnapshotAssertion) -> None:
    """A line a finding, in order of place, and a closing line; the exit status is 1."""
    (shop / "routes" / "u.yaml").write_text(BAD, encoding="utf-8")
    result = run("routes")
    assert result.exit_code == 1
    assert result.output == snapshot
    lines = result.output.splitlines()
    assert all(re.match(r"routes/[tu]\.yaml:\d+:\d+ [a-z0-9-]+ \S", line) for line in lines[:-1])
    assert re.fullmatch(r"\d+ errors?(, \d+ warnings?)? in 2 files", lines[-1])


def test_programs_get_json(shop: Path, snapshot: SnapshotAssertion) -> None:
    """The same findings, apart."""
    (shop / "routes" / "u.yaml").write_text(BAD, encoding="utf-8")
    result = run("--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["ok"] is False
    assert report["findings"] == snapshot
    (shop / "routes" / "u.yaml").unlink()
    report = json.loads(run("--json").output)
    assert (report["ok"], report["files"], report["findings"]) == (True, 1, [])
    assert re.fullmatch("[0-9a-f]{8}", report["fingerprint"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "the folder of routes, 'nowhere', does not exist: name yours with DIR"),
        (["routes/t.yaml"], "is not a folder"),
        (["--schemas", "nowhere"], "the folder of schemas, 'nowhere', does not exist: name yours with --schemas"),
        (["schemas"], "there is no route file (.yaml) in 'schemas'"),
        (["--jsn"], "No such option"),
    ],
)
def test_a_wrong_call_says_what_to_do(shop: Path, arguments: list[str], words: str) -> None:
    """The exit status is 2: nothing was checked."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_file_that_cannot_be_read_is_named(shop: Path) -> None:
    """A link that leads nowhere, for one."""
    (shop / "routes" / "gone.yaml").symlink_to(shop / "nothing.yaml")
    result = run()
    assert result.exit_code == 2
    assert "gone.yaml: cannot be read" in result.output


def test_a_schema_that_cannot_be_used_is_a_finding(shop: Path) -> None:
    """At the schema's file."""
    (shop / "schemas" / "order.status" / "v1.avsc").write_text("{", encoding="utf-8")
    result = run()
    assert result.exit_code == 1
    assert result.output.startswith("schemas/order.status/v1.avsc:1:1 invalid-schema ")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.binary(max_size=30).map(lambda junk: GOOD.encode()[:150] + junk + GOOD.encode()[150:])
)
def test_no_bytes_bring_it_down(shop: Path, content: bytes) -> None:
    """Never a traceback, whatever stands in a file."""
    (shop / "routes" / "junk.yaml").write_bytes(content)
    result = run()
    assert result.exit_code in {0, 1}, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.output.splitlines()[-1][0].isdigit()


def test_help_teaches_with_an_example() -> None:
    """And says what the exit status means."""
    result = run("--help")
    assert result.exit_code == 0
    assert "$ router check" in result.output
    assert "Exit status" in result.output


def test_a_terminal_of_few_characters_gets_them_escaped(shop: Path) -> None:
    """Colours and characters are for terminals that have them."""
    (shop / "routes" / "t.yaml").write_text(GOOD.replace("team: t", "team: t\nключ: 1"), encoding="utf-8")
    command = [sys.executable, "-c", "from router.commands import main; main()", "check"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 1, result.stderr
    assert "unknown key '\\u043a" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr == ""


class TestSample:
    """Conditions against the records of a real Kafka."""

    @pytest.fixture
    def fed(self, kafka: str, unique: str, shop: Path) -> tuple[str, str]:
        """Return the broker, and a broad topic with an order without an address, a tombstone and rubbish."""
        topic = f"{unique}.order.status.v1"
        routes = GOOD.replace("order.status.v1]", f"{topic}]").replace(
            '"*.paid"', '"*.paid", where: customer.email != null'
        )
        (shop / "routes" / "t.yaml").write_text(routes, encoding="utf-8")
        ensure_topics(kafka, [TopicSpec(topic)])
        producer = Producer({"bootstrap.servers": kafka})
        schema = parse_avro(TEXTS["order.status/v1.avsc"], file="v1.avsc")
        for value in (encode_value(schema, {"customer": {"email": None}}), None, b"\x05"):
            producer.produce(topic, value, key=b"o-1", partition=0)
        producer.flush()
        return kafka, topic

    def test_field_that_is_always_null_is_a_warning(self, fed: tuple[str, str]) -> None:
        """With what was sampled; and as JSON."""
        broker, topic = fed
        environment = {"ROUTER_BROKER": broker}
        told = CliRunner().invoke(main, ["check", "--sample", topic], env=environment)
        finding, count, sampled = told.output.splitlines()
        assert finding.startswith("routes/t.yaml:6:")
        assert f"null-in-sample 'customer.email' is null in the one sampled record of '{topic}'" in finding
        assert count == "1 warning in 1 file"
        assert sampled == f"sampled 1 record of '{topic}' (besides, 1 without a value, 1 unreadable)"
        assert told.exit_code == 0
        report = json.loads(CliRunner().invoke(main, ["check", "--sample", topic, "--json"], env=environment).output)
        assert report["sampled"] == [{"topic": topic, "records": 1, "tombstones": 1, "unreadable": 1}]
        assert [each["kind"] for each in report["findings"]] == ["null-in-sample"]

    def test_newer_records_may_all_be_others(self, fed: tuple[str, str]) -> None:
        """The last one alone shows nothing."""
        broker, topic = fed
        arguments = ["check", "--sample", topic, "--sample-size", "1"]
        told = CliRunner().invoke(main, arguments, env={"ROUTER_BROKER": broker}).output
        assert told.splitlines()[-1] == f"sampled 0 records of '{topic}' (besides, 1 unreadable)"
        assert "no findings" in told

    @pytest.mark.parametrize(
        ("topic", "said"),
        [
            pytest.param(
                "ordr.status.v1", "is no source of any exchange: did you mean 'order.status.v1'?", id="no-source"
            ),
            pytest.param("order.status.v1", "no answer from 127.0.0.1:1", id="no-broker"),
        ],
    )
    @pytest.mark.usefixtures("shop")
    def test_what_cannot_be_sampled_is_told(self, topic: str, said: str) -> None:
        """In one line."""
        told = CliRunner().invoke(main, ["check", "--sample", topic], env={"ROUTER_BROKER": "127.0.0.1:1"})
        assert said in told.output
        assert told.exit_code == 1

    def test_routes_with_an_error_are_not_sampled(self, shop: Path) -> None:
        """Nobody is asked: the error comes first."""
        (shop / "routes" / "t.yaml").write_text(BAD, encoding="utf-8")
        arguments = ["check", "--sample", "order.status.v1", "--json"]
        told = CliRunner().invoke(main, arguments, env={"ROUTER_BROKER": "127.0.0.1:1"})
        assert json.loads(told.output)["sampled"] == []
        assert told.exit_code == 1
