"""What tests of the language share: a small catalogue, and findings in a form that tables can state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from textwrap import dedent, indent

from router.language.findings import Finding
from router.language.load import load_routes
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue
from router.versions.catalogue import new_catalogue

ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "country", "type": "string"},
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["created", "paid", "delivered"]}},
        {"name": "amount", "type": "long"},
        {
            "name": "customer",
            "type": {
                "type": "record",
                "name": "Customer",
                "fields": [
                    {"name": "tier", "type": "string", "default": "plain"},
                    {"name": "email", "type": ["null", "string"]},
                ],
            },
        },
        {"name": "items", "type": {"type": "array", "items": "string"}},
    ],
}
STOCK = {
    "type": "object",
    "required": ["sku", "level"],
    "properties": {"sku": {"type": "string"}, "level": {"type": "integer"}, "hall": {"type": ["string", "null"]}},
}
TEXTS = {
    "order.status/v1.avsc": json.dumps(ORDER),
    "order.status/v2.avsc": json.dumps(ORDER),
    "payment/v1.avsc": json.dumps({"type": "record", "name": "P", "fields": [{"name": "state", "type": "string"}]}),
    "stock/v1.schema.json": json.dumps(STOCK),
}

OWNER = """\
version: 1
team: owner
exchanges:
  orders:
    type: topic
    sources: [order.status.v1]
    routing-key: "{country}.{status}"
topics:
  all.order.status.v1:
    from: [{exchange: orders}]
"""
"""A good file, whose exchange other files may bind to."""


def catalogue(**more: str) -> Catalogue:
    """Return the catalogue of orders (two versions), payments and stock levels, and of more files."""
    return new_catalogue(TEXTS | more)


def load(
    texts: Mapping[str, str] | str, *, schemas: Catalogue | None = None
) -> tuple[RouteSet | None, tuple[Finding, ...]]:
    """Load files, or one of the name t.yaml."""
    files = {"t.yaml": texts} if isinstance(texts, str) else texts
    dedented = {name: dedent(text) for name, text in files.items()}
    return load_routes(dedented, schemas or catalogue())


def brief(findings: Iterable[Finding]) -> list[tuple[str, int, int]]:
    """Return kind, line and column of each finding."""
    return [(str(finding.kind), finding.place.line, finding.place.column) for finding in findings]


def routes(*, exchanges: str = "", topics: str = "") -> str:
    """Return a file of team t whose exchanges begin in line 4, or its topics where it has none, indented by two."""
    text = "version: 1\nteam: t\n"
    for key, said in (("exchanges", exchanges), ("topics", topics)):
        text += f"{key}:\n{indent(dedent(said).strip(), '  ')}\n" if said else ""
    return text
