"""Files to a route set, or to everything that is wrong with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.language import OWNER, brief, catalogue, load
from support.proof import Proof
from support.route_mutations import GOOD, assert_told_in_order, mutated_route_files

from router.language.findings import Level
from router.language.load import load_routes
from router.language.reading import read_shape
from router.language.shapes import RouteFile

ROOT = Path(__file__).parents[2]


def test_good_files_make_a_set_without_findings() -> None:
    """Exchanges of one team may be bound to from any other's file."""
    route_set, findings = load({"owner.yaml": OWNER, "t.yaml": GOOD})
    assert findings == ()
    assert route_set is not None
    assert [binding.team for binding in route_set.exchanges["orders"].bindings] == ["owner", "t"]


def test_warnings_leave_the_set() -> None:
    """Doubtful is not wrong."""
    route_set, findings = load(GOOD.replace("      - exchange: orders\n        binding-key: 'RU.#'\n", "").replace(
        "type: direct", "type: fanout"))  # fmt: skip
    assert route_set is not None
    assert [finding.level for finding in findings] == [Level.WARNING]


def test_one_error_refuses_the_set_whole() -> None:
    """And the findings of all files come together, sorted by place."""
    route_set, findings = load(
        {"b.yaml": "teem: x\n", "a.yaml": GOOD.replace("7d", "7"), "c.yaml": "x: [", "d.yaml": ""}
    )
    assert route_set is None
    assert {finding.place.file for finding in findings} == {"a.yaml", "b.yaml", "c.yaml", "d.yaml"}
    assert list(findings) == sorted(findings)


def test_a_faulty_schema_is_an_error_of_the_set() -> None:
    """At its file, even where no route needs it."""
    route_set, findings = load({"owner.yaml": OWNER}, schemas=catalogue(**{"x/v1.avsc": "{"}))
    assert route_set is None
    assert [str(finding.place) for finding in findings] == ["schemas/x/v1.avsc:1:1"]


def test_no_files_are_an_empty_set() -> None:
    """Whether that is what was meant is for whoever reads the folder to ask."""
    route_set, findings = load_routes({}, catalogue())
    assert route_set is not None
    assert findings == ()


@pytest.mark.parametrize("path", sorted((ROOT / "routes").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_can_be_read(path: Path) -> None:
    """The shop's files have no faults of their own."""
    if not path.stem.endswith("_test"):
        _, findings = read_shape(path.read_text(encoding="utf-8"), RouteFile, file=path.name, fallback={})
        assert findings == ()


@settings(max_examples=300)
@given(mutated_route_files())
def test_no_change_of_a_file_makes_it_fall_over(text: str) -> None:
    """There is a set, or there is an error that says why not; and every finding is a printable line in its file."""
    assert_told_in_order(text)


@pytest.mark.proof
def test_ten_thousand_changes_of_a_file_make_none_fall_over(proof: Proof) -> None:
    """The same at full size."""
    told: Counter[str] = Counter()

    @settings(max_examples=10_000, database=None)
    @given(mutated_route_files())
    def change(text: str) -> None:
        told[assert_told_in_order(text)] += 1

    change()
    proof.write(
        "mutated-routes",
        f"{told.total():,} route files with up to four random changes each: {told['refused']:,} were refused with findings "
        f"that have their places, {told['taken']:,} were still right. None made `check` fall over.",
    )


def test_the_order_of_the_files_does_not_matter() -> None:
    """They count by name."""
    texts = {"b.yaml": GOOD, "a.yaml": OWNER.replace("type: topic", "type: topik")}
    assert brief(load(texts)[1]) == brief(load(dict(reversed(texts.items())))[1])
