"""Route files' texts to a compiled route set, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

from router.exchange.model import Place
from router.language.checks import check
from router.language.declarations import gather
from router.language.findings import Finding, InvalidRoutes, Kind, Level
from router.language.kinds import found
from router.language.lower import lower
from router.language.reading import ParsedFile, read_shape
from router.language.routes import RouteSet
from router.language.shapes import NULLABLE, RouteFile
from router.language.subject_sources import with_versions
from router.records.catalogue import Catalogue

__all__ = ["load_routes", "load_valid_routes"]


def load_routes(texts: Mapping[str, str], catalogue: Catalogue) -> tuple[RouteSet | None, tuple[Finding, ...]]:
    """The set that the files make, with all findings in order of place; None where any of them is an error.

    `texts` are the files by the names that findings show. The order of the files does not matter: they count by name.
    """
    findings: list[Finding] = []
    files: list[ParsedFile[RouteFile]] = []
    for name in sorted(texts):
        fallback = {"version": 1, "team": name or "?"}
        parsed, found_here = read_shape(texts[name], RouteFile, file=name, nullable=NULLABLE, fallback=fallback)
        findings += found_here
        if parsed is not None:
            files.append(parsed)
    files, by_subject = with_versions(files, catalogue)
    declarations, twice = gather(
        files,
        by_subject=by_subject,
        whole=not any(finding.level is Level.ERROR for finding in findings),
        all_readable=len(files) == len(texts),
    )
    # A schema's faults have no line: its readers tell a path inside it, and its first line is where its name shows.
    faults = [
        found(Kind.INVALID_SCHEMA, Place(f"schemas/{fault.file}", 1, 1), fault.problem) for fault in catalogue.faults
    ]
    checked = check(declarations, catalogue)
    findings += [*faults, *twice, *checked]
    ordered = tuple(sorted(set(findings)))
    if any(finding.level is Level.ERROR for finding in ordered):
        return None, ordered
    return lower(declarations, catalogue), ordered


def load_valid_routes(texts: Mapping[str, str], catalogue: Catalogue) -> tuple[RouteSet, tuple[Finding, ...]]:
    """The set that the files make, with its warnings. Raises InvalidRoutes with all findings where any of them is an error."""
    route_set, findings = load_routes(texts, catalogue)
    if route_set is None:
        raise InvalidRoutes(findings)
    return route_set, findings
