"""Which policy counts for an object."""

from __future__ import annotations

from typing import Any

import pytest

from router.rabbitmq.definitions import PolicyDefinition
from router.rabbitmq.policies import Policies, Verdict


def policy(name: str, pattern: str = "", *, priority: int = 0, to: str = "all", **definition: Any) -> PolicyDefinition:
    return PolicyDefinition(name, pattern, to, priority, definition)


def name_of(verdict: Verdict) -> str | None:
    return verdict.policy.name if verdict.policy else None


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        pytest.param("", "anything", True, id="empty"),
        pytest.param("b", "abc", True, id="found anywhere"),
        pytest.param("^b", "abc", False, id="anchored"),
        pytest.param("^(?!amq\\.)", "orders", True, id="not ahead"),
        pytest.param("^(?!amq\\.)", "amq.topic", False, id="not ahead, found"),
        pytest.param("^x.y$", "xüy", False, id="a dot is a byte"),
        pytest.param("^x..y$", "xüy", True, id="two bytes"),
        pytest.param("^ü", "ü", True, id="a name that is not ASCII"),
        pytest.param(r"^[[:alpha:]]{2}[[:digit:]_]\z", "ab1", True, id="classes and the end"),
        pytest.param(r"^a\Z", "a\n", True, id="the end before a last newline"),
        pytest.param(r"^a\z", "a\n", False, id="the very end"),
        pytest.param(r"\\z", r"a\z", True, id="an escaped backslash"),
        pytest.param(r"(?<part>a)(?P=part)", "aa", True, id="a named group"),
        pytest.param(r"(?<=a)b", "ab", True, id="behind"),
        pytest.param("(?i)AB", "ab", True, id="any case"),
    ],
)
def test_patterns_mean_what_they_mean_to_rabbitmq(pattern: str, name: str, matches: bool) -> None:
    """PCRE, searched in the name's bytes."""
    policies = Policies([policy("p", pattern)])
    assert policies.faults == {}
    assert (policies.for_exchange(name).policy is not None) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(", id="open"),
        pytest.param("[[:^alpha:]]", id="a negated class"),
        pytest.param("a{99999999999}", id="a number beyond all bounds"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_a_fault(pattern: str) -> None:
    """The policy counts for nothing, and its name says so."""
    policies = Policies([policy("p", pattern), policy("q")])
    assert list(policies.faults) == ["p"]
    assert name_of(policies.for_exchange("x")) == "q"


def test_the_highest_priority_counts_alone() -> None:
    """At most one policy does, whatever the others say."""
    policies = Policies([policy("low", a=1), policy("high", priority=5, b=2), policy("other", "^y", priority=9)])
    assert policies.for_exchange("x") == Verdict(policy("high", priority=5, b=2))


def test_of_equal_priorities_the_first_in_the_file_counts() -> None:
    """RabbitMQ's exports have the order of its table, in which it looks for them; what says the same is no rival."""
    verdict = Policies([policy("za", a=1), policy("ab", a=2), policy("twin", a=1)]).for_exchange("x")
    assert name_of(verdict) == "za"
    assert verdict.tied == ("ab",)


@pytest.mark.parametrize(
    ("to", "exchange", "classic", "stream"),
    [
        pytest.param("all", True, True, True, id="all"),
        pytest.param("exchanges", True, False, False, id="exchanges"),
        pytest.param("queues", False, True, True, id="queues"),
        pytest.param("classic_queues", False, True, False, id="classic queues"),
        pytest.param("streams", False, False, True, id="streams"),
        pytest.param("hens", False, False, False, id="unknown"),
    ],
)
def test_a_policy_is_for_a_kind_of_object(to: str, exchange: bool, classic: bool, stream: bool) -> None:
    """A policy for queues says nothing of exchanges."""
    policies = Policies([policy("p", to=to)])
    found = [policies.for_exchange("x"), *(policies.for_queue("x", type_=each) for each in ("classic", "stream"))]
    assert [each.policy is not None for each in found] == [exchange, classic, stream]
