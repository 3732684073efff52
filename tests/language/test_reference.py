"""The generated pages of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.language.editor_schema import cases_schema, routes_schema
from router.language.findings import Kind
from router.language.reference import MARK, findings_page, routes_page, routes_reference, write_pages
from router.language.shapes import BindingShape, ExchangeShape, TopicShape

DOCS = Path(__file__).parents[2] / "docs"


def test_the_committed_pages_are_up_to_date() -> None:
    """`make docs` writes them."""
    routes = (DOCS / "routes.md").read_text(encoding="utf-8")
    assert routes == routes_page(routes), "run `make docs`"
    assert (DOCS / "findings.md").read_text(encoding="utf-8") == findings_page(), "run `make docs`"


@pytest.mark.parametrize("shape", [ExchangeShape, TopicShape, BindingShape])
def test_every_key_has_a_row(shape: type[ExchangeShape | TopicShape | BindingShape]) -> None:
    """With what it takes and what it means."""
    reference = routes_reference()
    for field in shape.model_fields.values():
        (row, *_) = [line for line in reference.splitlines() if line.startswith(f"| `{field.alias}` |")]
        assert "anything" not in row


def test_every_shape_has_a_table() -> None:
    """One for each place of a file, with its description."""
    definitions = routes_schema()["$defs"] | cases_schema()["$defs"]
    assert [name for name, of in definitions.items() if of["description"] not in routes_reference()] == []


def test_every_kind_has_a_heading() -> None:
    """That a finding can be linked to."""
    page = findings_page()
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == [str(kind) for kind in Kind]


def test_what_is_written_by_hand_stays(tmp_path: Path) -> None:
    """Above the mark; what is below it is made anew, and making it twice changes nothing."""
    (tmp_path / "routes.md").write_text(f"# By hand\n\n{MARK}\n\nZZZ\n", encoding="utf-8")
    write_pages(tmp_path)
    once = (tmp_path / "routes.md").read_text(encoding="utf-8")
    assert once.startswith(f"# By hand\n\n{MARK}\n\n## Reference\n")
    assert "ZZZ" not in once
    write_pages(tmp_path)
    assert (tmp_path / "routes.md").read_text(encoding="utf-8") == once
    assert (tmp_path / "findings.md").read_text(encoding="utf-8") == findings_page()
