"""The difference between the topics that routes need and those that there are."""

import pytest

from router.language.topic_changes import Change, ChangeKind, ClusterState, TopicState, compare
from router.language.topics import TopicPlan, TopicRole

DAY = 86_400_000


def plan(role: TopicRole = TopicRole.NARROW, *, partitions: int = 4, replication: int = -1, **config: str) -> TopicPlan:
    settings = {name.replace("_", "."): value for name, value in config.items()}
    return TopicPlan("t.v1", role, "team", partitions, replication, settings)


def changes(wanted: TopicPlan, found: TopicState | None) -> list[tuple[ChangeKind, str, str, str]]:
    state = ClusterState({} if found is None else {"t.v1": found})
    compared = compare([wanted], state, outage_ms=0).changes
    return [(change.kind, change.what, change.found, change.planned) for change in compared]


def test_missing_topic_is_created_as_planned() -> None:
    """The whole plan is shown, and goes along."""
    wanted = plan(retention_ms="1000", cleanup_policy="compact")
    (change,) = compare([wanted], ClusterState({}), outage_ms=0).changes
    shown = "4 partitions, cleanup.policy=compact, retention.ms=1000"
    assert change == Change(ChangeKind.CREATE, "t.v1", "", "missing", shown, plan=wanted)


def test_topic_as_planned_has_no_change() -> None:
    """Settings that the plan does not name may be what they like."""
    found = TopicState(4, 3, {"retention.ms": "1000", "segment.ms": "5"})
    assert changes(plan(retention_ms="1000"), found) == []


@pytest.mark.parametrize(
    ("wanted", "found", "change"),
    [
        pytest.param(
            plan(partitions=8), TopicState(4, 1), (ChangeKind.GROW, "partitions", "4", "8"), id="narrow-topics-grow"
        ),
        pytest.param(
            plan(partitions=2), TopicState(4, 1), (ChangeKind.LEAVE, "partitions", "4", "2"), id="none-shrinks"
        ),
        pytest.param(
            plan(TopicRole.SOURCE, partitions=8),
            TopicState(4, 1),
            (ChangeKind.LEAVE, "partitions", "4", "8"),
            id="a-source-is-its-owners",
        ),
        pytest.param(
            plan(TopicRole.CHANGELOG, partitions=8),
            TopicState(4, 1),
            (ChangeKind.LEAVE, "partitions", "4", "8"),
            id="a-table-does-not-move-with-its-keys",
        ),
        pytest.param(
            plan(TopicRole.REPARTITION, partitions=8),
            TopicState(4, 1),
            (ChangeKind.LEAVE, "partitions", "4", "8"),
            id="nor-do-keys-move-from-their-table",
        ),
        pytest.param(
            plan(replication=3), TopicState(4, 1), (ChangeKind.LEAVE, "replication", "1", "3"), id="replication"
        ),
        pytest.param(
            plan(retention_ms="2000"),
            TopicState(4, 1, {"retention.ms": "1000"}),
            (ChangeKind.CONFIGURE, "retention.ms", "1000", "2000"),
            id="longer-retention",
        ),
        pytest.param(
            plan(retention_ms="-1"),
            TopicState(4, 1, {"retention.ms": "1000"}),
            (ChangeKind.CONFIGURE, "retention.ms", "1000", "-1"),
            id="for-ever",
        ),
        pytest.param(
            plan(retention_ms="1000"),
            TopicState(4, 1, {"retention.ms": "-1"}),
            (ChangeKind.LEAVE, "retention.ms", "-1", "1000"),
            id="no-longer-for-ever",
        ),
        pytest.param(
            plan(retention_ms="1000"),
            TopicState(4, 1, {"retention.ms": "2000"}),
            (ChangeKind.LEAVE, "retention.ms", "2000", "1000"),
            id="shorter-retention",
        ),
        pytest.param(
            plan(max_message_bytes="1"),
            TopicState(4, 1, {"max.message.bytes": "2"}),
            (ChangeKind.LEAVE, "max.message.bytes", "2", "1"),
            id="smaller-messages",
        ),
        pytest.param(
            plan(cleanup_policy="compact"),
            TopicState(4, 1),
            (ChangeKind.CONFIGURE, "cleanup.policy", "", "compact"),
            id="other-settings",
        ),
    ],
)
def test_difference_is_made_or_left_to_people(
    wanted: TopicPlan, found: TopicState, change: tuple[ChangeKind, str, str, str]
) -> None:
    """Nothing is deleted or shrunk, and whose keys move is asked."""
    assert changes(wanted, found) == [change]


def warnings(wanted: TopicPlan, state: ClusterState, *, outage: int = 0) -> tuple[str, ...]:
    return compare([wanted], state, outage_ms=outage).warnings


def test_retention_shorter_than_an_outage_is_warned_of() -> None:
    """Of the plan where it says, else of what is there; never of a source, nor of what is kept for ever."""
    short = ClusterState({"t.v1": TopicState(4, 1, {"retention.ms": "1000"})})
    said = "t.v1 keeps records for 1s: a consumer that is away for 1d would lose some"
    assert warnings(plan(retention_ms="1000"), ClusterState({}), outage=DAY) == (said,)
    assert warnings(plan(), short, outage=DAY) == (said,)
    assert warnings(plan(), ClusterState({}), outage=DAY) == ()
    assert warnings(plan(retention_ms="-1"), short, outage=DAY) == ()
    assert warnings(plan(TopicRole.SOURCE), short, outage=DAY) == ()


def test_offsets_that_are_kept_too_short_are_warned_of() -> None:
    """A group that is away for longer loses its place."""
    assert "for 1d only" in warnings(plan(), ClusterState({}, offsets_retention_ms=DAY))[0]
    assert warnings(plan(), ClusterState({}, offsets_retention_ms=7 * DAY)) == ()


@pytest.mark.parametrize("found", [None, TopicState(4, 1)], ids=["planned", "found"])
def test_more_members_than_partitions_are_warned_of(found: TopicState | None) -> None:
    """Some of them can never get a record."""
    state = ClusterState({} if found is None else {"t.v1": found}, members={"t.v1": {"many": 5, "few": 4}})
    assert warnings(plan(), state) == ("t.v1 has 4 partitions for the 5 members of group many: some are idle",)
