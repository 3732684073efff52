"""Subjects, versions, and which of them a topic carries."""

from __future__ import annotations

import pytest

from router.records.catalogue import Catalogue

TEXTS = {
    "order.status/v1.avsc": '"string"',
    "order.status/v2.avsc": '"string"',
    "order.status/v10.avsc": '"string"',
    "status/v3.avsc": '"string"',
    "stock.level/v1.schema.json": "{}",
    "order.status/v1_to_v2.yaml": "no schema",
    "order.status/v01.avsc": "no version",
    "README.md": "no schema",
}
CATALOGUE = Catalogue.from_texts(TEXTS)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        pytest.param("order.status.v1", "order.status.v1", id="no-prefix"),
        pytest.param("vip.order.status.v2", "order.status.v2", id="prefix"),
        pytest.param("bob-ru.order.status.v10", "order.status.v10", id="two-digits"),
        pytest.param("status.v3", "status.v3", id="shorter-subject"),
        pytest.param("my.status.v3", "status.v3", id="shorter-subject-with-prefix"),
        pytest.param("order.status.v3", None, id="longest-subject-lacks-the-version"),
        pytest.param("border.status.v1", None, id="only-whole-words"),
        pytest.param("stock.level.v1", "stock.level.v1", id="json"),
        pytest.param("payments.v1", None, id="unknown"),
        pytest.param("order.status", None, id="no-version"),
        pytest.param("order.status.v0", None, id="version-zero"),
        pytest.param("order.status.v1.unroutable", None, id="version-inside"),
        pytest.param("v1", None, id="only-a-version"),
        pytest.param("vip.order.status.v2.g2", "order.status.v2", id="a-generation"),
        pytest.param("order.status.v1.g1", None, id="the-first-says-none"),
    ],
)
def test_topic_carries_the_longest_subject(topic: str, expected: str | None) -> None:
    """The name before the version ends with a subject, word by word; the longest counts, even without that version."""
    found = CATALOGUE.resolve(topic)
    assert (str(found) if found else None) == expected


def test_catalogue_lists_what_it_has() -> None:
    """Subjects are sorted by name and versions by number; what is no schema is passed over."""
    assert CATALOGUE.subjects == ("order.status", "status", "stock.level")
    assert CATALOGUE.versions_of("order.status") == (1, 2, 10)
    assert CATALOGUE.get("order.status", 2) is CATALOGUE.versions["order.status", 2]
    assert CATALOGUE.get("order.status", 3) is None
    assert CATALOGUE.faults == ()


def test_format_is_that_of_the_file() -> None:
    """An `.avsc` is Avro, a `.schema.json` JSON."""
    formats = {str(one): one.schema.format for one in CATALOGUE.versions.values()}
    assert formats["stock.level.v1"] == "json"
    assert formats["order.status.v1"] == "avro"


def test_every_broken_schema_is_named_at_once() -> None:
    """A schema that cannot be used costs its own version only; all faults are told together."""
    catalogue = Catalogue.from_texts(
        {"a/v1.avsc": "{", "b/v1.schema.json": "[]", "c/v1.avsc": '"int"', "c/v1.schema.json": "{}"}
    )
    assert [fault.file for fault in catalogue.faults] == ["a/v1.avsc", "b/v1.schema.json", "c/v1.schema.json"]
    assert "'c/v1.avsc' is the same version" in str(catalogue.faults[2])
    assert catalogue.subjects == ("c",)
