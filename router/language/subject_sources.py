"""Sources that name a subject and no version: the topics of all its versions, each event taken from where it was produced.

    sources: [order.status]      order.status.v1, order.status.v2 …: every version that the catalogue has

While the subject moves from one version to the next, each of these topics holds every event, native or copied from another.
Lanes take the native ones (`migrations/crossing.py`), so that routes which name a subject need no change when producers move.
A prefix counts as in topics: `shop.order.status` is `shop.order.status.v1` and the others. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from router.language.declarations import Declarations
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.nodes import Item, MappingNode, Node, ScalarNode, SequenceNode, node_at
from router.language.reading import ParsedFile
from router.language.shapes import RouteFile
from router.records.catalogue import Catalogue

__all__ = ["check_subject_sources", "versions_named", "with_versions"]


def versions_named(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The topics of the subject's versions, lowest first; empty where the name has a version, or is no subject's."""
    if catalogue.resolve(name) is not None:
        return ()
    versions = sorted({version for _, version in catalogue.versions})
    return tuple(topic for topic in (f"{name}.v{version}" for version in versions) if catalogue.resolve(topic))


def with_versions(
    files: Sequence[ParsedFile[RouteFile]], catalogue: Catalogue
) -> tuple[list[ParsedFile[RouteFile]], dict[str, str]]:
    """The files with topics in the place of subjects, each where the subject stood; and by topic, what named it."""
    named: dict[str, str] = {}
    return [_expanded(file, catalogue, named) for file in files], named


def check_subject_sources(declarations: Declarations) -> Iterator[Finding]:
    """Findings of sources that are named by their subject."""
    by_subject = declarations.by_subject
    alone = {topic for topic, subject in by_subject.items() if list(by_subject.values()).count(subject) == 1}
    for exchange in declarations.exchanges.values():
        for index, source in enumerate(exchange.shape.sources):
            subject = by_subject.get(source)
            if subject is None:
                continue
            place = exchange.place_of("sources", index)
            written = node_at(exchange.file.root, (*exchange.path, "sources", index))
            if isinstance(written, ScalarNode) and written.text != subject:
                message = f"'{source}' is a version of '{subject}', by which another exchange reads it"
                yield found(Kind.MIXED_SOURCE, place, message, f"write '{subject}' here, or every version there")
            elif exchange.shape.order is not None and source not in alone:
                message = f"'{exchange.name}' puts '{subject}' in order, and its versions are several topics"
                yield found(Kind.MIXED_SOURCE, place, message, f"name the one that holds every event: {source}")


def _expanded(file: ParsedFile[RouteFile], catalogue: Catalogue, named: dict[str, str]) -> ParsedFile[RouteFile]:
    exchanges, root = dict(file.shape.exchanges), file.root
    for name, shape in file.shape.exchanges.items():
        topics: list[str] = []
        indexes: list[int] = []
        for index, source in enumerate(shape.sources):
            versions = versions_named(source, catalogue)
            named.update(dict.fromkeys(versions, source))
            topics += versions or (source,)
            indexes += [index] * (len(versions) or 1)
        if topics != shape.sources:
            exchanges[name] = shape.model_copy(update={"sources": topics})
            root = _repeated(root, ("exchanges", name, "sources"), indexes)
    if exchanges == file.shape.exchanges:
        return file
    return replace(file, root=root, shape=file.shape.model_copy(update={"exchanges": exchanges}))


def _repeated(node: Node, path: Sequence[str], indexes: Sequence[int]) -> Node:
    """The tree with the list at a path made of these of its items, so that places are found by the new numbers."""
    if isinstance(node, SequenceNode):
        return replace(node, items=tuple(node.items[index] for index in indexes))
    if not path or not isinstance(node, MappingNode):
        return node
    step, *rest = path
    items = tuple(
        Item(each.key, _repeated(each.node, rest, indexes)) if each.key.text == step else each for each in node.items
    )
    return replace(node, items=items)
