"""Checks that copies keep their order: a topic's partitions against those of the sources that feed it."""

from __future__ import annotations

from collections.abc import Iterator

from router.language.declarations import Declarations
from router.language.findings import Finding, Kind
from router.language.kinds import found

__all__ = ["check_partitions"]


def check_partitions(declarations: Declarations) -> Iterator[Finding]:
    """Findings of topics whose declared number of partitions is not that of a source, where no `key:` vouches for keys."""
    entries_of = declarations.entries_of()
    for topic in declarations.topics.values():
        own = topic.shape.partitions
        if own is None:
            continue
        for source, exchange in _sources(topic.name, entries_of, declarations):
            declared = declarations.topics.get(source)
            given = declared.shape.partitions if declared else None
            if given is not None and given != own:
                message = (
                    f"'{topic.name}' has {own} partitions and its source '{source}' {given}: copies are placed anew by their "
                    "keys, and records without a key lose their order"
                )
                hint = f"declare {given} here, or 'key:' on exchange '{exchange}', which makes sure of the keys"
                yield found(Kind.UNEQUAL_PARTITIONS, topic.place_of("partitions"), message, hint)
                break


def _sources(
    topic: str, entries_of: dict[str, tuple[str, ...]], declarations: Declarations
) -> Iterator[tuple[str, str]]:
    """The sources that feed a topic through exchanges without `key:`, each with the exchange that it enters by."""
    for _, binding in declarations.topics[topic].bindings():
        for entry in entries_of.get(binding.exchange, ()):
            exchange = declarations.exchanges[entry]
            if exchange.shape.key is None:
                for source in exchange.shape.sources:
                    yield source, entry
