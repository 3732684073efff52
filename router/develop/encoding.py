"""How the shop's systems write their values: Avro by the catalogue's schemas, stock levels as JSON.

It uses fastavro's writer and no part of the router, so that what the router reads was written by somebody else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import fastavro.schema
import orjson

from router.develop.shop import SOURCES

__all__ = ["Encoder", "shop_encoders"]

Encoder = Callable[[Mapping[str, Any]], bytes]


def shop_encoders(schemas: Path) -> dict[str, Encoder]:
    """An encoder for each broad topic of the shop, by the schemas in this directory."""
    encoders: dict[str, Encoder] = {}
    for topic in SOURCES:
        subject, version = topic.rsplit(".", 1)
        avro = schemas / subject / f"{version}.avsc"
        encoders[topic] = _avro_encoder(avro) if avro.exists() else _json_value
    return encoders


def _avro_encoder(file: Path) -> Encoder:
    schema = fastavro.schema.load_schema(str(file))

    def encode(value: Mapping[str, Any]) -> bytes:
        written = io.BytesIO()
        fastavro.schemaless_writer(written, schema, value)
        return written.getvalue()

    return encode


def _json_value(value: Mapping[str, Any]) -> bytes:
    measured = datetime.fromtimestamp(value["measured_at"] / 1000, UTC)
    return orjson.dumps({**value, "measured_at": measured.isoformat(timespec="milliseconds")})
