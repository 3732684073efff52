"""`router new-case` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from router.commands import main
from router.develop.topics import TopicSpec, ensure_topics
from router.language.case_values import encode_value
from router.records.schema import parse_avro

SCHEMA = {
    "type": "record",
    "name": "order",
    "fields": [{"name": name, "type": "string"} for name in ("order_id", "country", "email")],
}


@pytest.fixture
def topic(unique: str) -> str:
    return f"{unique}.order.v1"


@pytest.fixture
def folder(tmp_path: Path, topic: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with routes that read a topic, and stand in it."""
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "t.yaml").write_text(
        f"version: 1\nteam: t\nexchanges:\n"
        f"  orders: {{type: topic, sources: [{topic}], routing-key: '{{country}}', key: order_id}}\n"
        "topics:\n  ru.order.v1: {from: [{exchange: orders, binding-key: RU}]}\n"
    )
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(json.dumps(SCHEMA))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fed(kafka: str, topic: str, folder: Path) -> str:
    """Return the broker with a record at offset 0 and something else behind it."""
    ensure_topics(kafka, [TopicSpec(topic)])
    schema = parse_avro(json.dumps(SCHEMA), file="v1.avsc")
    value = encode_value(schema, {"order_id": "o-1", "country": "RU", "email": "ann@mail.example"})
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, value, key=b"o-1", partition=0)
    producer.produce(topic, b"\x05", key=b"o-2", partition=0)
    producer.flush()
    return kafka


def run(*arguments: str, broker: str = "127.0.0.1:1") -> Result:
    return CliRunner().invoke(main, arguments, env={"ROUTER_BROKER": broker})


def test_a_live_record_becomes_a_case_that_passes(fed: str, topic: str) -> None:
    """Masked, key included, appended twice, and run at once."""
    place = ("new-case", "--at", f"{topic}/0/0", "--mask", "order_id", "--mask", "email")
    printed = run(*place, broker=fed)
    assert printed.exit_code == 0, printed.output
    assert printed.output.startswith(f'- name: "{topic}/0/0"\n')
    assert "ann" not in printed.output
    assert "o-1" not in printed.output
    for name in ("first", "second"):
        appended = run(*place, "--name", name, "--output", "routes/t_test.yaml", broker=fed)
        assert appended.output == "routes/t_test.yaml: one case more\n"
    assert "2 cases in 1 file: all pass" in run("test").output


def test_masking_what_routes_read_is_told(fed: str, topic: str) -> None:
    """The case is right, and says something else."""
    result = run("new-case", "--at", f"{topic}/0/0", "--mask", "country", broker=fed)
    assert f"the record itself goes to ru.order.v1: the case, as it is masked and stated, to {topic}.unroutable" in (
        result.stderr
    )
    assert "unroutable: true" in result.stdout


def test_what_cannot_become_a_case_is_told(fed: str, topic: str, folder: Path) -> None:
    """An unreadable record, an unknown field, a file that cannot be written or appended to."""
    assert "value" in run("new-case", "--at", f"{topic}/0/1", broker=fed).output
    assert "did you mean 'email'?" in run("new-case", "--at", f"{topic}/0/0", "--mask", "emial", broker=fed).output
    (folder / "routes" / "t_test.yaml").write_text("cases: []\n")
    place = ("new-case", "--at", f"{topic}/0/0", "--output")
    assert "append by hand" in run(*place, "routes/t_test.yaml", broker=fed).output
    assert "cannot be written" in run(*place, "none/t_test.yaml", broker=fed).output


def test_an_expression_is_tried_on_a_live_record(fed: str, topic: str) -> None:
    """`router where --at`, with the schema that the catalogue has."""
    found = run("where", "country == 'RU' && key == 'o-1'", "--at", f"{topic}/0/0", broker=fed)
    assert found.output.splitlines()[-1] == "value  true"
    assert run("where", "country == 'RU'", "--at", f"{topic}/0/1", broker=fed).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param((), 2, "Missing option '--at'", id="nothing"),
        pytest.param(("--at", "ordr.v1/0/0"), 1, "is no source of any exchange", id="no-source"),
        pytest.param(("--at", "{topic}/0/0", "--output", "cases.yaml"), 2, "is named <team>_test.yaml", id="name"),
        pytest.param(("--at", "{topic}/0/0"), 1, "no answer from 127.0.0.1:1", id="no-broker"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    folder: Path, topic: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Before anything is read, where it can be."""
    result = run("new-case", *(argument.format(topic=topic) for argument in arguments))
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_faulty_routes_are_told(folder: Path) -> None:
    """What half a set decides would be no promise."""
    (folder / "routes" / "x.yaml").write_text("version: 2\n")
    result = run("new-case", "--at", "a/0/0")
    assert result.exit_code == 1
    assert "the routes have errors" in result.output
