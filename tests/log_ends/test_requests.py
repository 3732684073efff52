"""The two requests, as bytes: fields of each by the protocol's own definition, of versions 7 and 4."""

from __future__ import annotations

from io import BytesIO

import pytest
from aiokafka.errors import IncompatibleBrokerVersion

from router.log_ends.requests import EndsRequest, LeadersRequest

NOW = {3: (0, 13), 2: (1, 11)}


def test_who_leads_is_asked_without_making_topics() -> None:
    """An array of names, and no."""
    asked = LeadersRequest(["a", "bc"]).prepare(NOW)
    assert asked.encode() == b"\0\0\0\2\0\1a\0\2bc\0"


def test_answer_names_leaders_with_their_epochs() -> None:
    """Broker 1 has no rack; partition 5 of topic `a` is led by it in epoch 7, and 2 is in sync with it, 3 away."""
    broker = b"\0\0\0\1\0\1h\0\0\x23\x84\xff\xff"
    partition = b"\0\0\0\0\0\5\0\0\0\1\0\0\0\7"
    replicas = b"\0\0\0\3\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\2\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\3"
    text = b"\0\0\0\0\0\0\0\1" + broker + b"\0\1c\0\0\0\1\0\0\0\1\0\0\0\1a\0\0\0\0\1"
    answer = type(LeadersRequest(()).prepare(NOW)).RESPONSE_TYPE.decode(BytesIO(text + partition + replicas))
    assert answer.brokers == [(1, "h", 9092, None)]
    assert answer.topics == [(0, "a", False, [(0, 5, 1, 7, [1, 2, 3], [1, 2], [3])])]


@pytest.mark.parametrize("committed", [False, True])
def test_end_is_asked_for_with_an_epoch_of_four_bytes(committed: bool) -> None:
    """Of a client that is no follower, for the end and no time."""
    asked = EndsRequest({"a": [(5, 7)]}, committed=committed).prepare(NOW)
    partition = b"\0\0\0\5\0\0\0\7" + b"\xff" * 8
    assert asked.encode() == b"\xff" * 4 + bytes([committed]) + b"\0\0\0\1\0\1a\0\0\0\1" + partition


@pytest.mark.parametrize("request_", [LeadersRequest(["a"]), EndsRequest({}, committed=True)])
@pytest.mark.parametrize("versions", [{}, {3: (0, 6), 2: (0, 3)}, {3: (8, 9), 2: (5, 9)}])
def test_brokers_without_these_versions_are_told_of(
    request_: LeadersRequest | EndsRequest, versions: dict[int, tuple[int, int]]
) -> None:
    """As an error of the client's, which whoever asks expects."""
    with pytest.raises(IncompatibleBrokerVersion, match="knows no epochs of leaders"):
        request_.prepare(versions)
