"""Checks that reckon with what can be: bindings that can never match, and those that another one covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from router.exchange.header_values import HeaderTest, Operator
from router.exchange.matcher import words_of
from router.exchange.model import HeadersMatch
from router.exchange.routing_key import MalformedRoutingKey, RoutingKey, parse_routing_key
from router.language.declarations import BindingLine, Declarations, DeclaredExchange
from router.language.findings import Finding, Kind
from router.language.header_conditions import parse_headers
from router.language.key_language import KeyLanguage, key_language
from router.language.kinds import found
from router.language.pattern_cover import covering
from router.language.suggestions import did_you_mean
from router.records.catalogue import Catalogue

__all__ = ["check_matches"]


def check_matches(declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    """Findings of bindings that change nothing, whatever records come."""
    languages = _languages(declarations, catalogue)
    groups: dict[object, dict[object, BindingLine]] = {}
    for line in declarations.binding_lines():
        exchange = declarations.exchanges.get(line.exchange)
        if exchange is None:
            continue
        kind = exchange.shape.type
        never: tuple[Finding, ...] = ()
        if kind in {"topic", "direct"} and line.key is not None:
            never = tuple(_unmatched_key(line, line.key, exchange, languages.get(line.exchange, ())))
        elif kind == "headers" and line.first and line.shape.headers is not None:
            never = tuple(_unmet_headers(line, parse_headers(line.shape.headers)[0]))
        yield from never
        if not never and kind != "consistent-hash":
            fed = None if exchange.shape.limit else line.fed.destination
            asked = None if line.shape.headers is None else repr(parse_headers(line.shape.headers)[0])
            # Of equal ones, which are told of as duplicates, the first stands for all.
            same = (line.key, asked, line.shape.where, line.fed.destination)
            groups.setdefault((line.exchange, fed), {}).setdefault(same, line)
    for group in groups.values():
        if len(group) > 1:
            lines = list(group.values())
            yield from _covered(lines, declarations.exchanges[lines[0].exchange])


def _languages(declarations: Declarations, catalogue: Catalogue) -> dict[str, tuple[tuple[str, KeyLanguage], ...]]:
    """By exchange, the templates by which records get there and the keys that they make; none where any key can come."""
    own: dict[str, tuple[tuple[str, KeyLanguage], ...] | None] = {}
    for name, exchange in declarations.exchanges.items():
        if exchange.shape.sources:
            own[name] = _own_languages(exchange, catalogue)
    found_languages = {}
    for name, entries in declarations.entries_of().items():
        all_of_them = [own[entry] for entry in entries]
        if all_of_them and None not in all_of_them:
            found_languages[name] = tuple(each for some in all_of_them for each in some or ())
    return found_languages


def _own_languages(exchange: DeclaredExchange, catalogue: Catalogue) -> tuple[tuple[str, KeyLanguage], ...] | None:
    """None where the keys can be any: without a template, with CC and BCC, or where a schema is not known."""
    text = exchange.shape.routing_key
    if text is None or exchange.shape.cc:
        return None
    try:
        template: RoutingKey = parse_routing_key(text)
    except MalformedRoutingKey:
        return None
    languages = []
    for source in exchange.shape.sources:
        subject = catalogue.resolve(source)
        field_of = subject.schema.field if subject else (lambda _: None)
        languages.append((text, key_language(template, topic=source, field_of=field_of)))
    return tuple(languages)


def _unmatched_key(
    line: BindingLine,
    key: str,
    exchange: DeclaredExchange,
    languages: tuple[tuple[str, KeyLanguage], ...],
) -> Iterator[Finding]:
    wildcards = exchange.shape.type == "topic"
    words = words_of(key)
    if wildcards and any(len(word) > 1 and ("*" in word or "#" in word) for word in words):
        return  # told as a wildcard that is none
    if not languages or any(each.may_match(words, wildcards=wildcards) for _, each in languages):
        return
    why, hint = _why(words, *languages[0], wildcards=wildcards)
    yield found(Kind.NEVER_MATCHES, line.place, f"'{key}' never matches: {why}", hint)


def _why(words: tuple[str, ...], template: str, language: KeyLanguage, *, wildcards: bool) -> tuple[str, str]:
    """The first thing that excludes a match, and the word that was perhaps meant."""
    sets = language.words or ()
    any_number = wildcards and "#" in words
    least = sum(word != "#" or not wildcards for word in words)
    if least > len(sets) or (least < len(sets) and not any_number):
        has = "1 word" if len(sets) == 1 else f"{len(sets)} words"
        return f'it has {least} word{"" if least == 1 else "s"}, and routing keys made by "{template}" have {has}', ""
    start = words.index("#") if any_number else len(words)
    for number, word in enumerate(words):
        literal = not wildcards or word not in {"*", "#"}
        if not literal:
            continue
        if number < start:
            places = sets[number : number + 1]
        elif "#" not in words[number + 1 :]:
            places = sets[len(sets) - (len(words) - number) :][:1]
        else:
            places = sets
        if not any(each.has(word) for each in places):
            part = f"`{places[0].part}`" if len(places) == 1 and places[0].part else "a word there"
            texts = sorted({text for each in places for text in each.texts or ()})
            hint = did_you_mean(word, texts, otherwise=f"it can be {', '.join(texts[:12])}" if texts else "")
            return f"{part} is never '{word}'", hint
    return f'no routing key made by "{template}" is like that', ""


def _unmet_headers(line: BindingLine, match: HeadersMatch) -> Iterator[Finding]:
    counting = match.counting
    if not counting and not match.x_match.every:
        message = f"no condition counts, and x-match: {match.x_match} of none is never met"
        yield found(Kind.NEVER_MATCHES, line.place_of("headers"), message)
    for condition in counting:
        problem = _contradiction(condition.test)
        if problem:
            place = line.key_place_of("headers", condition.name)
            yield found(Kind.NEVER_MATCHES, place, f"'{condition.name}' is never met: {problem}")


def _contradiction(test: HeaderTest) -> str:
    """Why no value meets a test of several operators; empty where some may."""
    if test.operator is not Operator.EVERY:
        return ""
    given: Mapping[Operator, HeaderTest] = {each.operator: each for each in test.operand}
    absent = Operator.EXISTS in given and not given[Operator.EXISTS].operand
    if absent and any(each not in {Operator.EXISTS, Operator.NOT} for each in given):
        return "a header that is absent has no value"
    lowest = [given[each] for each in (Operator.GT, Operator.GTE) if each in given]
    highest = [given[each] for each in (Operator.LT, Operator.LTE) if each in given]
    for low in lowest:
        for high in highest:
            if isinstance(low.operand, str) is not isinstance(high.operand, str):
                return f"{low} compares {_kind(low)}, and {high} compares {_kind(high)}"
            bottom, top = _comparable(low.operand), _comparable(high.operand)
            strict = low.operator is Operator.GT or high.operator is Operator.LT
            if bottom > top or (strict and bottom == top):
                return f"nothing is both {low} and {high}"
    return ""


def _kind(test: HeaderTest) -> str:
    return "texts" if isinstance(test.operand, str) else "numbers"


def _comparable(operand: float | str) -> Any:
    return operand if isinstance(operand, str) else Decimal(str(operand))


def _covered(lines: list[BindingLine], exchange: DeclaredExchange) -> Iterator[Finding]:
    """Bindings whose every match another takes, too; with `limit: first` only an earlier one counts, of any destination."""
    told: set[int] = set()
    for narrow, wide in _pairs(lines, exchange.shape.type):
        first = exchange.shape.limit is not None
        if narrow in told or (first and wide > narrow):
            continue
        told.add(narrow)
        line, other = lines[narrow], lines[wide]
        what = "this binding" if line.key is None else f"'{line.key}'"
        wider = "the binding" if other.key is None else f"'{other.key}'"
        if first:
            message = f"{what} never gets a record: {wider} in line {other.place.line} takes all that it would, and comes first"
            yield found(Kind.NEVER_MATCHES, line.place, message, "put the narrower one first")
        else:
            message = f"{what} of '{line.fed.name}' changes nothing: {wider} in line {other.place.line} matches all that it does"
            yield found(Kind.COVERED_BINDING, line.place, message)


def _pairs(lines: list[BindingLine], kind: str) -> Iterator[tuple[int, int]]:
    """Which bindings (by index) cover which; equal ones are told of as duplicates."""
    plain = [index for index, line in enumerate(lines) if line.shape.where is None]
    everything = next((index for index in plain if _takes_all(lines[index], kind)), None)
    if everything is not None:
        for index, line in enumerate(lines):
            if index != everything and (kind != "fanout" or line.shape.where is not None):
                yield index, everything
    if kind == "topic":
        keyed = [index for index in plain if lines[index].key is not None]
        for narrow, wide in covering([words_of(lines[index].key or "") for index in keyed]):
            yield keyed[narrow], keyed[wide]
    if kind in {"topic", "direct"}:
        unconditional = {lines[index].key: index for index in reversed(plain) if lines[index].key is not None}
        for index, line in enumerate(lines):
            if line.shape.where is not None and line.key in unconditional:
                yield index, unconditional[line.key]
    if kind == "headers":
        yield from _narrower_headers(lines, plain)


def _takes_all(line: BindingLine, kind: str) -> bool:
    match kind:
        case "fanout":
            return True
        case "headers":
            match = HeadersMatch() if line.shape.headers is None else parse_headers(line.shape.headers)[0]
            return match.x_match.every and not match.counting
        case _:
            return line.key is None or (kind == "topic" and line.key == "#")


_MOST_HEADERS = 200
"""Headers bindings to one destination that are compared with each other."""


def _narrower_headers(lines: list[BindingLine], plain: list[int]) -> Iterator[tuple[int, int]]:
    """With `all`, more conditions are narrower."""
    asked = {
        index: set(map(repr, match.counting))
        for index, line in enumerate(lines)
        if line.shape.headers is not None and (match := parse_headers(line.shape.headers)[0]).x_match.every
    }
    if len(asked) <= _MOST_HEADERS:
        for narrow, conditions in asked.items():
            for wide in plain:
                narrower = wide in asked and asked[wide] and asked[wide] <= conditions
                if narrower and (asked[wide] != conditions or lines[narrow].shape.where is not None):
                    yield narrow, wide
