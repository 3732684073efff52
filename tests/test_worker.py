"""The composition root: settings and routes become a worker, or a message and an end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.logging_state import logging_given_back

from router.lanes.batch import Batch, SourcePartition
from router.settings import Settings
from router.worker import RouterApp, read_route_set, router_app
from router.worker_process import configure_worker_logging

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: topic, sources: [order.v1], routing-key: "{country}"}
topics:
  ru.order.v1: {from: [{exchange: orders, binding-key: RU}]}
"""
SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'


ORDERED = ROUTES.replace('{country}"', '{country}", key: id, order: {by: id, sequence: n}')
ORDERED_SCHEMA = SCHEMA.replace("[", '[{"name": "id", "type": "string"}, {"name": "n", "type": "long"}, ', 1)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A worker configures the logging of its process, which here is the tests'."""
    with logging_given_back():
        yield


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(SCHEMA)
    return {
        "ROUTER_ROUTES": str(tmp_path / "routes"),
        "ROUTER_SCHEMAS": str(tmp_path / "schemas"),
        "ROUTER_DATA_DIR": str(tmp_path / "data"),
        "ROUTER_GROUP": "shop-router",
        "ROUTER_HTTP_PORT": "0",
        "ROUTER_SESSION_TIMEOUT": "20s",
    }


def app_of(environ: dict[str, str]) -> RouterApp:
    settings = Settings.from_environment(environ)
    return RouterApp(settings, read_route_set(settings))


def test_settings_reach_faust_under_its_own_names(environ: dict[str, str]) -> None:
    """The group is the app's id; a heartbeat fits several times into a session, a session into a request."""
    conf = app_of(environ | {"ROUTER_BROKER": "a:1,b:2"}).conf
    assert conf.id == "shop-router"
    assert [str(url) for url in conf.broker_consumer] == ["kafka://a:1", "kafka://b:2"]
    assert conf.broker_heartbeat_interval * 3 < conf.broker_session_timeout == 20 <= conf.broker_request_timeout
    assert conf.web_enabled is False


def test_buffers_are_a_quarter_for_fetches_and_the_rest_for_copies(environ: dict[str, str]) -> None:
    """One setting bounds both."""
    app = app_of(environ | {"ROUTER_BUFFER_BYTES": "8MiB"})
    assert app.fetch_ahead_bytes == 2 << 20
    assert app.new_lanes(None)._buffer_bytes == 6 << 20  # type: ignore[arg-type]  # nobody is asked for positions


@pytest.mark.parametrize(("switch", "known_as"), [("off", None), ("on", "w-1")])
def test_static_member_is_known_by_its_instance(environ: dict[str, str], switch: str, known_as: str | None) -> None:
    """Others are known by what the group calls them."""
    conf = app_of(environ | {"ROUTER_STATIC_MEMBERSHIP": switch, "ROUTER_INSTANCE": "w-1"}).conf
    assert conf.consumer_group_instance_id == known_as


def test_sasl_reaches_faust_as_its_credentials(environ: dict[str, str]) -> None:
    """Without TLS and with a password, the consumer says so as the lanes' producers do."""
    secured = {"ROUTER_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "ROUTER_SASL_MECHANISM": "PLAIN"}
    login = {"ROUTER_SASL_USERNAME": "me", "ROUTER_SASL_PASSWORD": "secret"}
    credentials = app_of(environ | secured | login).conf.broker_credentials
    assert (credentials.username, credentials.password) == ("me", "secret")


def test_agents_get_every_source_as_one_channel_of_batches(environ: dict[str, str]) -> None:
    """A new route needs no new agent."""
    assert list(app_of(environ).broad_topics.topics) == ["order.v1"]


async def test_a_batch_reaches_its_agent_undecoded(environ: dict[str, str]) -> None:
    """What the transport made is what the agent gets."""
    channel = app_of(environ).broad_topics
    batch = Batch(SourcePartition("order.v1", 0), 1, 0, 1, (), 0.0)

    class Message:
        value = batch

    event = await channel.decode(Message())
    assert event.value is batch


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"ROUTER_BROKER": "nowhere"}, "ROUTER_BROKER='nowhere'", id="settings"),
        pytest.param({"ROUTER_ROUTES": "{tmp}/none"}, "ROUTER_ROUTES", id="no-folder"),
        pytest.param({}, "unknown-exchange", id="routes"),
    ],
)
def test_what_cannot_work_ends_the_process_with_the_reason(
    environ: dict[str, str], tmp_path: Path, change: dict[str, str], said: str, capsys: Any
) -> None:
    """Nothing is half applied, and nobody has to read a traceback."""
    (tmp_path / "routes" / "x.yaml").write_text("version: 1\nteam: x\ntopics: {x.order.v1: {from: [{exchange: no}]}}\n")
    with pytest.raises(SystemExit) as ended:
        router_app(environ | {name: value.format(tmp=tmp_path) for name, value in change.items()})
    assert ended.value.code == 1
    written = capsys.readouterr()
    assert said in written.err + written.out


@pytest.fixture
def ordered(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The same, with a source that is put in order."""
    (tmp_path / "routes" / "shop.yaml").write_text(ORDERED)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(ORDERED_SCHEMA)
    return environ


async def test_lanes_of_an_ordered_source_have_its_table(ordered: dict[str, str]) -> None:
    """Each its own partition of it, and its changes go to the source's changelog."""
    app = app_of(ordered)
    source = SourcePartition("order.v1", 3)
    order = app._order(source, app._copier("order.v1"))
    assert order is not None
    assert (order.source, order.table.changelog) == (source, "shop-router-order.v1-changelog")
    assert order.looks_in() is None


def test_order_needs_transactions(ordered: dict[str, str], capsys: Any) -> None:
    """Else a table could say of a record that it was sent, and it was not."""
    with pytest.raises(SystemExit):
        router_app(ordered | {"ROUTER_GUARANTEE": "at_least_once"})
    written = capsys.readouterr()
    assert "ROUTER_GUARANTEE='at_least_once' does not put records in order" in written.err + written.out


async def test_what_is_left_behind_is_said_once(environ: dict[str, str], capsys: Any) -> None:
    """A changelog of a source that routes do not order: nobody sends what it holds."""
    app = app_of(environ)
    app.destinations._counts = {"shop-router-order.v1-changelog": 4}
    configure_worker_logging(app.router_settings)
    for _ in range(2):
        app._say_left_behind()
    assert capsys.readouterr().out.count("left-behind") == 1
