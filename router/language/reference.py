"""The generated pages of the documentation: what a route file may say, and what each finding means.

`python -m router.language.reference docs` writes them; a test holds that they are up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from router.language.case_shapes import CaseFile, CaseShape, MessageShape
from router.language.editor_schema import cases_schema, routes_schema
from router.language.findings import Kind
from router.language.kinds import DESCRIPTIONS
from router.language.later import LATER_KEYS
from router.language.shapes import (
    HEADER_OPERATORS,
    AlternateShape,
    BindingShape,
    ExchangeShape,
    FailureShape,
    HashOnShape,
    OrderShape,
    RouteFile,
    Shape,
    TopicShape,
)

__all__ = ["MARK", "findings_page", "routes_page", "routes_reference", "write_pages"]

MARK = "<!-- From here on this page is generated from the shapes that `router check` parses with: `make docs`. -->"
"""In docs/routes.md: what stands above is written by hand, what stands below is not."""

_ROUTE_PLACES: tuple[tuple[str, type[Shape]], ...] = (
    ("A route file", RouteFile),
    ("`exchanges:`, by name", ExchangeShape),
    ("`alternate:` of an exchange", AlternateShape),
    ("`hash-on:` of an exchange", HashOnShape),
    ("`order:` of an exchange", OrderShape),
    ("`topics:`, by name", TopicShape),
    ("`failure:` of a topic", FailureShape),
    ("An item of `from:`", BindingShape),
)
_CASE_PLACES: tuple[tuple[str, type[Shape]], ...] = (
    ("A file of cases", CaseFile),
    ("An item of `cases:`", CaseShape),
    ("`message:` of a case", MessageShape),
)


def routes_page(written: str) -> str:
    """docs/routes.md: what stands above the mark as it is, and the reference below it made anew."""
    return f"{written.partition(MARK)[0].rstrip()}\n\n{MARK}\n\n{routes_reference()}"


def routes_reference() -> str:
    """Every key of every place, in Markdown."""
    lines = ["## Reference", ""]
    lines += _places(_ROUTE_PLACES, routes_schema())
    lines += _operators()
    lines += _places(_CASE_PLACES, cases_schema())
    lines += ["### Not yet supported", ""]
    lines += ["Known, and refused by `router check` with the kind `not-yet-supported`:", ""]
    lines += ["| where | what | about |", "|---|---|---|"]
    lines += _later_rows()
    return "\n".join(lines) + "\n"


def findings_page() -> str:
    """docs/findings.md: an entry for each kind."""
    lines = [
        "# Findings",
        "",
        "<!-- This page is generated from router/language/kinds.py: `make docs`. -->",
        "",
        (
            "What `router check` and `router test` find in files, by kind. A finding is a line `file:line:column kind message`, "
            "and a way out behind it where there is one. An **error** keeps the whole set from taking effect, because half a set "
            "of routes sends records to the wrong places; a **warning** does not. Programs match on the kind, which never "
            "changes, and not on the message (`--json` has them apart)."
        ),
        "",
        "| kind | level | |",
        "|---|---|---|",
    ]
    lines += [f"| [`{kind}`](#{kind}) | {DESCRIPTIONS[kind].level} | {DESCRIPTIONS[kind].meaning} |" for kind in Kind]
    for kind in Kind:
        description = DESCRIPTIONS[kind]
        lines += ["", f"## {kind}", "", f"*{str(description.level).capitalize()}.* {description.meaning}", ""]
        lines += [description.explanation]
    return "\n".join(lines) + "\n"


def write_pages(directory: Path) -> None:
    """Bring the pages of a folder up to date."""
    page = directory / "routes.md"
    page.write_text(routes_page(page.read_text(encoding="utf-8")), encoding="utf-8")
    (directory / "findings.md").write_text(findings_page(), encoding="utf-8")


def _places(places: Iterable[tuple[str, type[Shape]]], schema: dict[str, Any]) -> Iterator[str]:
    for title, shape in places:
        definition = schema["$defs"].get(shape.__name__, schema)
        yield from (f"### {title}", "", str(definition["description"]), "")
        yield from ("| key | takes | default | |", "|---|---|---|---|")
        for key, of in definition["properties"].items():
            required = key in definition.get("required", ())
            default = "**required**" if required else _default(of)
            yield f"| `{key}` | {_cell(_type_of(of))} | {default} | {_cell(of['description'])} |"
        yield ""


def _operators() -> Iterator[str]:
    yield from ("### Operators on a header", "", f"{HEADER_OPERATORS['description']}", "")
    yield from ("| operator | takes | |", "|---|---|---|")
    for name, of in HEADER_OPERATORS["properties"].items():
        yield f"| `{name}` | {_OPERANDS[name]} | {_cell(of['description'])} |"
    yield ""


_OPERANDS = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), "number or text"),
    "in": "list of values",
    "exists": "true or false",
    **dict.fromkeys(("prefix", "matches"), "text"),
    "not": "value, null or operators",
    "equals": "value",
}


def _default(of: dict[str, Any]) -> str:
    if "default" not in of:
        return ""
    default = of["default"]
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _type_of(of: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "enum" in of:
        return ", ".join(f"`{value}`" for value in of["enum"])
    if "const" in of:
        return f"`{of['const']}`"
    if "anyOf" in of:
        return " or ".join(_type_of(each) for each in of["anyOf"])
    if "pattern" in of:
        return f"duration: `250ms`, `10s`, `5m`, `12h`, `7d`{', `forever`' if 'forever' in of['pattern'] else ''}"
    if "$ref" in of:
        return "mapping, below"
    return _container(of) if of.get("type") in {"array", "object"} else _SCALARS.get(of.get("type", ""), "anything")


_SCALARS = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "null"}


def _container(of: dict[str, Any]) -> str:
    if of["type"] == "array":
        items = _type_of(of["items"])
        kind, colon, forms = items.partition(":")  # of a duration, how one is written
        return "list, below" if items == "mapping, below" else f"list of {kind}s{colon}{forms}"
    values = of.get("additionalProperties", {})
    if "$ref" in values:
        return "mapping by name, below"
    texts = all(each.get("type") in ("string", "null") for each in values.get("anyOf", ()))
    return "mapping of texts" if texts else "mapping"


def _later_rows() -> Iterator[str]:
    names = {shape: title for title, shape in _ROUTE_PLACES}
    what = [(shape, key, about) for shape, keys in LATER_KEYS.items() for key, about in keys.items()]
    yield from (f"| {names[shape]} | `{key}` | {about} |" for shape, key, about in what)
    yield "| `order:` | `repartition` where several sources are of one subject | putting its versions in one order |"
    yield "| `topics:`, by name | `failure` behind an exchange that orders by another field than its `key` | keeping that field's keys |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":  # pragma: no cover -- `make docs`
    write_pages(Path(sys.argv[1]))
