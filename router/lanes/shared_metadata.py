"""What is known of topics, kept once a process: each lane has a producer, and each producer would keep every partition of its destinations.

With 200 lanes and five topics of as many partitions that is 0.4 MB a lane, and twice as much while all learn of a change. What a client has
learnt is never changed, only replaced, so those who have learnt the same can share it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

__all__ = ["share_topics"]


class _Partitions(dict[int, Any]):
    """A topic's partitions by their numbers; kept for as long as somebody knows them."""

    __slots__ = ("__weakref__",)


_known: WeakValueDictionary[str, _Partitions] = WeakValueDictionary()
"""What was learnt last of each topic."""


def share_topics(cluster: Any) -> None:
    """Let a producer's metadata keep nothing of its own that another's has, from the next answer on."""
    learn = cluster.update_metadata

    def learn_once(metadata: Any) -> None:
        learn(metadata)
        cluster._partitions = {topic: _shared(topic, each) for topic, each in cluster._partitions.items()}  # noqa: SLF001 - kept nowhere else
        # Which partitions each broker leads, nobody asks who produces.
        cluster._broker_partitions = defaultdict(set)  # noqa: SLF001 - as above

    cluster.update_metadata = learn_once


def _shared(topic: str, partitions: Mapping[int, Any]) -> _Partitions:
    known = _known.get(topic)
    if known is None or known != partitions:
        known = _known[topic] = _Partitions(partitions)
    return known
