"""All files together: which exchanges and topics there are, whose they are, and which are declared twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from router.exchange.model import Place
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

    def place_of(self, *path: str | int) -> Place:
        """Of something that it says."""
        return self.file.place("exchanges", self.name, *path)


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

    def place_of(self, *path: str | int) -> Place:
        """Of something that it says."""
        return self.file.place("topics", self.name, *path)

    def bindings(self) -> Iterator[tuple[int, BindingShape]]:
        """The items of its `from`, numbered as in the file."""
        yield from enumerate(self.shape.from_ or ())


@dataclass(frozen=True, slots=True)
class BindingLine:
    """One binding key of one item of a topic's `from`."""

    topic: DeclaredTopic
    exchange: str
    key: str | None
    place: Place
    """Of the key where there is one, else of the item."""
    exchange_place: Place


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

    def binding_lines(self) -> Iterator[BindingLine]:
        """Every binding, one a key, in the order of the files."""
        for topic in self.topics.values():
            for index, binding in topic.bindings():
                item = topic.place_of("from", index)
                exchange_place = topic.place_of("from", index, "exchange")
                if binding.binding_key is None:
                    yield BindingLine(topic, binding.exchange, None, item, exchange_place)
                    continue
                for number, key in enumerate(binding.binding_key):
                    place = topic.place_of("from", index, "binding-key", number)
                    yield BindingLine(topic, binding.exchange, key, place, exchange_place)

    def sources_of(self) -> dict[str, tuple[str, ...]]:
        """By exchange, the broad topics whose records can get there: its own and, by alternates, others'."""
        reached: dict[str, dict[str, None]] = {name: {} for name in self.exchanges}
        for start in self.exchanges.values():
            for name in self.alternates_from(start.name):
                reached[name].update(dict.fromkeys(start.shape.sources))
        return {name: tuple(sources) for name, sources in reached.items()}

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
    files: Sequence[ParsedFile[RouteFile]], *, whole: bool, all_readable: bool
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
    )
    return declarations, tuple(findings)


def _written_names(files: Sequence[ParsedFile[RouteFile]]) -> Iterator[str]:
    for file in files:
        if isinstance(file.written, MappingNode):
            item = file.written.get("exchanges")
            if item is not None and isinstance(item.node, MappingNode):
                yield from (each.key.text for each in item.node.items)
