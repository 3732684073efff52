"""Metrics for Prometheus, all named `router_…`, in a registry that is handed in: two workers in one process stay apart.

Lanes count in plain dictionaries while they work and report once a batch, so a record costs nothing here. No label carries
anything that a record can say (keys, field values): the number of series is bounded by topics, partitions and reasons.

Counters count work done. A batch that is done again, after a lane was reopened, counts again.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client import generate_latest as exposition
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

__all__ = ["OUTCOMES", "MetricRow", "Metrics", "metrics_table"]

OUTCOMES = ("copied", "unroutable", "dead-letter", "dropped")
"""What can become of a record; each record of a source has exactly one outcome."""

_COMMIT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REASONS = 20
"""Reasons of rejections that are told apart of one destination."""
_BATCH_RECORDS = (1, 10, 50, 100, 500, 1_000, 2_000, 4_000, 10_000)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric, as docs/operating.md shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


class _Series(dict[tuple[str, ...], Any]):
    """A metric's series by their labels, for those that every batch adds to: `labels()` looks at each label every time.

    Of a metric none of whose series is ever removed: one that is kept here would count for nobody.
    """

    def __init__(self, metric: MetricWrapperBase) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, labels: tuple[str, ...]) -> Any:
        series = self[labels] = self._metric.labels(*labels)
        return series


class Metrics:
    """What the worker's parts report to. All methods are cheap, never fail, and are called from the event loop's thread."""

    content_type = CONTENT_TYPE_LATEST
    """The `Content-Type` of what `render` returns."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._rows: list[MetricRow] = []
        self._lanes: dict[tuple[str, int], str] = {}
        ProcessCollector(registry=registry)
        self._records_in = self._counter("records_in", "Records read from a broad topic.", "source")
        self._copies = self._counter("copies", "Copies decided, by where they go.", "source", "destination")
        self._outcomes = self._counter(
            "outcomes", f"Records by what became of them: {', '.join(OUTCOMES)}.", "source", "outcome"
        )
        self._dead_letters = self._counter("dead_letters", "Dead letters, by their reason.", "source", "reason")
        self._condition_failures = self._counter(
            "condition_failures", "Bindings' conditions that could not be evaluated on a record.", "source"
        )
        self._batches = self._counter("batches", "Batches of one partition that were routed.", "source")
        self._routing = self._counter("routing_seconds", "Time spent on reading fields and deciding.", "source")
        self._records_of, self._copies_of = _Series(self._records_in), _Series(self._copies)
        self._outcomes_of, self._batches_of = _Series(self._outcomes), _Series(self._batches)
        self._routing_of = _Series(self._routing)
        self._batch_records = self._histogram("batch_records", "Records in a batch.", _BATCH_RECORDS)
        self._commit = self._histogram(
            "commit_seconds", "From the begin of a commit until the broker confirmed it.", _COMMIT_SECONDS
        )
        self._lane_states = self._gauge("lanes", "Lanes of this worker, by state.", "source", "state")
        self._lane_errors = self._counter("lane_errors", "Errors that stopped a lane for a while.", "source", "reason")
        self._lost = self._counter(
            "records_lost", "Offsets that were gone before they were copied: as many records, or fewer.", "source"
        )
        self._losses = self._counter(
            "losses", "Times that a lane went on at its log's start, because its offset was no longer there.", "source"
        )
        self._lag = self._gauge(
            "lag_records", "Records of a source partition that are not yet committed.", "source", "partition"
        )
        self._unavailable = self._gauge(
            "destination_unavailable", "Lanes that wait for a topic that is missing or forbidden.", "topic"
        )
        self._rebalances = self._counter("rebalances", "Times that the group's partitions were dealt anew.")
        self._released = self._counter(
            "order_released",
            "Records that were held to put them in order and were sent, by the cause.",
            "source",
            "cause",
        )
        self._held = self._counter("order_held", "Records that came before their time and were held.", "source")
        self._gaps = self._counter("order_gaps", "Times that a key went on without what was missing.", "source")
        self._late = self._counter("order_late", "Records that came after their place was given up.", "source")
        self._duplicates = self._counter("order_duplicates", "Records whose like had come before.", "source")
        self._illegal = self._counter(
            "order_illegal_transitions", "Records with a state that their key can never get to.", "source"
        )
        self._waiting = self._gauge("order_waiting", "Records that are held now.", "source", "partition")
        self._oldest = self._gauge(
            "order_oldest_seconds",
            "How long the record that waits longest has waited; 0 without any.",
            "source",
            "partition",
        )
        self._rejected = self._counter(
            "failure_rejected",
            "Copies that their consumer rejected, by the reason it gave: `behind` waits behind another, `repeat` was read before.",
            "destination",
            "reason",
        )
        self._kept_back = self._counter(
            "failure_held", "Copies that were held when they came, because their key waits.", "destination"
        )
        self._let_go = self._counter("failure_released", "Copies that had been held, and were sent.", "destination")
        self._retried = self._counter(
            "failure_retried", "Copies that had been rejected, and were sent again.", "destination"
        )
        self._parked = self._counter(
            "failure_parked", "Rejected copies that wait for somebody to decide.", "destination"
        )
        self._dead = self._counter(
            "failure_dead", "Dead letters of what was rejected, by the reason given last.", "destination", "reason"
        )
        self._skipped = self._counter(
            "failure_skipped", "Rejected copies that were given up without a dead letter.", "destination"
        )
        where = "destination", "source", "partition"
        self._waiting_copies = self._gauge(
            "failure_waiting", "Copies that wait now: rejected, or held behind one that was.", *where
        )
        self._waiting_keys = self._gauge(
            "failure_waiting_keys", "Keys of which nothing is sent to the destination now.", *where
        )
        self._reasons: dict[str, set[str]] = {}
        self._kept_by: dict[tuple[str, int], set[str]] = {}
        self._ready = self._gauge("ready", "1 where /readyz would answer 200, else 0.")
        self._build = self._gauge("build_info", "Always 1; says what runs.", "version", "routes")

    # --- lanes report ----------------------------------------------------------------------------------------------------

    def declare(self, source: str, destinations: Iterable[str] = ()) -> None:
        """Start this source's counters at zero, so that the first record already shows as an increase."""
        counters = self._records_in, self._condition_failures, self._batches, self._routing, self._lost, self._losses
        for counter in counters:
            counter.labels(source)
        for outcome in OUTCOMES:
            self._outcomes.labels(source, outcome)
        for destination in destinations:
            self._copies.labels(source, destination)

    def batch_routed(
        self,
        source: str,
        *,
        records: int,
        copies: Mapping[str, int],
        outcomes: Mapping[str, int],
        seconds: float,
        dead_letters: Mapping[str, int] | None = None,
        condition_failures: int = 0,
    ) -> None:
        """One batch was decided: copies by destination, records by outcome, dead letters by reason, and the time it took."""
        self._records_of[source,].inc(records)
        self._batches_of[source,].inc()
        self._batch_records.observe(records)
        self.routed(
            source,
            copies=copies,
            outcomes=outcomes,
            seconds=seconds,
            dead_letters=dead_letters,
            condition_failures=condition_failures,
        )

    def routed(
        self,
        source: str,
        *,
        copies: Mapping[str, int],
        outcomes: Mapping[str, int],
        seconds: float,
        dead_letters: Mapping[str, int] | None = None,
        condition_failures: int = 0,
    ) -> None:
        """Records were decided that came with no batch: they had been held."""
        self._routing_of[source,].inc(max(seconds, 0.0))
        for destination, count in copies.items():
            self._copies_of[source, destination].inc(count)
        for outcome, count in outcomes.items():
            self._outcomes_of[source, outcome].inc(count)
        for reason, count in (dead_letters or {}).items():
            self._dead_letters.labels(source, reason).inc(count)
        if condition_failures:
            self._condition_failures.labels(source).inc(condition_failures)

    def ordered(
        self,
        source: str,
        *,
        held: int,
        released: Mapping[str, int],
        gaps: int,
        late: int,
        duplicates: int,
        illegal: int,
    ) -> None:
        """What putting records in order came to: how many were held, and sent later by cause, and what was wrong with others."""
        for cause, count in released.items():
            self._released.labels(source, cause).inc(count)
        counts = (self._held, held), (self._gaps, gaps), (self._late, late), (self._duplicates, duplicates)
        for counter, count in (*counts, (self._illegal, illegal)):
            counter.labels(source).inc(count)

    def waiting(self, source: str, partition: int, *, held: int | None, oldest: float = 0.0) -> None:
        """A lane holds so many records now, one of them for so many seconds; None where that is no longer ours to say."""
        if held is not None:
            self._waiting.labels(source, str(partition)).set(held)
            self._oldest.labels(source, str(partition)).set(oldest)
            return
        for gauge in (self._waiting, self._oldest):
            with suppress(KeyError):  # it was never told
                gauge.remove(source, str(partition))

    def failing(self, destinations: Iterable[str]) -> None:
        """Start the counters of topics whose consumers may reject records at zero."""
        counters = self._kept_back, self._let_go, self._retried, self._parked, self._skipped
        for destination in destinations:
            for counter in counters:
                counter.labels(destination)

    def failures(
        self,
        *,
        rejected: Mapping[tuple[str, str], int],
        held: Mapping[str, int],
        released: Mapping[str, int],
        retried: Mapping[str, int],
        parked: Mapping[str, int],
        dead: Mapping[tuple[str, str], int],
        skipped: Mapping[str, int],
    ) -> None:
        """What came of rejections: by destination, or by destination and reason.

        Reasons are what clients write: of a destination the first 20 are told apart, the rest is `other`.
        """
        for by_reason, seen in ((self._rejected, rejected), (self._dead, dead)):
            for (destination, reason), count in seen.items():
                by_reason.labels(destination, self._reason(destination, reason)).inc(count)
        counts = (self._kept_back, held), (self._let_go, released), (self._retried, retried)
        for counter, found in (*counts, (self._parked, parked), (self._skipped, skipped)):
            for destination, count in found.items():
                counter.labels(destination).inc(count)

    def _reason(self, destination: str, reason: str) -> str:
        known = self._reasons.setdefault(destination, set())
        if reason not in known:
            if len(known) >= _REASONS:
                return "other"
            known.add(reason)
        return reason

    def kept_back(self, source: str, partition: int, waiting: Mapping[str, tuple[int, int]]) -> None:
        """By destination, so many keys and so many copies wait in a lane now; the lane says nothing of others any more."""
        known = self._kept_by.get((source, partition), set())
        for destination, (keys, copies) in waiting.items():
            self._waiting_keys.labels(destination, source, str(partition)).set(keys)
            self._waiting_copies.labels(destination, source, str(partition)).set(copies)
        for destination in known - waiting.keys():
            for gauge in (self._waiting_keys, self._waiting_copies):
                gauge.remove(destination, source, str(partition))
        if waiting or known:
            self._kept_by[source, partition] = set(waiting)

    def committed(self, seconds: float) -> None:
        """A commit was confirmed, so long after it began."""
        self._commit.observe(seconds)

    def lane_changed(self, source: str, partition: int, state: str | None) -> None:
        """A lane is in another state now; None where this worker gave it back."""
        before = self._lanes.pop((source, partition), None)
        if state is not None:
            self._lanes[source, partition] = state
        elif before is not None:
            self.lag(source, partition, None)
            self.waiting(source, partition, held=None)
            self.kept_back(source, partition, {})
        counts = Tally(other for (topic, _), other in self._lanes.items() if topic == source)
        for changed in (before, state):
            if changed is not None:
                self._lane_states.labels(source, changed).set(counts[changed])

    def lane_error(self, source: str, reason: str) -> None:
        """An error stopped a lane; `reason` is the error's slug."""
        self._lane_errors.labels(source, reason).inc()

    def lost(self, source: str, offsets: int) -> None:
        """A lane went on behind so many offsets that are gone; 0 where nobody knows what is."""
        self._lost.labels(source).inc(offsets)
        self._losses.labels(source).inc()

    def lag(self, source: str, partition: int, records: int | None) -> None:
        """How far a lane is behind its partition's end; None where that is no longer ours to say."""
        if records is not None:
            self._lag.labels(source, str(partition)).set(records)
        else:
            with suppress(KeyError):  # it was never told
                self._lag.remove(source, str(partition))

    def destination_unavailable(self, topic: str, *, lanes: int) -> None:
        """So many lanes wait for this topic; 0 once it is back."""
        self._unavailable.labels(topic).set(lanes)

    # --- the worker reports ----------------------------------------------------------------------------------------------

    def rebalanced(self) -> None:
        """The group's partitions were dealt anew."""
        self._rebalances.inc()

    def ready(self, value: bool) -> None:
        """What readiness says now."""
        self._ready.set(value)

    def running(self, *, version: str, routes: str) -> None:
        """Which version runs which route set (its fingerprint); replaces what was said before."""
        self._build.clear()
        self._build.labels(version, routes).set(1)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return exposition(_WithoutCreation(self._registry))

    def rows(self) -> tuple[MetricRow, ...]:
        """What there is, for the documentation."""
        return tuple(self._rows)

    # --- making them -----------------------------------------------------------------------------------------------------

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        self._rows.append(MetricRow(f"router_{name}_total", "counter", labels, meaning))
        return Counter(f"router_{name}", meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        self._rows.append(MetricRow(f"router_{name}", "gauge", labels, meaning))
        return Gauge(f"router_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        self._rows.append(MetricRow(f"router_{name}", "histogram", (), meaning))
        return Histogram(f"router_{name}", meaning, buckets=buckets, registry=self._registry)


class _WithoutCreation(CollectorRegistry):
    """A registry's metrics without the time at which each series was made: those double the page and nobody asks for them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._original = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._original.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def metrics_table() -> str:
    """The table of docs/operating.md, as Markdown."""
    head = "| metric | kind | labels | meaning |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{row.name}` | {row.kind} | {', '.join(row.labels)} | {row.meaning} |\n"
        for row in Metrics(CollectorRegistry()).rows()
    )
