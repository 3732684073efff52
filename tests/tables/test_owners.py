"""Who owns a partition, from what the group dealt out."""

from __future__ import annotations

import pytest

from router.tables.owners import Owner, advertised, owner_at, owners_of


@pytest.mark.parametrize(
    ("host", "port", "url", "owner"),
    [
        pytest.param("127.0.0.1", 6066, None, Owner("http://127.0.0.1:6066", "w/1"), id="loopback"),
        pytest.param("0.0.0.0", 6066, None, Owner("http://box:6066", "w/1"), id="all-addresses"),
        pytest.param("::", 6066, None, Owner("http://box:6066", "w/1"), id="all-addresses-of-ipv6"),
        pytest.param("::1", 6066, None, Owner("http://[::1]:6066", "w/1"), id="ipv6"),
        pytest.param("0.0.0.0", 6066, "https://w.example:8443/", Owner("https://w.example:8443", "w/1"), id="said"),
        pytest.param("0.0.0.0", 0, "https://w.example", Owner("", "w/1"), id="off"),
    ],
)
def test_what_is_announced_reads_back_as_an_owner(host: str, port: int, url: str | None, owner: Owner) -> None:
    """Where it is reached, and its instance, whatever letters that has."""
    announced = advertised(instance="w/1", host=host, port=port, url=url, machine="box")
    assert owner_at(announced) == owner


def test_two_on_one_address_do_not_hide_each_other() -> None:
    """Two machines may both announce their own loopback: the instance tells them apart."""
    dealt = {
        "http://127.0.0.1:6066/?instance=a": {"log": [0, 2], "other": [1]},
        "http://127.0.0.1:6066/?instance=b": {"log": [1]},
        "http://127.0.0.1:6067/?instance=c": {},
    }
    at = "http://127.0.0.1:6066"
    assert owners_of("log", dealt) == {0: Owner(at, "a"), 1: Owner(at, "b"), 2: Owner(at, "a")}
    assert owners_of("other", dealt) == {1: Owner(at, "a")}


def test_worker_of_another_version_is_named_by_its_address() -> None:
    """It announces no instance."""
    owner = owner_at("http://10.0.0.5:6066")
    assert owner == Owner("http://10.0.0.5:6066", "")
    assert str(owner) == "the worker at http://10.0.0.5:6066"
    assert str(Owner("http://x", "w-1")) == "worker 'w-1'"
