"""The settings that a node is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.develop.node_settings import Detour, NodeAddress, node_settings


def settings_of(brokers: int) -> dict[str, str]:
    cluster = [NodeAddress(number=n, port=9000 + n, controller_port=9500 + n) for n in range(1, brokers + 1)]
    text = node_settings(cluster[0], cluster=cluster, data=Path("/data"))
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (5, 3, 2)])
def test_internal_topics_have_as_many_copies_as_brokers_allow(brokers: int, copies: int, in_sync: int) -> None:
    """Three copies where there are three brokers, and one may be away."""
    settings = settings_of(brokers)
    for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
        assert settings[f"{topic}.replication.factor"] == str(copies)
    assert settings["default.replication.factor"] == str(copies)
    assert settings["transaction.state.log.min.isr"] == settings["min.insync.replicas"] == str(in_sync)


def test_a_node_is_reachable_from_this_machine_only() -> None:
    """Every address in the settings is the loopback interface's."""
    settings = settings_of(3)
    for name in ("listeners", "advertised.listeners"):
        assert all(part.split("://")[1].startswith("127.0.0.1:") for part in settings[name].split(","))
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9501,2@127.0.0.1:9502,3@127.0.0.1:9503"


def test_topics_are_never_made_by_accident() -> None:
    """A mistyped topic is an error, as it is where people keep their data."""
    assert settings_of(1)["auto.create.topics.enable"] == "false"


def test_a_detour_is_listened_to_at_one_port_and_told_as_another() -> None:
    """Whoever asks at the second listener is sent to the proxy, and brokers among themselves go straight."""
    address = NodeAddress(number=1, port=9001, controller_port=9501, detour=Detour(port=9101, told=9201))
    text = node_settings(address, cluster=[address], data=Path("/data"))
    settings = dict(line.split("=", 1) for line in text.splitlines())
    assert settings["listeners"].split(",")[-1] == "DETOUR://127.0.0.1:9101"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9001,DETOUR://127.0.0.1:9201"
    assert "DETOUR:PLAINTEXT" in settings["listener.security.protocol.map"].split(",")
