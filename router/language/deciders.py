"""From a compiled route set to what decides for each source: the readers of just the fields that routes need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from router.exchange.deciding import Decider, MarkedDecider, field_paths
from router.exchange.topology import Topology
from router.language.cel.regex import Patterns
from router.language.conditions import compile_conditions, condition_texts
from router.language.routes import RouteSet, Source
from router.language.topics import sources_by_topic
from router.records.json_reader import json_reader
from router.records.reader import FieldReader, compile_avro_reader
from router.records.schema import AvroSchema

__all__ = ["deciders", "gathered_readers", "new_decider", "new_topology", "order_reader", "relay_reader"]


def deciders(route_set: RouteSet, *, in_lanes: bool = False) -> dict[str, Decider]:
    """A decider for each source of the set, over one compiled topology.

    A lane that puts records in order verifies by itself that their keys are what it orders by, where it reads that anyway.
    One that keys records anew verifies all that their keys are to be. Records of an internal topic are decided as those of
    the sources that they came from: it has no decider of its own.
    """
    topology = new_topology(route_set)
    return {
        topic: new_decider(
            source if source.relay is None else _unverified(source),
            topology,
            verified=source.order.policy.by if in_lanes and source.order else None,
        )
        for topic, source in route_set.sources.items()
        if not source.gathers
    }


def _unverified(source: Source) -> Source:
    return replace(source, entries=tuple(replace(entry, key_field=None) for entry in source.entries))


def new_topology(route_set: RouteSet) -> Topology:
    """The set's exchanges, compiled; every topic that it knows can be reached by the default exchange."""
    topics = {*route_set.topics, *sources_by_topic(route_set)}
    return Topology(route_set.exchanges, search=Patterns().search, topics=topics)


def new_decider(source: Source, topology: Topology, *, verified: str | None = None) -> Decider:
    """What decides for the records of one source; it takes for granted that their keys carry the field `verified`."""
    paths = field_paths(source.entries)
    key_fields = dict.fromkeys(entry.key_field for entry in source.entries if entry.key_field not in {None, verified})
    texts = condition_texts(topology.exchanges, [entry.exchange for entry in source.entries])
    conditions = compile_conditions(texts, source.schema, before=paths, revisions=source.revisions)
    if conditions is not None:
        paths = conditions.paths
    reader = _reader(source, paths) if paths or source.validate_whole else None
    key_readers = [_reader(source, (path,), whole=False) for path in key_fields]
    # Records that nobody reads need not say anything.
    reads = reader is not None or bool(key_readers) or (conditions is not None and conditions.reads_whole)
    marked = reads and source.revisions is not None and source.revisions.in_header
    return (MarkedDecider if marked else Decider)(
        entries=source.entries,
        topology=topology,
        reader=reader,
        key_readers=key_readers,
        conditions=conditions,
    )


def order_reader(source: Source) -> FieldReader:
    """What reads the fields by which a source is put in order, one that routes put in order."""
    assert source.order is not None, f"nothing says how '{source.topic}' is put in order"
    return _reader(source, source.order.paths, whole=False)


def relay_reader(source: Source) -> FieldReader:
    """What reads by what a source's records are keyed anew, and behind it all fields that their keys are said to carry."""
    assert source.relay is not None, f"nothing says by what '{source.topic}' is keyed anew"
    said = (entry.key_field for entry in source.entries if entry.key_field is not None)
    return _reader(source, tuple(dict.fromkeys((source.relay.by, *said))), whole=False)


def gathered_readers(route_set: RouteSet, internal: Source) -> dict[str, FieldReader]:
    """By source of which an internal topic gets records, what reads the fields by which they are put in order."""
    return {name: order_reader(replace(route_set.sources[name], order=internal.order)) for name in internal.gathers}


def _reader(source: Source, paths: Sequence[str], *, whole: bool | None = None) -> FieldReader:
    whole = source.validate_whole if whole is None else whole
    if source.revisions is not None:
        return source.revisions.reader(paths, whole)
    if isinstance(source.schema, AvroSchema):
        return compile_avro_reader(source.schema, paths, whole=whole)
    return json_reader(paths, schema=source.schema, whole=whole)
