"""The generated parts of docs/ that need the whole tree: the commands, the example's picture, the schemas for editors.

`python -m router.develop.pages docs` writes them; a test holds that they are up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from router.commands.commands_page import commands_page
from router.language.editor_schema import cases_schema, routes_schema
from router.language.files import read_routes
from router.language.graph.model import graph_of
from router.language.graph.svg import svg
from router.language.load import load_valid_routes
from router.versions.catalogue import read_catalogue

__all__ = ["pages", "shop_picture", "write_pages"]


def pages(root: Path) -> Mapping[str, str]:
    """The texts of the pages by their names in docs/; `root` has the folders routes/ and schemas/."""
    return {
        "commands.md": commands_page(),
        "shop.svg": shop_picture(root),
        "routes.schema.json": _json_text(routes_schema()),
        "cases.schema.json": _json_text(cases_schema()),
    }


def shop_picture(root: Path) -> str:
    """The routes of the example shop as SVG. Raises InvalidRoutes."""
    route_set, _ = load_valid_routes(read_routes(root / "routes"), read_catalogue(root / "schemas"))
    return svg(graph_of(route_set), title="The routes of the example shop")


def write_pages(directory: Path) -> None:
    """Bring the pages of a folder up to date; routes/ and schemas/ stand beside it."""
    for name, text in pages(directory.resolve().parent).items():
        (directory / name).write_text(text, encoding="utf-8")


def _json_text(schema: dict[str, Any]) -> str:
    """As `router schema` prints it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
