"""Who owns which partition of a table, and where to ask: read from what the group's assignor dealt out. Pure.

Each member of the group announces one URL, and the leader deals out which URL has which partitions of which changelog. A URL
is all there is to tell members apart, and two that announce the same would hide each other's partitions. So ours carries the
instance as well: `http://10.0.0.5:6066/?instance=worker-1`. It also lets a caller see that somebody else answers there, as
where two machines both announce their own loopback address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

__all__ = ["Owner", "advertised", "owner_at", "owners_of"]

_OFF = "http://off.invalid"
"""Nobody can have this name (RFC 6761)."""
_ANY = frozenset({"0.0.0.0", "::", "[::]"})  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True)
class Owner:
    """A worker, as the group knows it."""

    url: str
    """Scheme, host and port; empty where it answers nobody over HTTP."""
    instance: str
    """Empty where it does not say: a worker of another version."""

    def __str__(self) -> str:
        return f"worker '{self.instance}'" if self.instance else f"the worker at {self.url}"


def advertised(*, instance: str, host: str, port: int, url: str | None, machine: str) -> str:
    """What a worker announces: where the others reach it, and its instance. `machine` is its name in the network."""
    if port == 0:
        base = _OFF
    elif url is not None:
        base = url.rstrip("/")
    else:
        name = machine if host in _ANY else host
        base = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    return f"{base}/?instance={quote(instance, safe='')}"


def owner_at(announced: str) -> Owner:
    """The worker that announced this."""
    parts = urlsplit(announced)
    base = f"{parts.scheme}://{parts.netloc}"
    return Owner("" if base == _OFF else base, parse_qs(parts.query).get("instance", [""])[0])


def owners_of(changelog: str, dealt: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[int, Owner]:
    """By partition of a changelog, its owner: `dealt` is what the assignor gave each URL, by topic."""
    return {
        partition: owner_at(announced) for announced, topics in dealt.items() for partition in topics.get(changelog, ())
    }
