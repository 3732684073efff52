"""What a change of bindings does to a consistent-hash exchange: how many keys another destination gets from then on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.exchange.consistent_hash import ConsistentHashMatcher
from router.exchange.matcher import Message, words_of
from router.exchange.model import Exchange, Exchanges, ExchangeType, Place

__all__ = ["SAMPLE", "MovedKeys", "Share", "moved_keys"]

SAMPLE = 10_000
"""Keys that are tried."""


@dataclass(frozen=True, slots=True)
class Share:
    """One destination's part of the sample."""

    destination: str
    before: int
    after: int
    gained: int
    """Keys that others had before."""
    lost: int
    """Keys that others have from now on."""


@dataclass(frozen=True, slots=True)
class MovedKeys:
    """One exchange, then and now."""

    exchange: str
    place: Place
    sample: int
    moved: int
    """Keys whose destination is another one, or was nobody, or is nobody now."""
    shares: tuple[Share, ...]
    """By the destination's name, those that have or had any."""


def moved_keys(before: Exchanges, after: Exchanges, *, sample: int = SAMPLE) -> tuple[MovedKeys, ...]:
    """Of each consistent-hash exchange that both sets have, whose bindings differ; conditions are left out of account."""
    return tuple(_compare(before, after, sample))


def _compare(before: Exchanges, after: Exchanges, sample: int) -> Iterator[MovedKeys]:
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if {old.type, new.type} != {ExchangeType.CONSISTENT_HASH} or _weights(old) == _weights(new):
            continue
        one, other = (_owners(each, sample) for each in (old, new))
        changed = [(was, now) for was, now in zip(one, other, strict=True) if was != now]
        counts = [Counter(owners) for owners in (one, other)]
        lost, gained = Counter(was for was, _ in changed), Counter(now for _, now in changed)
        shares = tuple(
            Share(each, counts[0][each], counts[1][each], gained[each], lost[each])
            for each in sorted(counts[0] | counts[1])
            if each
        )
        yield MovedKeys(name, new.place, sample, len(changed), shares)


def _weights(exchange: Exchange) -> Counter[str]:
    weights: Counter[str] = Counter()
    for binding in exchange.bindings:
        weights[str(binding.destination)] += binding.weight
    return weights


def _owners(exchange: Exchange, sample: int) -> list[str]:
    """Who has each key of the sample; empty for nobody."""
    # What is hashed does not matter to shares, and a condition depends on more than the key.
    bare = replace(
        exchange, hash_header=None, bindings=tuple(replace(binding, where=None) for binding in exchange.bindings)
    )
    matcher = ConsistentHashMatcher(bare)
    owners = []
    for number in range(sample):
        key = f"key-{number}"
        matched = matcher.match(Message(key, words_of(key)))
        owners.append(str(matched[0].destination) if matched else "")
    return owners
