"""The JSON Schema of route files and of files of cases, for editors: made from the shapes that `check` parses with."""

from __future__ import annotations

from typing import Any

from router.language.case_shapes import NULLABLE, CaseFile
from router.language.shapes import RouteFile, Shape

__all__ = ["cases_schema", "routes_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def routes_schema() -> dict[str, Any]:
    """The schema of `routes/<team>.yaml`."""
    return _schema(RouteFile, "Routes of one team")


def cases_schema() -> dict[str, Any]:
    """The schema of `routes/<team>_test.yaml`."""
    return _schema(CaseFile, "Cases of one team's routes")


def _schema(shape: type[Shape], title: str) -> dict[str, Any]:
    nullable = {str(path[-1]) for path in NULLABLE} if shape is CaseFile else set()
    made = _tidy(shape.model_json_schema(by_alias=True, mode="validation"), nullable)
    return {"$schema": _DIALECT, **made, "title": title}


def _tidy(schema: Any, nullable: set[str], *, keep_null: bool = False) -> Any:
    """Without titles made from names, and without null but below the keys that take it: no value, no key."""
    if isinstance(schema, list):
        return [_tidy(each, nullable, keep_null=keep_null) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        key: {name: _tidy(each, nullable, keep_null=name in nullable) for name, each in value.items()}
        if key in {"properties", "$defs"}
        else _tidy(value, nullable, keep_null=keep_null)
        for key, value in schema.items()
        if key != "title" and not (key == "default" and value is None)
    }
    others = [each for each in tidy.get("anyOf", []) if each != {"type": "null"}]
    if len(others) == 1 and not keep_null:
        del tidy["anyOf"]
        # What stands beside the choice is of this key, what stands in it of its type: the key's own words win.
        return {**others[0], **tidy}
    return tidy
