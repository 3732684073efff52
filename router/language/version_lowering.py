"""Which copies are converted: those for topics of another version of the subject than their source. Pure."""

from __future__ import annotations

from router.language.declarations import Declarations
from router.language.topic_checks import feeds_of
from router.records.catalogue import Catalogue
from router.records.conversion import ValueConversion

__all__ = ["source_conversions"]


def source_conversions(declarations: Declarations, catalogue: Catalogue) -> dict[str, dict[str, ValueConversion]]:
    """By source and topic, the conversion of its copies; the catalogue has it, for `check` has asked for it."""
    sources_of = declarations.sources_of()
    found: dict[str, dict[str, ValueConversion]] = {}
    for feed in feeds_of(declarations):
        own = catalogue.resolve(feed.topic)
        for source in sources_of.get(feed.exchange, ()):
            given = catalogue.resolve(source)
            if own is not None and given is not None and own.version != given.version:
                conversion = catalogue.conversion(own.subject, given.version, own.version)
                found.setdefault(source, {})[feed.topic] = conversion
    return found
