"""The list of what is wrong."""

from __future__ import annotations

import pytest

from router.console.measuring import Lag
from router.console.trouble import Facts, Severity, WorkerFacts, troubles

READY = {"ready": True, "routes": "abcd", "problems": []}


@pytest.mark.parametrize(
    ("facts", "severity", "said"),
    [
        pytest.param(Facts(kafka="refused"), Severity.STOPPED, "Kafka does not answer", id="kafka"),
        pytest.param(Facts(faults=("a.yaml:1:1 wrong",)), Severity.NOTE, "the routes on the disk have errors", id="faults"),
        pytest.param(
            Facts(workers=(WorkerFacts("u", "w", READY),), routes="beef"), Severity.NOTE, "other routes than these", id="routes"
        ),
        pytest.param(Facts(workers=(WorkerFacts("u", problem="refused"),)), Severity.STOPPED, "a worker does not answer", id="worker"),
        pytest.param(Facts(declared=["a", "b"], present=["a"]), Severity.STOPPED, "a topic is missing", id="topic"),
        pytest.param(Facts(lags={"t": (Lag("g", 500, 90.0),)}), Severity.LATE, "a reader is behind", id="behind"),
        pytest.param(Facts(lags={"t": (Lag("g", 500, None, 90.0),)}), Severity.LATE, "a reader is behind", id="behind for longer"),
        pytest.param(Facts(held={"s": (3, 9)}), Severity.NOTE, "records wait to be put in order", id="held"),
        pytest.param(Facts(set_aside={"t.dead-letters": (4, 1.0)}), Severity.SET_ASIDE, "dead letters", id="dying"),
        pytest.param(Facts(set_aside={"t.dead-letters": (4, 0.0)}), Severity.NOTE, "dead letters", id="dead"),
        pytest.param(Facts(set_aside={"t.unroutable": (4, 0.0)}), Severity.NOTE, "unroutable records", id="unroutable"),
    ],
)  # fmt: skip
def test_each_thing_that_is_wrong_is_listed(facts: Facts, severity: Severity, said: str) -> None:
    """With how bad it is, in words, and a next step."""
    (found,) = troubles(facts)
    assert (found.severity, found.what) == (severity, said)
    assert found.message
    assert found.to_json()["what_to_do"]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(Facts(), id="nothing is known"),
        pytest.param(Facts(workers=(WorkerFacts("u", "w", READY),), routes="abcd"), id="a worker that is well"),
        pytest.param(
            Facts(workers=(WorkerFacts("u", "w", {"problems": []}),), routes="abcd"), id="a worker that says little"
        ),
        pytest.param(Facts(declared=["a"], present=["a"]), id="all topics"),
        pytest.param(Facts(declared=["a"], present=None), id="topics that nobody knows"),
        pytest.param(
            Facts(lags={"t": (Lag("g", 99, 1_000.0), Lag("h", 1_000, 5.0))}), id="few records, or a short time"
        ),
        pytest.param(Facts(held={"s": (0, 0)}, set_aside={"t.dead-letters": (0, 0.0)}), id="nothing held or dead"),
    ],
)
def test_what_is_well_is_not_listed(facts: Facts) -> None:
    """So that the list is empty when all is well."""
    assert troubles(facts) == ()


def test_a_workers_problems_are_its_lanes_own() -> None:
    """By partition, with what the worker says to do; one that only opens is no standstill."""
    problems = [
        {"reason": "opening", "message": "opens", "what_to_do": "wait", "topic": "s", "partition": 1},
        {"reason": "destination-unavailable", "message": "gone", "what_to_do": "make it", "topic": "s", "partition": 0},
        {"reason": "broker-unavailable", "message": "refused"},
    ]
    found = troubles(Facts(workers=(WorkerFacts("u", "w", {"problems": problems}),)))
    assert [(each.severity.value, each.what, each.where) for each in found] == [
        ("stopped", "broker-unavailable", "w"), ("stopped", "destination-unavailable", "s/0"), ("late", "opening", "s/1"),
    ]  # fmt: skip


def test_the_worst_comes_first() -> None:
    """Whatever was found out first."""
    facts = Facts(
        kafka="x", held={"s": (1, 1)}, set_aside={"a.unroutable": (9, 1.0)}, lags={"t": (Lag("g", 500, 90.0),)}
    )
    assert [each.severity for each in troubles(facts)] == list(Severity)
