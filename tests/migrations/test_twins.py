"""Which topics are twins, and which of them need not exist."""

import pytest

from router.language.load import load_routes
from router.language.routes import RouteSet
from router.migrations.twins import Twins, twins_of, unneeded, version_of
from router.versions.catalogue import new_catalogue

SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'
ROUTES = """
version: 1
team: shop
exchanges:
  orders: {{type: topic, sources: [{}], routing-key: "{{country}}"}}
topics:
  ru.order.v1: {{from: [{{exchange: orders, binding-key: RU}}]}}
"""


def routes(*sources: str, versions: int = 3) -> RouteSet:
    catalogue = new_catalogue({f"order/v{number}.avsc": SCHEMA for number in range(1, versions + 1)})
    route_set, findings = load_routes({"shop.yaml": ROUTES.format(", ".join(sources))}, catalogue)
    assert route_set is not None, findings
    return route_set


def test_versions_of_a_subject_are_twins() -> None:
    """The earlier ones are what the later ones' records come behind."""
    assert twins_of(routes("shop.order")) == {
        "shop.order.v1": Twins(("shop.order.v2", "shop.order.v3")),
        "shop.order.v2": Twins(("shop.order.v1", "shop.order.v3"), ("shop.order.v1",)),
        "shop.order.v3": Twins(("shop.order.v1", "shop.order.v2"), ("shop.order.v1", "shop.order.v2")),
    }


def test_ten_follows_nine() -> None:
    """Versions are numbers, and not texts."""
    assert twins_of(routes("order", versions=10))["order.v10"].earlier[-1] == "order.v9"


@pytest.mark.parametrize("sources", [("order.v1", "order.v2"), ("order.v1",)])
def test_topics_that_are_named_by_themselves_have_none(sources: tuple[str, ...]) -> None:
    """Who names a version means that topic, whatever is in it."""
    assert twins_of(routes(*sources)) == {}


def test_the_only_version_has_none() -> None:
    """Until there is a second, a subject is a topic."""
    assert twins_of(routes("order", versions=1)) == {}


TWINS = twins_of(routes("order"))


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((), set()),
        (("order.v2",), {"order.v2"}),
        (("order.v1", "order.v2"), {"order.v1", "order.v2"}),
        (("order.v1", "order.v2", "order.v3"), set()),
        (("other.v1", "order.v3"), {"order.v3"}),
    ],
)
def test_one_version_of_a_subject_is_enough(missing: tuple[str, ...], expected: set[str]) -> None:
    """Before a migration and behind it there is one; a subject without any is missing."""
    assert unneeded(missing, TWINS) == expected


def test_a_version_is_a_number() -> None:
    """`.v0` and `.vx` are parts of a name."""
    assert version_of("a.b.v12") == ("a.b", 12)
    for name in ("a.b", "a.v0", "a.vx", "v1"):
        with pytest.raises(ValueError, match="has no version"):
            version_of(name)
