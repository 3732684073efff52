"""The example shop on a real Kafka, routed by real workers, in one command: what `make run` shows.

It starts a Kafka (or uses ROUTER_BROKER), creates the topics that the routes need, starts the processes of the Procfile,
feeds the shop and shows what each topic gets. At the end it reads every topic back and compares it with books that were
kept while feeding: the router's promise, checked by something that is not the router. All that it starts ends with it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from router.develop.broker import DevelopmentKafka
from router.develop.decided import SHOP_ROUTES, decided_topics
from router.develop.encoding import shop_encoders
from router.develop.errors import AlreadyRunning, KafkaUnreachable, NotCaughtUp
from router.develop.feed import events
from router.develop.feeding import Feeder
from router.develop.holding import records_held
from router.develop.interrupts import Interrupts
from router.develop.picture import NarrowRow, Picture, Rates, SourceRow, draw, line, mischief_line, reckoning
from router.develop.procfile import Processes, ProcfileProcess, procfile_lines
from router.develop.reconcile import expected_topics, outcome_topics, reconcile
from router.develop.topics import TopicSpec, ensure_topics
from router.develop.watching import KafkaWatch, Offsets
from router.language.files import read_routes
from router.language.load import load_valid_routes
from router.language.repartition import with_internal_topics
from router.language.routes import RouteSet
from router.language.topics import TopicRole, dead_letters_of, plan_topics, unroutable_of
from router.versions.catalogue import read_catalogue

__all__ = ["DemoOptions", "run_demo"]

GROUP = "router-demo"
_CONSOLE_TOKEN = "ROUTER_CONSOLE_OPERATOR_TOKEN"  # noqa: S105 - a variable's name
HOURS_BACK_MS = 3 * 3_600_000
"""Where the story begins: far enough back for a long feed, recent enough for the shortest retention of routes/."""

_LOOK_EVERY_S = 0.5
_LINE_EVERY_S = 5.0
_STUCK_AFTER_S = 60.0
_LAST_WORDS_WITHIN_S = 15.0
"""Without progress, once somebody asked for an end: a worker that has just come may share the work anew meanwhile."""
_LONGEST_LAST_WAIT_S = 15.0
"""How long records that are held put off an end that somebody asked for."""
_STOP_WITHIN_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How to run it."""

    orders: int | None
    """How many orders the shop gets; None: until somebody ends it."""
    rate: float
    """Records a second; 0 is as fast as it can."""
    seed: int
    partitions: int
    """Of each broad topic."""
    workers: int
    """How many of the Procfile's `worker` to start."""
    state: Path
    """Logs go to its `log`, everything else to its `demo`, which is emptied first."""
    procfile: Path
    routes: Path
    schemas: Path


def run_demo(options: DemoOptions, *, environ: Mapping[str, str], console: Console) -> int:
    """Run until the feed has ended or somebody ends it; return the exit code.

    0: every record is where it must be. 1: not so. 130: ended before the router had caught up, or killed. Raises
    `DevelopmentError` with the way out where something does not start or ends by itself, and `ConfigError` where the
    routes or schemas cannot be used.
    """
    route_set, _ = load_valid_routes(read_routes(options.routes), read_catalogue(options.schemas))
    procfile_lines(options.procfile)
    with Interrupts() as interrupts, _own_state(options.state) as own, ExitStack() as stack:
        watched: list[Callable[[], None]] = []
        bootstrap = environ.get("ROUTER_BROKER") or stack.enter_context(_kafka(own / "kafka", watched, console))
        watch = KafkaWatch(bootstrap)
        watch.partitions(())  # before anything is asked of it: a Kafka that does not answer is told at once
        group = environ.get("ROUTER_GROUP") or GROUP
        routes = with_internal_topics(route_set, group)
        plans = plan_topics(routes, default_partitions=options.partitions, replication=-1, group=group)
        ensure_topics(
            bootstrap, [TopicSpec(each.name, each.partitions, each.replication, each.config) for each in plans]
        )
        processes = stack.enter_context(_processes(options, own, bootstrap, group, environ))
        watched.append(processes.check)
        _announce(console, bootstrap=bootstrap, route_set=route_set, processes=processes, topics=len(plans))

        feeder = Feeder(
            bootstrap,
            events(
                seed=options.seed,
                orders=options.orders,
                start=int(time.time() * 1000) - HOURS_BACK_MS,
                encoders=shop_encoders(options.schemas),
            ),
            rate=options.rate,
            expect=expected_topics if route_set.fingerprint == SHOP_ROUTES else decided_topics(route_set),
        )
        run = _Run(
            route_set=route_set,
            narrow=[(plan.team or "", plan.name) for plan in plans if plan.role is TopicRole.NARROW],
            feeder=feeder,
            watch=watch,
            group=group,
            watched=watched,
            interrupts=interrupts,
            logs=options.state / "log",
            held=lambda: records_held(each.port for each in processes.started if _is_worker(each)),
        )
        interrupts.polite()
        return run.to_the_end(console)


class _Run:
    """One feed from its first record to the reckoning."""

    def __init__(
        self,
        *,
        route_set: RouteSet,
        narrow: list[tuple[str, str]],
        feeder: Feeder,
        watch: KafkaWatch,
        group: str,
        watched: list[Callable[[], None]],
        interrupts: Interrupts,
        logs: Path,
        held: Callable[[], int],
    ) -> None:
        """`held` says how many records wait to be put in order."""
        self._narrow = sorted(narrow)
        self._feeder = feeder
        self._watch = watch
        self._group = group
        self._watched = watched
        self._interrupts = interrupts
        self._logs = logs
        self._held = held
        orders = [source.order for source in route_set.sources.values() if source.order is not None]
        self._longest_wait = max((order.policy.wait_ms / 1000 for order in orders), default=0.0)
        self._rates = Rates()
        self._begun = time.monotonic()
        self._sources = watch.partitions(sorted(route_set.sources))
        self._outcomes = watch.partitions(
            outcome_topics([topic for _, topic in self._narrow], sources=tuple(route_set.sources))
        )
        self._took = 0.0
        self._since: Offsets = {}
        self._fingerprint = route_set.fingerprint

    def to_the_end(self, console: Console) -> int:
        try:
            with _screen(console) as show:
                caught_up = self._route(show)
        except KafkaUnreachable:
            self._look()  # a broker of our own that has ended tells more than its silence
            raise
        if not caught_up:
            console.print("Ended before the router had caught up: nothing is reckoned.")
            return 130
        return self._reckon(console)

    def _route(self, show: Callable[[Picture], None]) -> bool:
        # What an earlier run left behind on an existing Kafka is routed first, and is nobody's business after that.
        if not self._catch_up(show, note="routing what was there before", within=_STUCK_AFTER_S):
            return False
        self._since = self._watch.ends(self._outcomes)
        self._begun = time.monotonic()
        self._feed(show)
        caught_up = self._catch_up(show, note="the feed has ended; the router catches up", within=_STUCK_AFTER_S)
        self._took = time.monotonic() - self._begun
        return caught_up

    def _feed(self, show: Callable[[Picture], None]) -> None:
        self._feeder.start()
        while not self._feeder.ended() and not self._interrupts.asked:
            self._look()
            show(self._picture(self._lag(), "Ctrl-C ends it, with a reckoning"))
            self._feeder.join(within=_LOOK_EVERY_S)
        self._feeder.stop()
        while not self._feeder.ended():
            self._feeder.join(within=_LOOK_EVERY_S)

    def _catch_up(self, show: Callable[[Picture], None], *, note: str, within: float) -> bool:
        """Wait until nothing is left to route; False when somebody asks for an end and it is still not so soon after.

        Nor must anything be held any more: what waits for a record that never comes goes when its wait has run out.
        Raises `NotCaughtUp` when there is no progress for `within` seconds, beyond the longest of these waits.
        """
        least, progressed, asked = sys.maxsize, time.monotonic(), 0.0
        while lag := sum((lags := self._lag()).values()) or self._held():
            self._look()
            show(self._picture(lags, f"{note}; Ctrl-C ends it at once" if self._interrupts.asked else note))
            now = time.monotonic()
            if self._interrupts.asked:
                asked = asked or now
                if now - max(asked, progressed) > _LAST_WORDS_WITHIN_S + min(self._longest_wait, _LONGEST_LAST_WAIT_S):
                    return False
            if lag < least:
                least, progressed = lag, now
            elif now - progressed > within + self._longest_wait:
                raise NotCaughtUp(lag=lag, seconds=within, logs=str(self._logs))
            time.sleep(_LOOK_EVERY_S / 2)
        return True

    def _reckon(self, console: Console) -> int:
        counted = self._watch.tallies(self._since)
        found = reconcile(self._feeder.expected.tallies, counted)
        fed = sum(self._feeder.fed.values())
        console.print(reckoning(found, team_of={topic: team for team, topic in self._narrow}))
        console.print(f"\n{fed:,} records fed and routed in {self._took:,.1f} s")
        console.print(mischief_line(self._feeder.mischief), soft_wrap=True)
        console.print(Text(str(found), style="bold green" if found.balanced else "bold red"))
        if self._fingerprint != SHOP_ROUTES:
            console.print(
                "The routes are not those that the shop's own books are for: these are by the router's decisions."
            )
        return 0 if found.balanced else 1

    def _look(self) -> None:
        for check in self._watched:
            check()

    def _lag(self) -> dict[str, int]:
        return self._watch.lag(self._group, self._sources)

    def _picture(self, lags: Mapping[str, int], note: str) -> Picture:
        now = time.monotonic()
        counts = dict.fromkeys(self._outcomes, 0) | self._feeder.fed
        for at, end in self._watch.ends(self._outcomes).items():
            counts[at[0]] += end - self._since.get(at, end)
        self._rates.sample(now, counts)
        return Picture(
            seconds=now - self._begun,
            sources=tuple(
                SourceRow(
                    topic=source,
                    fed=counts.get(source, 0),
                    rate=self._rates.of(source),
                    lag=lags.get(source, 0),
                    unroutable=counts.get(unroutable_of(source), 0),
                    dead_letters=counts.get(dead_letters_of(source), 0),
                )
                for source in sorted(self._sources)
            ),
            narrow=tuple(
                NarrowRow(team, topic, counts.get(topic, 0), self._rates.of(topic)) for team, topic in self._narrow
            ),
            note=note,
        )


@contextmanager
def _screen(console: Console) -> Iterator[Callable[[Picture], None]]:
    """Show pictures in place on a terminal, and elsewhere one line every few seconds."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda picture: live.update(draw(picture, height=console.height), refresh=True)
        return
    due = 0.0

    def show(picture: Picture) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _LINE_EVERY_S
            console.print(line(picture))

    yield show


@contextmanager
def _own_state(state: Path) -> Iterator[Path]:
    """Give the run an empty folder that no other run uses."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / ".demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(directory=str(state)) from error
        own = state / "demo"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        yield own


@contextmanager
def _kafka(directory: Path, watched: list[Callable[[], None]], console: Console) -> Iterator[str]:
    console.print("Starting Apache Kafka …")
    kafka = DevelopmentKafka.start(directory=directory)

    def check() -> None:
        ended = kafka.ended()
        if ended is not None:
            raise ended.failure(f"broker {ended.number} has ended by itself")

    watched.append(check)
    try:
        yield kafka.bootstrap
        kafka.stop()
    finally:
        # After an error, or when somebody insists: nobody wants to see its data again.
        kafka.kill()


@contextmanager
def _processes(
    options: DemoOptions, own: Path, bootstrap: str, group: str, environ: Mapping[str, str]
) -> Iterator[Processes]:
    given = _signed_in() | {"ROUTER_LOG_FORMAT": "text"} | dict(environ)
    given |= {
        "ROUTER_BROKER": bootstrap,
        "ROUTER_GROUP": group,
        "ROUTER_ROUTES": str(options.routes.resolve()),
        "ROUTER_SCHEMAS": str(options.schemas.resolve()),
        # The Procfile's programs are those of this Python, whether or not its environment is activated.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)]),
    }
    processes = Processes.start(
        options.procfile,
        environ=given,
        data=own.resolve() / "data",
        logs=options.state / "log",
        concurrency={"worker": options.workers},
        beside=_known_workers,
    )
    try:
        yield processes
        processes.stop(within=_STOP_WITHIN_S)
    finally:
        processes.kill()


def _signed_in() -> dict[str, str]:
    """Tokens of this run alone: of the workers' API, and of the console."""
    return {name: secrets.token_urlsafe(24) for name in ("ROUTER_API_TOKEN", _CONSOLE_TOKEN)}


def _known_workers(started: Sequence[ProcfileProcess]) -> dict[str, str]:
    """What the console must know: where the workers are."""
    urls = [f"http://127.0.0.1:{each.port}" for each in started if _is_worker(each)]
    return {"ROUTER_CONSOLE_WORKERS": ",".join(urls)} if urls else {}


def _is_worker(process: ProcfileProcess) -> bool:
    return process.name.startswith("worker.")


def _said(process: ProcfileProcess) -> str:
    if _is_worker(process):
        return f"log in {process.log}, metrics at http://127.0.0.1:{process.port}/metrics"
    token = process.environ.get(_CONSOLE_TOKEN)
    if process.name.startswith("console.") and token:
        return f"http://127.0.0.1:{process.port}/enter?token={token}"
    return f"log in {process.log}"


def _announce(console: Console, *, bootstrap: str, route_set: RouteSet, processes: Processes, topics: int) -> None:
    rows = [
        ("Kafka", f"{bootstrap}, {topics} topics"),
        ("routes", f"of {len(route_set.teams)} teams, fingerprint {route_set.fingerprint}"),
    ]
    rows += [(process.name, _said(process)) for process in processes.started]
    router = "router" if shutil.which("router") else os.path.relpath(Path(sys.executable).parent / "router")
    rows += [
        ("try", f"""{router} explain order.status.v1 '{{"country": "RU", "status": "paid"}}'"""),
        ("", f"ROUTER_BROKER={bootstrap} {router} explain --at order.status.v1/0/0"),
    ]
    for name, text in rows:
        console.print(Text(f"{name:<10}{text}"), soft_wrap=True)
    console.print()
