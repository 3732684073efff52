"""Copies for topics of another version are converted, each by the conversion from its own source."""

from __future__ import annotations

import json

from support.language import TEXTS, load

from router.versions.catalogue import new_catalogue

ROUTES = """
version: 1
team: t
exchanges:
  e: {type: fanout, sources: [payment.v1, b.payment.v2], alternate: {topic: rest.payment.v2}}
  f: {type: fanout, sources: [order.status.v1]}
topics:
  old.payment.v1: {from: [{exchange: e}]}
  new.payment.v2: {from: [{exchange: e}]}
  same.order.status.v1: {from: [{exchange: f}]}
"""
STEPS = {
    "payment/v2.avsc": json.dumps({"type": "record", "name": "P", "fields": [{"name": "phase", "type": "string"}]}),
    "payment/v1_to_v2.yaml": "fields: {phase: state}",
    "payment/v2_to_v1.yaml": "fields: {state: phase}",
}


def test_copies_of_another_version_are_converted() -> None:
    """Of every source by itself; alternates' too; copies of the source's own version are not."""
    route_set, findings = load(ROUTES, schemas=new_catalogue(TEXTS | STEPS))
    assert route_set is not None, findings
    assert {
        source: {topic: str(one).partition(" by")[0] for topic, one in each.conversions.items()}
        for source, each in route_set.sources.items()
    } == {
        "b.payment.v2": {"old.payment.v1": "v2 to v1"},
        "order.status.v1": {},
        "payment.v1": {"new.payment.v2": "v1 to v2", "rest.payment.v2": "v1 to v2"},
    }


def test_routes_with_other_steps_are_other_routes() -> None:
    """Workers say by a fingerprint which routes they have: what is converted otherwise is something else."""
    changed = STEPS | {"payment/v1_to_v2.yaml": "fields: {phase: state + '!'}"}
    prints = {load(ROUTES, schemas=new_catalogue(TEXTS | each))[0].fingerprint for each in (STEPS, changed)}  # type: ignore[union-attr]
    assert len(prints) == 2
