"""The example shop: what happens to an order, from the click to the doorstep and sometimes back.

It sells groceries in five countries and delivers within the hour, so that a life takes minutes and many overlap. The
life of order number n depends on the seed and on n alone: the same seed tells the same story, at any length. Times are
milliseconds since the epoch.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = [
    "ORDER",
    "PAYMENT",
    "PRODUCT",
    "REFUND",
    "SOURCES",
    "STOCK",
    "Happening",
    "arrival_of_order",
    "life_of_order",
]

ORDER = "order.status.v1"
REFUND = "refund.update.v1"
PAYMENT = "payment.transaction.v1"
PRODUCT = "product.update.v1"
STOCK = "stock.level.v1"
SOURCES = (ORDER, REFUND, PAYMENT, PRODUCT, STOCK)
"""The broad topics that the shop's systems publish."""

SECOND = 1_000
MINUTE = 60 * SECOND
BETWEEN_ORDERS = 20 * SECOND

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a system of the shop publishes, before it is encoded."""

    topic: str
    key: str
    value: Mapping[str, Any]
    at: int
    event_id: str | None
    """None where the system gives its events no id, as the warehouses do."""


class _Product(NamedTuple):
    path: str
    title: str
    price: int
    weight_kg: float | None


class _Country(NamedTuple):
    code: str
    weight: int
    currency: str
    warehouses: tuple[str, ...]
    networks: tuple[str, ...]


_PRODUCTS = (
    _Product("grocery.dairy.milk-1l", "Milk, 1 l", 9_900, 1.03),
    _Product("grocery.dairy.kefir-500ml", "Kefir, 0.5 l", 7_400, 0.52),
    _Product("grocery.dairy.butter-200g", "Butter, 200 g", 21_900, 0.2),
    _Product("grocery.bakery.rye-bread", "Rye bread", 5_600, 0.65),
    _Product("grocery.bakery.lavash", "Lavash, thin", 6_200, 0.25),
    _Product("grocery.fruit.apples-kg", "Apples, 1 kg", 14_900, 1.0),
    _Product("grocery.frozen.pelmeni-900g", "Pelmeni, 900 g", 48_900, 0.9),
    _Product("grocery.frozen.ice-cream", "Ice cream in a waffle cup", 8_900, 0.1),
    _Product("grocery.tea", "Tea, loose, by weight", 32_000, None),
    _Product("household.cleaning.soap", "Soap, 4 pieces", 18_500, 0.36),
    _Product("household.light.bulb-e27", "Light bulb, E27", 23_900, 0.08),
    _Product("household.paper.napkins", "Napkins, 100 pieces", 7_900, 0.12),
    _Product("pets.dry.cat-food-2kg", "Cat food, 2 kg", 89_900, 2.0),
    _Product("pets.frozen.sprats", "Sprats for cats, frozen", 26_500, 0.4),
)

_COUNTRIES = (
    _Country("RU", 50, "RUB", ("msk.1", "msk.2", "spb"), ("MIR", "MIR", "VISA")),
    _Country("KZ", 20, "KZT", ("ala",), ("VISA", "MASTERCARD")),
    _Country("UA", 12, "UAH", ("kyv",), ("VISA", "MASTERCARD")),
    _Country("BY", 12, "BYN", ("msq",), ("BELKART", "VISA")),
    _Country("AM", 6, "AMD", ("evn",), ("VISA", "MASTERCARD")),
)

_NAMES = ("alia", "boris", "carine", "daniyar", "elena", "faina", "gevorg", "hanna", "igor", "julia")
_COMMENTS = (None, None, None, "ring twice, please", "the dog is friendly", "до двери, код 12.5", "без звонка 🙏")
_DECIMAL_PLACES = Decimal("0.01")


def arrival_of_order(*, number: int, start: int) -> int:
    """No record of this order, or of a later one, is earlier."""
    return start + (number - 1) * BETWEEN_ORDERS


def life_of_order(*, seed: int, number: int, start: int) -> tuple[Happening, ...]:
    """All that happens because of order `number` (from 1), in order of time; the first order comes at `start`."""
    return _Life(seed, number, start).happenings()


class _Life:
    """One order while its life is being told: each method publishes what one system would."""

    def __init__(self, seed: int, number: int, start: int) -> None:
        # Text as a seed is hashed by random itself, the same on every machine and every run.
        self._random = rng = random.Random(f"{seed}/{number}")
        self._told: list[Happening] = []
        self._now = arrival_of_order(number=number, start=start) + rng.randrange(BETWEEN_ORDERS)
        self._sequence = 0
        self._number = number
        self._country = rng.choices(_COUNTRIES, [country.weight for country in _COUNTRIES])[0]
        self._order_id = f"ord-{seed}-{number:07}"
        self._basket = rng.sample(range(len(_PRODUCTS)), rng.randint(1, 4))
        self._quantities = {index: rng.randint(1, 3) for index in self._basket}
        self._warehouse = rng.choice(self._country.warehouses)
        self._comment = rng.choice(_COMMENTS)
        name = rng.choice(_NAMES)
        self._customer = {
            "id": rng.randrange(1, 500_000),
            "email": f"{name}@mail.example" if rng.random() < 0.8 else None,
            "phone": f"+7 700 {rng.randrange(10**7):07}" if rng.random() < 0.6 else None,
        }
        self._card: Facts | None = None
        self._fiscal = True
        self._authorized = False
        self._captured = 0

    def happenings(self) -> tuple[Happening, ...]:
        rng = self._random
        self._status("created")
        self._stock(self._basket[0])
        if self._number % 4 == 0:
            self._product_changes()
        if rng.random() < 0.25:
            self._pays_at_the_door()
        else:
            self._pays_online()
        return tuple(self._told)

    def _pays_online(self) -> None:
        rng = self._random
        if rng.random() < 0.12:
            self._fiscal = False  # a gift card
        else:
            self._card = {
                "network": rng.choice(self._country.networks),
                "masked": f"{rng.randrange(10**6):06}******{rng.randrange(10**4):04}",
            }
            self._pass(2 * MINUTE)
            if rng.random() < 0.08:
                self._payment("declined", self._amount())
                self._status("cancelled")
                return
            self._payment("authorized", self._amount())
            if rng.random() < 0.04:
                self._payment("voided", self._amount())
                self._status("cancelled")
                return
        self._capture()
        if rng.random() < 0.05:
            self._pass(10 * MINUTE)
            self._status("cancelled")
            self._give_money_back(self._captured)
            return
        self._delivery()
        if rng.random() < 0.15:
            self._return()

    def _pays_at_the_door(self) -> None:
        self._delivery()
        self._capture()
        if self._random.random() < 0.1:
            self._return()

    def _capture(self) -> None:
        self._captured = self._amount()
        self._payment("captured", self._captured)
        self._status("paid")

    def _delivery(self) -> None:
        rng = self._random
        if len(self._basket) > 1 and rng.random() < 0.2:
            self._pass(5 * MINUTE)
            self._basket = self._basket[:-1]
            self._status("item_cancelled")
        self._pass(15 * MINUTE)
        for index in self._basket:
            self._stock(index)
        self._status("packed")
        self._pass(5 * MINUTE)
        self._status("shipped")
        self._pass(30 * MINUTE)
        self._status("delivered")

    def _return(self) -> None:
        rng = self._random
        refund_id = f"ref-{self._order_id.removeprefix('ord-')}"
        amount = self._amount()
        self._pass(20 * MINUTE)
        self._status("return_requested")
        reason = rng.choice(("damaged", "late", "wrong_item", "changed_mind"))
        skus = [_sku(index) for index in self._basket]
        self._refund(refund_id, "refund_requested", {"reason": reason, "amount": amount, "skus": skus})
        self._pass(10 * MINUTE)
        if rng.random() < 0.25:
            explanation = rng.choice((None, "the seal is broken"))
            self._refund(refund_id, "refund_rejected", {"rejected_by": "desk", "explanation": explanation})
            return
        self._refund(refund_id, "refund_approved", {"amount": amount, "approved_by": rng.choice(_NAMES)})
        self._status("returned")
        if rng.random() < 0.3:
            self._refund(refund_id, "refund_failed", {"code": f"E{rng.randrange(100):02}", "will_retry": True})
            self._pass(5 * MINUTE)
        transaction = self._give_money_back(amount)
        day = self._now // (24 * 60 * MINUTE)
        told = {"amount": amount, "transaction_id": transaction, "value_date": day + 1}
        self._refund(refund_id, "money_refunded", told)

    def _give_money_back(self, amount: int) -> str:
        transaction = self._payment("refunded", amount)
        self._status("money_refunded")
        return transaction

    def _status(self, status: str) -> None:
        self._pass(MINUTE)
        self._sequence += 1
        event_id = self._uuid()
        self._tell(
            ORDER,
            self._order_id,
            {
                "event_id": event_id,
                "order_id": self._order_id,
                "sequence": self._sequence,
                "country": self._country.code,
                "status": status,
                "amount": self._amount(),
                "currency": self._country.currency,
                "updated_at": self._now,
                "customer": self._customer,
                "comment": self._comment,
                "items": [
                    {"sku": _sku(index), "qty": self._quantities[index], "price": _PRODUCTS[index].price}
                    for index in self._basket
                ],
            },
            event_id,
        )

    def _payment(self, state: str, amount: int) -> str:
        self._pass(10 * SECOND)
        transaction = self._uuid()
        value = {
            "transaction_id": transaction,
            "order_id": self._order_id,
            "amount": (Decimal(amount) / 100).quantize(_DECIMAL_PLACES),
            "currency": self._country.currency,
            "card": self._card,
            "state": state,
            "fiscal": self._fiscal,
            "occurred_at": self._now,
        }
        self._tell(PAYMENT, self._order_id, value, transaction)
        return transaction

    def _refund(self, refund_id: str, kind: str, story: Facts) -> None:
        self._pass(MINUTE)
        event_id = self._uuid()
        value = {
            "event_id": event_id,
            "refund_id": refund_id,
            "order_id": self._order_id,
            "type": kind,
            "updated_at": self._now,
            kind: story,
        }
        self._tell(REFUND, self._order_id, value, event_id)

    def _stock(self, index: int) -> None:
        on_hand = self._random.choice((0, 3, 3, 40, 40, 40, 120))
        value = {
            "sku": _sku(index),
            "warehouse": {"code": self._warehouse, "country": self._country.code},
            "state": "out_of_stock" if on_hand == 0 else "low" if on_hand < 5 else "in_stock",
            "on_hand": on_hand,
            "reserved": self._quantities[index],
            "shelf": self._random.choice((None, "A-12", "C-3")),
            "measured_at": self._now,
        }
        self._tell(STOCK, f"{self._warehouse}/{_sku(index)}", value, None)

    def _product_changes(self) -> None:
        index = self._number // 4 % len(_PRODUCTS)
        product = _PRODUCTS[index]
        value = {
            "sku": _sku(index),
            "title": product.title,
            "price": product.price + self._random.randrange(-9, 10) * 100,
            "weight_kg": product.weight_kg,
            "attributes": {"tax": "10" if product.path.startswith("grocery") else "20"},
            "image_md5": self._random.randbytes(16),
            "updated_at": self._now,
        }
        self._tell(PRODUCT, product.path, value, self._uuid())

    def _tell(self, topic: str, key: str, value: Facts, event_id: str | None) -> None:
        self._told.append(Happening(topic, key, value, self._now, event_id))

    def _pass(self, longest: int) -> None:
        self._now += self._random.randint(1, longest)

    def _amount(self) -> int:
        return sum(_PRODUCTS[index].price * self._quantities[index] for index in self._basket)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _sku(index: int) -> str:
    return f"SKU-{100 + index}"
