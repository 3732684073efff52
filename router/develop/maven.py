"""Maven Central through jgo, which reads Maven repositories without Maven or Java."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentBuilder, LinkStrategy
from jgo.maven import MavenContext, PythonResolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router.develop.jars import LockedJar

__all__ = ["MavenSource", "ResolvedJar", "resolve"]

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class ResolvedJar:
    """A jar that an endpoint needs, with its coordinate and its place on this disk."""

    group: str
    artifact: str
    version: str
    place: Path


class MavenSource:
    """Fetches single jars by their coordinate, without resolving anything: the lock file did that."""

    def fetch(self, jar: LockedJar, *, into: Path, advance: Callable[[int], None]) -> Path:
        """Fetch the jar below `into`; raises OSError where the network fails, RuntimeError where it is not found."""

        @contextmanager
        def report(_file: str, _size: int) -> Iterator[Callable[[int], None]]:
            yield advance

        context = _context(PythonResolver(progress_callback=report), into)
        return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())


def resolve(endpoint: str, *, directory: Path) -> Sequence[ResolvedJar]:
    """Resolve an endpoint (`group:artifact:version+…`) with all it depends on, into the directory."""
    context = _context(PythonResolver(), directory / "repository")
    builder = EnvironmentBuilder(context=context, cache_dir=directory / "cache", link_strategy=LinkStrategy.COPY)
    environment = builder.from_endpoint(endpoint)
    # jgo files those that it takes for Java modules apart; to a class path they are jars as all others.
    places = {jar.name: jar for jar in Path(environment.path).rglob("*.jar")}
    locked = environment.lockfile.dependencies
    if len(places) != len(locked):
        raise RuntimeError(f"jgo placed {len(places)} jars but lists {len(locked)}")
    return [
        ResolvedJar(
            group=dependency.groupId,
            artifact=dependency.artifactId,
            version=dependency.version,
            place=places[f"{dependency.artifactId}-{dependency.version}.jar"],
        )
        for dependency in locked
    ]


def _context(resolver: PythonResolver, repository: Path) -> MavenContext:
    # As jgo's own command line does: its configuration may name a mirror; a plain machine has none.
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(resolver=resolver, repo_cache=repository, remote_repos=repositories, timeout=_TIMEOUT_S)
