"""Which copies are converted: those for topics of another version of the subject than their source. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from router.language.declarations import Declarations
from router.records.catalogue import Catalogue
from router.records.conversion import ValueConversion

__all__ = ["source_conversions"]


def source_conversions(declarations: Declarations, catalogue: Catalogue) -> dict[str, dict[str, ValueConversion]]:
    """By source and topic, the conversion of its copies; the catalogue has it, for `check` has asked for it."""
    sources_of = declarations.sources_of()
    found: dict[str, dict[str, ValueConversion]] = {}
    for exchange, topic in dict.fromkeys(_fed(declarations)):
        own = catalogue.resolve(topic)
        for source in sources_of.get(exchange, ()):
            given = catalogue.resolve(source)
            if own is not None and given is not None and own.version != given.version:
                conversion = catalogue.conversion(own.subject, given.version, own.version)
                found.setdefault(source, {})[topic] = conversion
    return found


def _fed(declarations: Declarations) -> Iterator[tuple[str, str]]:
    """Every exchange with each topic that it sends to by itself."""
    for name, declared in declarations.topics.items():
        yield from ((binding.exchange, name) for _, binding in declared.bindings())
    for name, exchange in declarations.exchanges.items():
        alternate = exchange.shape.alternate
        if alternate is not None and alternate.topic is not None:
            yield name, alternate.topic
