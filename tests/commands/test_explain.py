"""`router explain`, as it is typed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.commands.explain import explain

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: topic, sources: [order.v1], routing-key: "{country}.{status}", alternate: {topic: rest.order.v1}}
  strict: {type: direct, sources: [order.v1], routing-key: "{status}"}
topics:
  ru.order.v1: {from: [{exchange: orders, binding-key: "RU.*"}]}
  paid.order.v1: {from: [{exchange: strict, binding-key: paid}]}
"""
SCHEMA = """{"type": "record", "name": "order", "fields": [
  {"name": "country", "type": "string"}, {"name": "status", "type": {"type": "enum", "name": "s", "symbols": ["new", "paid"]}}]}"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(SCHEMA)
    return tmp_path


def run(shop: Path, *arguments: str, stdin: str = "", routes: str = "routes") -> Result:
    folders = ["--routes", str(shop / routes), "--schemas", str(shop / "schemas")]
    return CliRunner().invoke(explain, [*arguments, *folders], input=stdin)


def test_the_text_names_topics_lines_and_what_failed_first(shop: Path) -> None:
    """Matches come with their file and line, misses with their reason."""
    result = run(shop, "order.v1", '{"country": "RU", "status": "new"}')
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "to: ru.order.v1"
    assert any(line.startswith("  + 'RU.*' -> topic 'ru.order.v1'") and line.endswith("shop.yaml:8") for line in lines)
    assert any("the routing key is `new`; this binding wants `paid`" in line for line in lines)
    assert lines[-1] == "a copy goes to order.v1.unroutable"


def test_the_value_may_come_from_standard_input(shop: Path) -> None:
    """A dash reads it."""
    assert run(shop, "order.v1", "-", stdin='{"country": "KZ"}').output.startswith("to: rest.order.v1\n")


def test_the_json_has_the_same_facts(shop: Path) -> None:
    """One object, for programs."""
    found = json.loads(run(shop, "order.v1", '{"country": "RU", "status": "paid"}', "--json").output)
    assert found["to"] == {"ru.order.v1": 1, "paid.order.v1": 1}


def test_a_tombstone_goes_everywhere(shop: Path) -> None:
    """It needs no value."""
    assert run(shop, "order.v1", "--key", "k", "--tombstone").output.splitlines()[0].count(",") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param((), 2, "name either a TOPIC", id="nothing"),
        pytest.param(("order.v1",), 2, "either a VALUE or --tombstone", id="no-value"),
        pytest.param(("order.v1", "{"), 2, "VALUE is not JSON", id="no-json"),
        pytest.param(("order.v1", "null"), 2, "say --tombstone", id="null"),
        pytest.param(("order.v1", "{}", "--header", "=x"), 2, "has no name", id="header"),
        pytest.param(("ordr.v1", "{}"), 1, "did you mean 'order.v1'?", id="unknown-source"),
        pytest.param(("order.v1", '{"status": "payed"}'), 1, "does not fit the schema", id="misfit"),
        pytest.param(("--at", "x"), 2, "write topic/partition/offset", id="place"),
        pytest.param(("--exchange", "orders"), 2, "go together", id="exchange-alone"),
        pytest.param(("--exchange", "ordrs", "--messages", "-"), 1, "did you mean 'orders'?", id="unknown-exchange"),
    ],
)
def test_what_cannot_be_explained_is_said_with_the_way_out(
    shop: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """2 for a wrong call, 1 for what the files do not know."""
    result = run(shop, *arguments)
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_routes_with_errors_are_shown_and_not_used(shop: Path) -> None:
    """Whoever asks why must not be told by half a set."""
    (shop / "routes" / "broken.yaml").write_text(
        "version: 1\nteam: broken\ntopics: {x.order.v1: {from: [{exchange: no}]}}\n"
    )
    result = run(shop, "order.v1", "{}")
    assert result.exit_code == 1
    assert "unknown-exchange" in result.output


def test_messages_are_answered_line_by_line_in_order(shop: Path) -> None:
    """A line that is no message gets an answer of its own, and the stream goes on."""
    stream = '{"routing_key": "RU.x"}\n\nnope\n{"value": {"country": "RU", "status": "a.b"}}\n'
    result = run(shop, "--exchange", "orders", "--messages", "-", "--json", stdin=stream, routes="routes/shop.yaml")
    answers = [json.loads(line) for line in result.output.splitlines()]
    assert [answer.get("to") for answer in answers] == [{"ru.order.v1": 1}, None, {"ru.order.v1": 1}]
    assert answers[1]["error"].startswith("the line is not JSON")
    assert answers[2]["routing_key"] == "RU.a%2Eb"


def test_copies_of_another_version_say_by_what_they_are_converted(shop: Path) -> None:
    """In the text, and for programs."""
    (shop / "schemas" / "order" / "v2.avsc").write_text(SCHEMA.replace('"country", "type"', '"land", "type"'))
    (shop / "schemas" / "order" / "v1_to_v2.yaml").write_text("fields: {land: country}")
    routes = ROUTES.replace("paid.order.v1:", "paid.order.v2:")
    (shop / "routes" / "shop.yaml").write_text(routes)
    value = '{"country": "RU", "status": "paid"}'
    told = "v1 to v2 by schemas/order/v1_to_v2.yaml"
    assert f"converted for paid.order.v2: {told}" in run(shop, "order.v1", value).output.splitlines()
    assert json.loads(run(shop, "order.v1", value, "--json").output)["converted"] == {"paid.order.v2": told}


ORDERED = """
version: 1
team: shop
exchanges:
  orders:
    type: topic
    sources: [order.v1]
    key: country
    routing-key: "{status}"
    order: {by: country, state: status, states: {new: [paid]}}
topics:
  all.order.v1: {from: [{exchange: orders}]}
  now.order.v1: {ordered: false, from: [{exchange: orders}]}
"""


def test_it_is_told_what_order_does(shop: Path) -> None:
    """The record's place in its key's order, what waits for it, and what does not."""
    (shop / "routes" / "shop.yaml").write_text(ORDERED)
    given = ("order.v1", '{"country": "RU", "status": "paid"}', "--key", "RU")
    assert run(shop, *given).output.splitlines()[-3:] == [
        "in order by 'orders', of 'country' RU: its 'status' is paid",
        "  waits for what comes before it: all.order.v1",
        "  at once: now.order.v1",
    ]
    order = json.loads(run(shop, *given, "--json").output)["order"]
    assert (order["place"], order["waits"], order["at_once"]) == ("paid", ["all.order.v1"], ["now.order.v1"])
