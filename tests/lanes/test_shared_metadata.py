"""Metadata of many producers, kept once."""

from __future__ import annotations

import gc
import weakref

from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol.metadata import MetadataResponse_v5
from aiokafka.structs import TopicPartition

from router.lanes.shared_metadata import share_topics


def cluster() -> ClusterMetadata:
    """Return what a producer knows; nothing yet."""
    found = ClusterMetadata()
    share_topics(found)
    return found


def told(cluster: ClusterMetadata, topic: str, *leaders: int) -> None:
    """Have it learn who leads the partitions of a topic."""
    brokers = [(number, "127.0.0.1", 9000 + number, None) for number in (1, 2)]
    partitions = [(0, number, leader, [1, 2], [leader], []) for number, leader in enumerate(leaders)]
    cluster.update_metadata(MetadataResponse_v5(0, brokers, "c", 1, [(0, topic, False, partitions)]))


def test_who_learns_the_same_shares_it() -> None:
    """However many producers there are."""
    one, other = cluster(), cluster()
    told(one, "same.v1", 1, 2)
    told(other, "same.v1", 1, 2)
    assert one._partitions["same.v1"] is other._partitions["same.v1"]
    assert other.partitions_for_topic("same.v1") == {0, 1}
    assert other.leader_for_partition(TopicPartition("same.v1", 1)) == 2


def test_who_has_not_heard_of_a_change_keeps_what_it_knew() -> None:
    """Until it learns of it, too."""
    one, other = cluster(), cluster()
    told(one, "moved.v1", 1, 2)
    told(other, "moved.v1", 1, 2)
    told(one, "moved.v1", 2, 2)
    at = TopicPartition("moved.v1", 0)
    assert (one.leader_for_partition(at), other.leader_for_partition(at)) == (2, 1)
    told(other, "moved.v1", 2, 2)
    assert other._partitions["moved.v1"] is one._partitions["moved.v1"]


def test_what_nobody_knows_any_more_is_not_kept() -> None:
    """A topic may be deleted, and workers live for months."""
    one = cluster()
    told(one, "gone.v1", 1)
    kept = weakref.ref(one._partitions["gone.v1"])
    told(one, "other.v1", 1)
    gc.collect()
    assert kept() is None
    assert one.partitions_for_topic("gone.v1") is None


def test_an_answer_without_brokers_changes_nothing() -> None:
    """The client takes it for a failure."""
    one = cluster()
    told(one, "kept.v1", 1)
    one.update_metadata(MetadataResponse_v5(0, [], "c", 1, []))
    assert one.partitions_for_topic("kept.v1") == {0}
