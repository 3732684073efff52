"""Findings about versions."""

from router.exchange.model import Place
from router.language.findings import Finding, Kind, Level
from router.versions.conversion_findings import VersionFinding, VersionKind, of_language


def test_findings_read_as_those_of_routes() -> None:
    """Place, kind, message and the way out, on one line."""
    place = Place("f.yaml", 2, 3)
    bare = VersionFinding(place, Level.ERROR, VersionKind.MISFIT, "it does not fit")
    assert str(bare) == "f.yaml:2:3 misfit it does not fit"
    assert str(VersionFinding(place, Level.ERROR, VersionKind.MISFIT, "no", "yes")) == "f.yaml:2:3 misfit no: yes"


def test_findings_of_the_language_stay_what_they_are() -> None:
    """YAML's faults keep kind, place and words."""
    finding = Finding(Place("f", 1, 1), Level.WARNING, Kind.EMPTY_FILE, "m", "s")
    assert str(of_language(finding)) == str(finding)
    assert of_language(finding).level is Level.WARNING
