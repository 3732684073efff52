"""All files together: which exchanges and topics there are, whose they are, and which are declared twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from router.exchange.model import Destination, DestinationKind, Place
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.nodes import MappingNode
from router.language.reading import ParsedFile
from router.language.shapes import BindingShape, ExchangeShape, RouteFile, TopicShape

__all__ = ["BindingLine", "Declarations", "DeclaredExchange", "DeclaredTopic", "gather"]


@dataclass(frozen=True, slots=True)
class DeclaredExchange:
    """An exchange, and the file that declares it."""

    name: str
    shape: ExchangeShape
    file: ParsedFile[RouteFile]

    @property
    def team(self) -> str:
        """Who owns it."""
        return self.file.shape.team

    @property
    def place(self) -> Place:
        """Of its name."""
        return self.file.key_place("exchanges", self.name)

    @property
    def path(self) -> tuple[str, str]:
        """Where in its file it stands."""
        return ("exchanges", self.name)

    @property
    def destination(self) -> Destination:
        """Itself, as what bindings lead to."""
        return Destination(DestinationKind.EXCHANGE, self.name)

    def place_of(self, *path: str | int) -> Place:
        """Of something that it says."""
        return self.file.place(*self.path, *path)

    def bindings(self) -> Iterator[tuple[int, BindingShape]]:
        """The items of its `from`, numbered as in the file."""
        yield from enumerate(self.shape.from_ or ())


@dataclass(frozen=True, slots=True)
class DeclaredTopic:
    """A topic, and the file that declares it."""

    name: str
    shape: TopicShape
    file: ParsedFile[RouteFile]

    @property
    def team(self) -> str:
        """Who owns it."""
        return self.file.shape.team

    @property
    def place(self) -> Place:
        """Of its name."""
        return self.file.key_place("topics", self.name)

    @property
    def path(self) -> tuple[str, str]:
        """Where in its file it stands."""
        return ("topics", self.name)

    @property
    def destination(self) -> Destination:
        """Itself, as what bindings lead to."""
        return Destination(DestinationKind.TOPIC, self.name)

    def place_of(self, *path: str | int) -> Place:
        """Of something that it says."""
        return self.file.place(*self.path, *path)

    def bindings(self) -> Iterator[tuple[int, BindingShape]]:
        """The items of its `from`, numbered as in the file."""
        yield from enumerate(self.shape.from_ or ())


@dataclass(frozen=True, slots=True)
class BindingLine:
    """One binding key of one item of a `from`, or the item itself where it has no key."""

    fed: DeclaredTopic | DeclaredExchange
    """What it leads to."""
    index: int
    """Of the item."""
    shape: BindingShape
    number: int | None
    """Of the key, where there is one."""

    @property
    def exchange(self) -> str:
        """Where it comes from."""
        return self.shape.exchange

    @property
    def key(self) -> str | None:
        """The binding key."""
        keys = self.shape.binding_key
        return None if keys is None or self.number is None else keys[self.number]

    @property
    def first(self) -> bool:
        """It is the item's only key, or the first of several: what else the item says is told of it alone."""
        return not self.number

    @property
    def place(self) -> Place:
        """Of the key where there is one, else of the item."""
        return self.place_of() if self.number is None else self.place_of("binding-key", self.number)

    @property
    def exchange_place(self) -> Place:
        """Of the exchange's name."""
        return self.place_of("exchange")

    def place_of(self, *path: str | int) -> Place:
        """Of something that the item says."""
        return self.fed.place_of("from", self.index, *path)

    def key_place_of(self, *path: str | int) -> Place:
        """Of the key of an entry in the item."""
        return self.fed.file.key_place(*self.fed.path, "from", self.index, *path)

    def place_inside(self, position: int, *path: str | int) -> Place:
        """Of a character of a text in the item."""
        return self.fed.file.place_inside(position, *self.fed.path, "from", self.index, *path)


@dataclass(frozen=True, slots=True)
class Declarations:
    """What all files declare. Of two that declare the same name the first counts."""

    files: Sequence[ParsedFile[RouteFile]]
    exchanges: Mapping[str, DeclaredExchange]
    topics: Mapping[str, DeclaredTopic]
    faulty_exchanges: frozenset[str]
    """Names of exchanges whose declarations were too faulty to count."""
    whole: bool
    """Every file could be read without an error."""
    all_readable: bool
    """Every file could be read at least in part: what is not here is nowhere."""
    by_subject: Mapping[str, str] = field(default_factory=dict)
    """By broad topic that routes name by its subject alone, that name (`subject_sources`)."""

    def binding_lines(self) -> Iterator[BindingLine]:
        """Every binding, one a key, in the order of the files and of what stands in them."""
        fed: list[DeclaredTopic | DeclaredExchange] = [*self.exchanges.values(), *self.topics.values()]
        for each in sorted(fed, key=lambda one: one.place):
            for index, shape in each.bindings():
                if shape.binding_key is None:
                    yield BindingLine(each, index, shape, None)
                else:
                    yield from (BindingLine(each, index, shape, number) for number in range(len(shape.binding_key)))

    def sources_of(self) -> dict[str, tuple[str, ...]]:
        """By exchange, the broad topics whose records can get there: its own, and others' by bindings and alternates."""
        reached: dict[str, dict[str, None]] = {name: {} for name in self.exchanges}
        for name, starts in self.entries_of().items():
            for start in starts:
                reached[name].update(dict.fromkeys(self.exchanges[start].shape.sources))
        return {name: tuple(sources) for name, sources in reached.items()}

    def entries_of(self) -> dict[str, tuple[str, ...]]:
        """By exchange, those with sources from which a record can get there, itself included, in the files' order."""
        onward = self.onward()
        entries: dict[str, list[str]] = {name: [] for name in self.exchanges}
        for start, declared in self.exchanges.items():
            if declared.shape.sources:
                way = [start]
                seen = {start}
                for name in way:  # which grows on the way
                    entries[name].append(start)
                    new = [each for each in onward[name] if each not in seen]
                    seen.update(new)
                    way += new
        return {name: tuple(starts) for name, starts in entries.items()}

    def onward(self) -> dict[str, tuple[str, ...]]:
        """By exchange, the exchanges that it feeds: by their bindings to it, and its alternate."""
        fed: dict[str, dict[str, None]] = {name: {} for name in self.exchanges}
        for name, declared in self.exchanges.items():
            for _, shape in declared.bindings():
                if shape.exchange in fed:
                    fed[shape.exchange][name] = None
            alternate = declared.shape.alternate
            if alternate is not None and alternate.exchange in fed:
                fed[name][alternate.exchange] = None
        return {name: tuple(others) for name, others in fed.items()}

    def alternates_from(self, exchange: str) -> tuple[str, ...]:
        """The exchange, its alternate, that one's alternate, and so on, each once."""
        way: dict[str, None] = {}
        name: str | None = exchange
        while name is not None and name in self.exchanges and name not in way:
            way[name] = None
            alternate = self.exchanges[name].shape.alternate
            name = alternate.exchange if alternate else None
        return tuple(way)


def gather(
    files: Sequence[ParsedFile[RouteFile]],
    *,
    whole: bool,
    all_readable: bool,
    by_subject: Mapping[str, str] | None = None,
) -> tuple[Declarations, tuple[Finding, ...]]:
    """The declarations of all files, and what is declared twice."""
    findings: list[Finding] = []
    teams: dict[str, Place] = {}
    exchanges: dict[str, DeclaredExchange] = {}
    topics: dict[str, DeclaredTopic] = {}
    for file in files:
        shape = file.shape
        place = file.place("team")
        first = teams.setdefault(shape.team, place)
        if first is not place:
            message = f"team '{shape.team}' has a file already: {first.file}"
            findings.append(found(Kind.DUPLICATE_TEAM, place, message))
        for name, exchange in shape.exchanges.items():
            new = DeclaredExchange(name, exchange, file)
            old = exchanges.setdefault(name, new)
            if old is not new:
                message = f"exchange '{name}' is declared at {old.place} by team '{old.team}'"
                findings.append(found(Kind.DUPLICATE_EXCHANGE, new.place, message))
        for name, topic in shape.topics.items():
            declared = DeclaredTopic(name, topic, file)
            earlier = topics.setdefault(name, declared)
            if earlier is not declared:
                message = f"topic '{name}' is declared at {earlier.place} by team '{earlier.team}'"
                findings.append(found(Kind.DUPLICATE_TOPIC, declared.place, message))
    declarations = Declarations(
        files=files,
        exchanges=exchanges,
        topics=topics,
        faulty_exchanges=frozenset(_written_names(files)) - exchanges.keys(),
        whole=whole,
        all_readable=all_readable,
        by_subject=by_subject or {},
    )
    return declarations, tuple(findings)


def _written_names(files: Sequence[ParsedFile[RouteFile]]) -> Iterator[str]:
    for file in files:
        if isinstance(file.written, MappingNode):
            item = file.written.get("exchanges")
            if item is not None and isinstance(item.node, MappingNode):
                yield from (each.key.text for each in item.node.items)
