"""From any version of a subject to any other: conversions one after another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from router.records.conversion import NoConversion
from router.versions.conversion import Conversion
from router.versions.subjects import Subject

__all__ = ["Chain"]


@dataclass(frozen=True, slots=True)
class Chain:
    """The way from one version to another, adjacent ones one after another."""

    subject: Subject
    conversions: tuple[Conversion, ...]

    @classmethod
    def between(
        cls, subject: Subject, conversions: Mapping[tuple[int, int], Conversion], source: int, target: int
    ) -> Chain:
        """The way; raises NoConversion with the first link that is missing."""
        versions = [each for each in subject.versions if min(source, target) <= each <= max(source, target)]
        if source > target:
            versions.reverse()
        links = list(pairwise(versions))
        for pair in links:
            if pair not in conversions:
                raise NoConversion(subject=subject.name, source=pair[0], target=pair[1])
        if not versions or versions[0] != source or versions[-1] != target:
            raise NoConversion(subject=subject.name, source=source, target=target)
        return cls(subject, tuple(conversions[pair] for pair in links))

    def convert(self, body: bytes) -> bytes:
        """A bare body of the last version from one of the first's newest revision. Raises Unreadable, ConversionFailed."""
        for each in self.conversions:
            body = each.convert(body)
        return body

    @property
    def loses(self) -> tuple[str, ...]:
        """What is lost on the way, with the version that it was in: `v1 comment`."""
        return tuple(f"v{each.source} {path}" for each in self.conversions for path in each.loses)
