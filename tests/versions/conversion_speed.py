"""How many records a second the example's conversions make, decoded, converted and encoded, on one core.

    python tests/versions/conversion_speed.py

It converts one order of two lines again and again, and says the best and the middle of nine runs by the process's own clock.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from router.records.avro import encode_whole
from router.records.schema import AvroSchema
from router.versions.subjects import load_conversions, read_subjects

SCHEMAS = Path(__file__).parents[2] / "schemas"
COUNT = 20_000
ORDER = {
    "event_id": "8a2c9a51-5c0e-5d8f-9f2e-6b1f0d4c7e13",
    "order_id": "ord-123456",
    "sequence": 3,
    "country": "RU",
    "status": "money_refunded",
    "amount": 123_400,
    "currency": "RUB",
    "updated_at": 1_700_000_000_000,
    "customer": {"id": 77, "email": "a@b.example", "phone": None},
    "comment": None,
    "items": [{"sku": "s1", "qty": 1, "price": 100}, {"sku": "s2", "qty": 2, "price": 200}],
}


def main() -> None:
    texts = {path.relative_to(SCHEMAS).as_posix(): path.read_text() for path in SCHEMAS.glob("order.status/*")}
    subject = read_subjects(texts)[0]["order.status"]
    conversions, _ = load_conversions(subject, texts)
    first = subject.revisions[0].schema
    assert isinstance(first, AvroSchema)
    body = encode_whole(first.types, ORDER)
    bodies = {1: body, 2: conversions[1, 2].convert(body)}
    for conversion in conversions.values():
        rates = []
        for _ in range(9):
            began = time.process_time()
            for _ in range(COUNT):
                conversion.convert(bodies[conversion.source])
            rates.append(COUNT / (time.process_time() - began))
        best, middle = max(rates), statistics.median(rates)
        print(f"{conversion}: {middle:,.0f} records a second, {best:,.0f} at best")


if __name__ == "__main__":
    main()
