"""What a consumer makes of its client's settings."""

from __future__ import annotations

from typing import Any

import pytest

from router.consumer.client_settings import (
    connecting_asyncio,
    connecting_librdkafka,
    reading_asyncio,
    reading_librdkafka,
    transactional_id,
)
from router.consumer.errors import UnfitClient

TLS = {"bootstrap.servers": "b", "security.protocol": "SSL", "group.id": "g", "fetch.min.bytes": 1}
ASYNC_TLS = {"bootstrap_servers": "b", "security_protocol": "SSL", "group_id": "g", "fetch_min_bytes": 1}


def test_what_keeps_the_promise_is_set() -> None:
    """Whatever else is given stays."""
    made = reading_librdkafka(TLS)
    assert made | TLS == made
    assert (made["isolation.level"], made["enable.auto.commit"]) == ("read_committed", False)
    assert (made["auto.offset.reset"], made["client.id"]) == ("earliest", "router-consumer")
    given = reading_asyncio(ASYNC_TLS)
    assert given | ASYNC_TLS == given
    assert (given["isolation_level"], given["enable_auto_commit"]) == ("read_committed", False)


def test_other_clients_get_what_connects() -> None:
    """And nothing that is of a group's members only."""
    told = {"bootstrap.servers": "b", "security.protocol": "SSL", "client.id": "router-consumer"}
    assert connecting_librdkafka(TLS) == told
    assert connecting_asyncio(ASYNC_TLS) == {
        "bootstrap_servers": "b", "security_protocol": "SSL", "client_id": "router-consumer",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "names"),
    [
        pytest.param({"group.id": ""}, "group.id", id="no group"),
        pytest.param({"enable.auto.commit": True}, "enable.auto.commit", id="commits by itself"),
        pytest.param({"enable.auto.commit": "true"}, "enable.auto.commit", id="commits by itself, as text"),
        pytest.param({"isolation.level": "read_uncommitted"}, "isolation.level", id="reads what is not committed"),
        pytest.param({"transactional.id": "x"}, "transactional.id", id="a producer's"),
        pytest.param({"enable.partition.eof": False}, "enable.partition.eof", id="of no use"),
    ],
)
def test_what_breaks_the_promise_is_refused(given: dict[str, Any], names: str) -> None:
    """With the setting, in the words of either client."""
    with pytest.raises(UnfitClient, match=f"'{names}'"):
        reading_librdkafka({**TLS, **given})
    ours = {name.replace(".", "_"): value for name, value in given.items()}
    with pytest.raises(UnfitClient, match=f"'{names.replace('.', '_')}'"):
        reading_asyncio({**ASYNC_TLS, **ours})


def test_what_agrees_with_the_promise_may_be_said() -> None:
    """As in settings that a team shares."""
    assert reading_librdkafka({**TLS, "isolation.level": "read_committed", "enable.auto.commit": "false"})
    assert reading_asyncio({**ASYNC_TLS, "enable_auto_commit": False, "key_deserializer": None})


def test_bytes_stay_bytes() -> None:
    """A rejection repeats them."""
    with pytest.raises(UnfitClient, match="'value_deserializer'"):
        reading_asyncio({**ASYNC_TLS, "value_deserializer": bytes.decode})


def test_transactional_ids_begin_with_the_group() -> None:
    """One ACL with a prefix allows them all."""
    assert transactional_id("vip", "vip.order.v1", 3) == "vip-vip.order.v1-3"
