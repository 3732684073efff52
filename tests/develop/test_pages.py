"""The generated parts of docs/."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from router.commands import main
from router.develop.pages import pages, shop_picture, write_pages
from router.language.findings import InvalidRoutes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", list(pages(ROOT)))
def test_the_committed_pages_are_up_to_date(name: str) -> None:
    """`make docs` writes them."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages(ROOT)[name], "run `make docs`"


def test_the_schemas_are_what_the_command_prints() -> None:
    """Whoever has no checkout gets the same."""
    for name, option in (("routes.schema.json", []), ("cases.schema.json", ["--cases"])):
        assert pages(ROOT)[name] == CliRunner().invoke(main, ["schema", *option]).output


def test_the_picture_shows_the_shop() -> None:
    """Its broad topics, exchanges, and teams."""
    texts = {text.text for text in ET.fromstring(shop_picture(ROOT)).iter("{http://www.w3.org/2000/svg}text")}
    assert {"order.status.v1", "orders", "notifications", "UA.packed"} <= texts


def test_pages_are_written_beside_the_routes(tmp_path: Path) -> None:
    """And faulty routes have no picture."""
    for folder in ("routes", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "docs").mkdir()
    write_pages(tmp_path / "docs")
    assert {path.name for path in (tmp_path / "docs").iterdir()} == set(pages(ROOT))
    (tmp_path / "routes" / "x.yaml").write_text("version: 2\n")
    with pytest.raises(InvalidRoutes):
        write_pages(tmp_path / "docs")


def test_the_readme_shows_the_picture() -> None:
    """Near its top."""
    assert "docs/shop.svg" in (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
