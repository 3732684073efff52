"""What is lost is said in the dead letters: one record a loss, in the transaction that goes on behind it."""

from __future__ import annotations

from collections.abc import Callable

from router.errors import InvariantError, OffsetOutOfRange
from router.failure.notes import loss_headers
from router.lanes.copies import Copies, CopyBatch
from router.lanes.copying import DestinationView
from router.language.topics import dead_letters_of
from router.records.headers import ORIGIN, origin_prefix

__all__ = ["note_of"]


def note_of(
    loss: OffsetOutOfRange, *, destinations: DestinationView, new_batch: Callable[[str], CopyBatch], at: float
) -> Copies:
    """The dead letter of a loss, ready to be sent: without key and value, of which nothing is left.

    Its origin is the first offset that was lost; it lies where a record without a key of that partition would. `at` is the
    time in seconds since the epoch. Raises DestinationUnavailable where the source has no topic for dead letters.
    """
    topic = dead_letters_of(loss.topic)
    partition = loss.partition % destinations.partitions(topic)
    batch = new_batch(topic)
    headers = [(ORIGIN, origin_prefix(loss.topic, loss.partition) + b"%d" % loss.committed), *loss_headers(loss)]
    if batch.append(timestamp=int(at * 1000), key=None, value=None, headers=headers) is None:
        raise InvariantError(f"an empty batch for '{topic}' did not take the note of a loss")
    return Copies(ready=[(topic, partition, batch, loss.committed)])
