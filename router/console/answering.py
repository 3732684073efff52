"""Who answers which question of `pages`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from router.console import acting, by_hand, keys, letters, migrations, overview, reasons, records, topics
from router.console.sight import Answer, Parameters, Sight

__all__ = ["ANSWERS"]

ANSWERS: Mapping[str, Callable[[Sight, Parameters], Awaitable[Answer]]] = {
    "overview": overview.overview,
    "troubles": overview.troubles,
    "flows": overview.flows,
    "workers": overview.workers,
    "topics": topics.topics,
    "topic": topics.topic,
    "records": records.records,
    "record": records.record,
    "why": reasons.why,
    "proposed": reasons.propose,
    "find_key": keys.key,
    "key": keys.key,
    "tables": keys.tables,
    "table": keys.table,
    "dead_letters": letters.dead_letters,
    "plan": acting.plan,
    "redrive": acting.redrive,
    "command": acting.command,
    "stop": acting.stop,
    "migrations": migrations.migrations,
    "migration": migrations.migration,
    "parked": acting.parked,
    "release": acting.release,
    "give_up": acting.give_up,
    "skip_letters": by_hand.skip_letters,
    "edit": by_hand.edit,
    "offsets": by_hand.offsets,
    "skip_record": by_hand.skip_record,
    "replay": by_hand.replay,
    "progress": by_hand.progress,
}
