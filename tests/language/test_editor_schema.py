"""The JSON Schema that editors complete by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router.language.editor_schema import cases_schema, routes_schema
from router.language.shapes import ExchangeShape


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk everything in a schema that is a schema, or looks like one."""
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            yield from nodes(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from nodes(value, f"{path}/{index}")


@pytest.mark.parametrize("schema", [routes_schema(), cases_schema()], ids=["routes", "cases"])
def test_it_is_a_whole_schema(schema: dict[str, Any]) -> None:
    """Its references lead somewhere, and no mapping of known keys takes others."""
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"]
    for path, node in nodes(schema):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].removeprefix("#/$defs/") in schema["$defs"], path
        if path.count("/") == 2 and path.startswith("/$defs/"):
            assert node["additionalProperties"] is False, path
            assert node["description"], path


def test_it_has_every_key_of_the_shapes() -> None:
    """By the names that people write, and with the descriptions."""
    properties = routes_schema()["$defs"]["ExchangeShape"]["properties"]
    assert set(properties) == {field.alias for field in ExchangeShape.model_fields.values()}
    assert properties["type"]["enum"][:3] == ["direct", "topic", "fanout"]
    assert all(each["description"] for each in properties.values())
    assert routes_schema()["required"] == ["version", "team"]


def test_a_key_has_a_value_or_is_not_there() -> None:
    """A key of a route file never takes null; of a case, those that a record can have as null do."""
    properties = routes_schema()["$defs"]["TopicShape"]["properties"]
    assert properties["partitions"]["type"] == "integer"
    assert properties["retention"]["pattern"]
    message = cases_schema()["$defs"]["MessageShape"]["properties"]
    assert {"type": "null"} in message["key"]["anyOf"]
    assert {"type": "null"} in message["headers"]["additionalProperties"]["anyOf"]
    assert cases_schema()["$defs"]["CaseShape"]["properties"]["unroutable"]["type"] == "boolean"
    assert "default" not in message["key"]


def test_one_binding_key_or_a_list_of_them() -> None:
    """An editor takes both, as `check` does."""
    keys = routes_schema()["$defs"]["BindingShape"]["properties"]["binding-key"]
    assert [each["type"] for each in keys["anyOf"]] == ["string", "array"]
