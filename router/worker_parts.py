"""Parts of a worker that its settings alone decide: how lanes pace themselves, and what its guarantee does not allow."""

from __future__ import annotations

from collections.abc import Sequence

from router.environment import EXACTLY_ONCE
from router.lanes.protocol import Pace
from router.settings import Fault, Settings

__all__ = ["cannot_follow", "cannot_keep", "cannot_order", "pace", "utilization"]

_IN_TRANSACTIONS = 0.6
_OTHERWISE = 0.75


def cannot_order(settings: Settings, ordered: Sequence[str]) -> Fault:
    """Sources are to be put in order, and nothing commits as one."""
    problem = (
        "does not put records in order: a table's changes, the copies and the offset must be one transaction; "
        f"set it to {EXACTLY_ONCE}, or remove 'order' from the exchanges that read {', '.join(ordered)}"
    )
    return Fault("ROUTER_GUARANTEE", settings.guarantee, problem)


def cannot_keep(settings: Settings, topics: Sequence[str]) -> Fault:
    """Consumers may reject records, and nothing commits as one."""
    problem = (
        "does not keep what consumers reject: a table's changes, the copies and the offset must be one transaction; "
        f"set it to {EXACTLY_ONCE}, or remove 'failure' from {', '.join(topics)}"
    )
    return Fault("ROUTER_GUARANTEE", settings.guarantee, problem)


def cannot_follow(settings: Settings, topics: Sequence[str]) -> Fault:
    """Subjects are read in several versions, and nothing commits as one."""
    problem = (
        "does not follow a subject from version to version: which records are copies is kept with each offset in one "
        f"transaction with the copies; set it to {EXACTLY_ONCE}, or name the topics themselves ({', '.join(topics)}) in 'sources'"
    )
    return Fault("ROUTER_GUARANTEE", settings.guarantee, problem)


def pace(settings: Settings) -> Pace:
    """How often lanes commit, and try again."""
    in_transactions = settings.guarantee == EXACTLY_ONCE
    return Pace(
        commit_interval=settings.commit_interval_ms / 1000,
        commit_when_caught_up=in_transactions,
        wary=0 if in_transactions else 10,
        destination_retry=settings.destination_retry_ms / 1000,
    )


def utilization(settings: Settings) -> float:
    """The share of its time that a worker without a backlog is at work (`FetchSpacing`), as docs/bench.md found it best."""
    return _IN_TRANSACTIONS if settings.guarantee == EXACTLY_ONCE else _OTHERWISE
