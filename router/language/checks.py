"""What can only be told over all files: every check, in one call."""

from __future__ import annotations

from router.language.binding_checks import check_bindings
from router.language.declarations import Declarations
from router.language.exchange_checks import check_exchanges
from router.language.failure_checks import check_failures
from router.language.field_checks import check_fields
from router.language.findings import Finding
from router.language.match_checks import check_matches
from router.language.order_checks import check_order
from router.language.partition_checks import check_partitions
from router.language.subject_sources import check_subject_sources
from router.language.topic_checks import check_topics
from router.language.where_checks import check_wheres
from router.records.catalogue import Catalogue

__all__ = ["check"]


def check(declarations: Declarations, catalogue: Catalogue) -> tuple[Finding, ...]:
    """All findings of all files together, each once, in order of place."""
    return tuple(
        sorted(
            {
                *check_bindings(declarations),
                *check_exchanges(declarations),
                *check_failures(declarations),
                *check_fields(declarations, catalogue),
                *check_topics(declarations, catalogue),
                *check_wheres(declarations, catalogue),
                *check_matches(declarations, catalogue),
                *check_order(declarations, catalogue),
                *check_partitions(declarations),
                *check_subject_sources(declarations),
            }
        )
    )
