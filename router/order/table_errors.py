"""What can go wrong with a table: its disk, its changelog, and a change past its lane."""

from __future__ import annotations

from router.errors import InvariantError, TransientError

__all__ = ["ChangelogUnfit", "DiskFailed", "WrittenOutside"]


class ChangelogUnfit(TransientError):
    """A table's changelog is not there, or has other partitions than the source whose table it is.

    A key's changes must lie in the partition of the same number as its records, so that one lane has both.
    """

    reason = "changelog-unfit"

    def __init__(self, *, changelog: str, partitions: int, source: str, source_partitions: int) -> None:
        super().__init__(changelog, partitions, source, source_partitions)
        self.changelog = changelog
        self.partitions = partitions
        """0 where it does not exist, or this worker may not see it."""
        self.source = source
        self.source_partitions = source_partitions

    def __str__(self) -> str:
        if not self.partitions:
            return (
                f"changelog '{self.changelog}' does not exist, or this worker may not see it: `router topics --apply` "
                f"makes it, with the {self.source_partitions} partitions of its source '{self.source}'"
            )
        return (
            f"changelog '{self.changelog}' has {self.partitions} partitions, its source '{self.source}' has "
            f"{self.source_partitions}: a table's records must lie in the partitions of its keys. Where the source has "
            "been grown in place, its keys have moved, and the table has not: what gives a source more partitions with its "
            f"table is `router migrate repartition {self.source}`, before it grows. A changelog that a broker made by itself, or "
            "whose table may begin anew, can be deleted, and `router topics --apply` makes it anew"
        )


class DiskFailed(TransientError):
    """The disk of a table cannot be opened, read or written. Nothing is lost by it: the changelog has it all."""

    reason = "disk-failed"

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"the table's disk at {self.path} failed: {self.problem}"


class WrittenOutside(InvariantError):
    """A table was changed by Faust's own way, which no transaction has a part in: after a crash it would count twice."""

    reason = "written-outside"

    def __init__(self, *, table: str) -> None:
        super().__init__(table)
        self.table = table

    def __str__(self) -> str:
        return (
            f"table '{self.table}' is changed by its lane only, whose transaction has the change, the copies and the "
            "source's offset in one piece: `table[key] = value` would write the disk first and commit later, and what a "
            "crash came between would count twice. Read it here; change it where the lane does"
        )
