"""Changing the value of one dead letter: what there is to change, and the record that is sent instead. Pure."""

from __future__ import annotations

import json

from router.errors import RouterError
from router.language.case_values import Misfit, encode_value
from router.records.catalogue import Catalogue
from router.records.record import PlainRecord
from router.records.schema import Schema
from router.redrive.selection import DeadLetter, Selection, WrongSelection, decoded
from router.redrive.ways import Left, Ways

__all__ = ["edited", "goes_to", "shown"]


def shown(letter: DeadLetter, catalogue: Catalogue) -> str:
    """The value as JSON, to be changed. Raises WrongSelection where it cannot be shown so."""
    try:
        plain = decoded(letter.record, Selection(catalogue).version_of(letter.record))
        return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"
    except (RouterError, ValueError, TypeError, RecursionError) as error:
        raise WrongSelection(f"the value at {letter.at} cannot be shown as JSON ({error}): give the new one") from error


def edited(letter: DeadLetter, text: str, ways: Ways, catalogue: Catalogue) -> PlainRecord:
    """The dead letter with this JSON as its value, as the topic that it goes to has it.

    Raises WrongSelection where it goes nowhere, or the value does not fit the schema of where it goes.
    """
    topic, schema = goes_to(letter, ways, catalogue)
    try:
        body = encode_value(schema, json.loads(text))
    except Misfit as misfit:
        hint = f": {misfit.suggestion}" if misfit.suggestion else ""
        raise WrongSelection(f"the value does not fit the schema of {topic}: {misfit}{hint}") from misfit
    except (ValueError, RecursionError) as error:
        raise WrongSelection(f"the value is not JSON: {error}") from error
    record = ways.edited(topic, letter.record, body)
    if isinstance(record, Left):
        raise WrongSelection(record.message)
    return record


def goes_to(letter: DeadLetter, ways: Ways, catalogue: Catalogue) -> tuple[str, Schema | None]:
    """The first topic that gets it, and the one schema of all that do. Raises WrongSelection where there is no such."""
    topics = ways.topics(letter)
    if isinstance(topics, Left):
        raise WrongSelection(f"{letter.at} cannot be sent: {topics.message}")
    found = [catalogue.resolve(topic) for topic in topics]
    if any(each != found[0] for each in found):
        raise WrongSelection(f"it goes to topics of different schemas, {', '.join(topics)}: name one with --to")
    return topics[0], None if found[0] is None else found[0].schema
