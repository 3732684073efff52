"""How the shop writes its values."""

from __future__ import annotations

import io
from pathlib import Path

import fastavro
import fastavro.schema
import orjson

from router.develop.encoding import shop_encoders
from router.develop.shop import SOURCES, STOCK, life_of_order

SCHEMAS = Path(__file__).parents[2] / "schemas"


def test_every_value_is_what_its_schema_says() -> None:
    """Whatever happens in the shop can be written by the catalogue's schemas and read back to the last byte."""
    encoders = shop_encoders(SCHEMAS)
    assert tuple(encoders) == SOURCES
    schemas = {
        topic: fastavro.schema.load_schema(str(SCHEMAS / topic.removesuffix(".v1") / "v1.avsc"))
        for topic in SOURCES
        if topic != STOCK
    }
    for number in range(1, 200):
        for event in life_of_order(seed=3, number=number, start=0):
            value = encoders[event.topic](event.value)
            if event.topic != STOCK:
                rest = io.BytesIO(value)
                read = fastavro.schemaless_reader(rest, schemas[event.topic], None)
                assert rest.read() == b""
                assert isinstance(read, dict)
                assert encoders[event.topic](read) == value


def test_stock_levels_follow_their_json_schema() -> None:
    """They are JSON with exactly the schema's properties, and a time in words."""
    schema = orjson.loads((SCHEMAS / "stock.level" / "v1.schema.json").read_bytes())
    event = next(event for event in life_of_order(seed=3, number=1, start=1_767_225_600_000) if event.topic == STOCK)
    written = orjson.loads(shop_encoders(SCHEMAS)[STOCK](event.value))
    assert written.keys() == schema["properties"].keys()
    assert set(schema["required"]) <= written.keys()
    assert written["measured_at"].startswith("2026-01-01T00:0")
    assert written["measured_at"].endswith("+00:00")
