"""What each kind of finding means, whether it is an error, and what to do: docs/findings.md is made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router.exchange.model import Place
from router.language.findings import Finding, Kind, Level

__all__ = ["DESCRIPTIONS", "Description", "found"]

_LONGEST = 600
"""Characters of a message; the rest of a longer one is names that are longer than any name may be."""


@dataclass(frozen=True, slots=True)
class Description:
    """One kind, for people."""

    level: Level
    meaning: str
    """One line."""
    explanation: str
    """A paragraph: why it matters and what to do."""


def found(kind: Kind, place: Place, message: str, suggestion: str = "") -> Finding:
    """A finding at the level that its kind has."""
    return Finding(place, DESCRIPTIONS[kind].level, kind, _line(message), _line(suggestion))


def _line(text: str) -> str:
    """One printable line, whatever names a file has come up with: findings go to terminals and logs."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in short)


def _error(meaning: str, explanation: str) -> Description:
    return Description(Level.ERROR, meaning, explanation)


def _warning(meaning: str, explanation: str) -> Description:
    return Description(Level.WARNING, meaning, explanation)


DESCRIPTIONS: Mapping[Kind, Description] = {
    Kind.YAML_SYNTAX: _error(
        "The file is not YAML.",
        "Nothing of the file could be read from this place on. The place is where the YAML reader gave up, which can be a "
        "line or two behind the fault: a bracket or a quote that is never closed, a tab as indentation, a list item that is "
        "indented less than its neighbours.",
    ),
    Kind.YAML_TRAP: _error(
        "YAML reads this differently from what it looks like.",
        "Without quotes, `#.delivered` is a comment, `*.paid` an alias, `!has(x)` a tag, `{country}` a mapping, `5` a "
        "number, `true` a boolean and `no` a boolean for many other readers. Each of them is good YAML and would silently "
        'mean something else, so each is refused: put quotes round it, as in `"#.delivered"`.',
    ),
    Kind.NOT_UTF_8: _error(
        "The file is not UTF-8 text.",
        "Route files are UTF-8. The place is that of the first byte that is none; an editor that saves as UTF-16 or in a "
        "code page of one byte a character is the usual reason.",
    ),
    Kind.TOO_LARGE: _error(
        "The file is too large, or its aliases make it so.",
        "A file may have 1 MiB of text and 100,000 values, those that aliases repeat included. Aliases of aliases can turn "
        "a few lines into billions of values: write the repeated part out, or leave the anchors away.",
    ),
    Kind.TOO_DEEP: _error(
        "The file nests more than 50 levels deep.",
        "No route needs more than seven levels. Something opens brackets or indents without end.",
    ),
    Kind.DUPLICATE_KEY: _error(
        "A mapping has the same key twice.",
        "YAML readers keep one of the two and drop the other without a word. Merge the two entries, or rename one.",
    ),
    Kind.EMPTY_FILE: _error(
        "The file says nothing.",
        "It is empty, or holds nothing but comments. A file that is there by mistake should be deleted; one that is yet to "
        "be written needs at least `version: 1` and `team:`.",
    ),
    Kind.UNKNOWN_KEY: _error(
        "The key means nothing at this place.",
        "A misspelt key would otherwise be an option that silently has no effect. docs/routes.md lists the keys of every "
        "place.",
    ),
    Kind.MISSING_KEY: _error(
        "A key that must be there is not.",
        "Every file says `version:` and `team:`, every exchange its `type:`, every binding its `exchange:`.",
    ),
    Kind.WRONG_TYPE: _error(
        "The value is of another type than its key wants.",
        "For example a list where a text is wanted, or a key with nothing behind it. Remove a key that has no value.",
    ),
    Kind.WRONG_VALUE: _error(
        "The value is of the right type, but not one that its key takes.",
        "The message lists what is taken, or the limits.",
    ),
    Kind.INVALID_DURATION: _error(
        "The text is no duration.",
        "A duration is a whole number above zero and its unit, without a space: `250ms`, `10s`, `5m`, `12h`, `7d`. A "
        "retention can be `forever`.",
    ),
    Kind.NOT_YET_SUPPORTED: _error(
        "The language has this, this version of the router does not.",
        "The key or value is part of the language of routes, and is refused because leaving it out silently would route "
        "records otherwise than the file says. Remove it, or wait for the version that has it.",
    ),
    Kind.DUPLICATE_TEAM: _error(
        "Two files say that they are the same team's.",
        "One team has one file, so that everybody knows where its routes are. Merge the two files, or name the other team.",
    ),
    Kind.DUPLICATE_EXCHANGE: _error(
        "An exchange is declared twice.",
        "An exchange's name is its identity over all teams, and it is declared once, by the team that owns it. Other teams "
        "bind to it without declaring it.",
    ),
    Kind.DUPLICATE_TOPIC: _error(
        "A topic is declared by two teams.",
        "A topic belongs to the team that reads it (or, for a broad topic, that publishes it), and only that team says what "
        "goes into it. A second team that wants the same records declares a topic of its own.",
    ),
    Kind.DUPLICATE_BINDING: _warning(
        "A topic has the same binding twice.",
        "The second changes nothing: a topic gets one copy of a record however many bindings lead to it.",
    ),
    Kind.UNKNOWN_EXCHANGE: _error(
        "No file declares an exchange of that name.",
        "A binding or an alternate names an exchange that is declared nowhere in the directory. Exchanges' names are told "
        "apart by case.",
    ),
    Kind.UNUSED_EXCHANGE: _warning(
        "Nothing is bound to the exchange.",
        "Every record that enters it goes to its alternate or to the unroutable topic. Perhaps its consumers are yet to "
        "come; perhaps their bindings name another exchange.",
    ),
    Kind.UNREACHABLE_EXCHANGE: _warning(
        "No record can reach the exchange.",
        "It has no `sources:`, and no exchange that a source can reach leads to it by a binding or as its alternate, so its "
        "own bindings never see a record.",
    ),
    Kind.ALTERNATE_LOOP: _warning(
        "Exchanges are each other's alternates in a loop.",
        "A record visits each exchange once, so the loop ends by itself, and a record that none of them routes is "
        "unroutable. The last `alternate:` of the loop has no effect.",
    ),
    Kind.EXCHANGE_CYCLE: _warning(
        "Exchanges feed each other in a circle.",
        "That does no harm, because a record visits each exchange once; but the last binding of the circle leads back to "
        "where the record has been, and does something only for records that enter the circle elsewhere. The message shows "
        "the way round.",
    ),
    Kind.FOREIGN_BINDING: _error(
        "A binding to an exchange with `limit: first` stands in another team's file.",
        "There the first binding that matches wins, in the order of the file, and between files there is no order. So all "
        "its bindings stand in the file of the team that owns the exchange. Others bind to an exchange of their own, which "
        "that team's file feeds, or ask for a topic.",
    ),
    Kind.MALFORMED_ROUTING_KEY: _error(
        "The template of a routing key cannot be read.",
        "A placeholder is a field's path in braces, `{country}` or `{customer.tier}`, or one of `{header:NAME}`, `{key}` "
        "and `{topic}`. A brace of its own is written twice. The column is that of the fault inside the text.",
    ),
    Kind.INVALID_SCHEMA: _error(
        "A schema of the catalogue cannot be used.",
        "The file is no Avro schema or JSON Schema, or two files say that they are the same version. Until it is mended, "
        "what routes need of that schema cannot be checked.",
    ),
    Kind.NO_SCHEMA: _error(
        "Fields are needed of a source that has no schema.",
        "A routing key made of fields, `key:` and `validate: whole` need to know how the source's values are written. Add "
        "the file that the message names, or make the routing key of `{key}`, `{topic}` and `{header:NAME}` alone.",
    ),
    Kind.UNKNOWN_FIELD: _error(
        "The source's schema has no such field.",
        "Every source of an exchange must have the fields that its `routing-key:` and `key:` name, by the same path.",
    ),
    Kind.FIELD_NOT_SCALAR: _error(
        "The field is no single value.",
        "A record, a list or a map makes no word of a routing key. Name a field inside it.",
    ),
    Kind.IGNORED_KEY: _warning(
        "A binding key, or another key, has no effect here.",
        "A fanout exchange takes every record whatever its routing key, a headers exchange goes by headers and a "
        "consistent-hash exchange by hashes, and `weight:` and `hash-on:` mean something in the latter only. Headers whose "
        "names begin with `x-` count only in the modes `all-with-x` and `any-with-x`. Remove what has no effect, or change "
        "the exchange's type.",
    ),
    Kind.LITERAL_WILDCARD: _warning(
        "A star or hash in a binding key is a plain character here.",
        "Wildcards are whole words, and only in topic exchanges: `a*` is a word of two characters, and a direct exchange "
        "compares the whole key as it stands.",
    ),
    Kind.MISPLACED_HEADERS: _error(
        "A binding asks for headers, and its exchange does not look at them.",
        "Only exchanges of the type `headers` do (RabbitMQ ignores such arguments, and lets everything pass). Bind to a "
        "headers exchange, or say the same in `where:`, which every binding may have.",
    ),
    Kind.INVALID_PATTERN: _error(
        "The regular expression of `matches` cannot be compiled.",
        "Expressions are RE2's, which take time in proportion to the text, so that no pattern and no header can stall a "
        "worker. Look-ahead, look-behind and back references are what it leaves out. The column is that of the fault.",
    ),
    Kind.INVALID_WHERE: _error(
        "A `where` cannot be compiled.",
        "It is CEL, checked against the schema of every source whose records can reach the binding: a field that is not "
        "there, a comparison of a text with a number, or a slip in the syntax is found here and not on the first record. "
        "The column is that of the fault inside the text.",
    ),
    Kind.CONSTANT_WHERE: _warning(
        "A `where` is the same for every record.",
        "One that is always true can be left out; a binding whose `where` is always false never matches. The record plays "
        "no part in it, or only parts that cancel out.",
    ),
    Kind.UNKNOWN_SYMBOL: _warning(
        "A `where`, or an order by states, names what is none of an enum's symbols.",
        "No record can have that value, so a comparison with it is the same for all of them. Usually the symbol is misspelt, "
        "or is one of a later version of the schema.",
    ),
    Kind.NULL_IN_SAMPLE: _warning(
        "A `where` uses a field that is null in every sampled record.",
        "`router check --sample TOPIC` reads the newest records of a broad topic. The schema allows the field, and none of them "
        "fills it in, so the condition comes out the same for all of them. Usually producers have stopped writing the field, or "
        "never began: ask the team that publishes the topic. Where the field is only rare, sample more with --sample-size.",
    ),
    Kind.NEVER_MATCHES: _warning(
        "A binding can never match.",
        "No record of any source can have what it wants: the schema's enums have no such symbol, routing keys made from the "
        "exchange's template have another number of words, two conditions exclude each other, or an earlier binding of an "
        "exchange with `limit: first` always wins. Usually a word is misspelt.",
    ),
    Kind.COVERED_BINDING: _warning(
        "Another binding to the same destination matches whatever this one does.",
        "It changes nothing, since a topic gets one copy of a record. Remove it, or the other where that was to be the "
        "narrower one.",
    ),
    Kind.NEEDS_REPARTITION: _error(
        "Records that are to be put in order may lie in different partitions.",
        "Records are put in order where one worker sees all of a key: in one partition of one source. So the records' key "
        "must be the field that `order` goes by, which `key:` on the exchange says and the worker verifies. Where it is "
        "another field, or where several sources enter one exchange, say `repartition: true`: then they are keyed anew first, "
        "by an internal topic. A topic whose `failure` keeps keys gets each key's records from one source, too, or from one "
        "exchange that says so.",
    ),
    Kind.MISPLACED_ORDER: _error(
        "An exchange cannot put its records in order.",
        "Order is made where records enter the exchanges, and once a source: an exchange with `order` has sources and no "
        "`from:`, and no other exchange with `order` has the same source. Exchanges behind it get its records in order.",
    ),
    Kind.ORDER_FIELD: _error(
        "The field cannot put records in order.",
        "A `sequence` needs an int or a long, a `time` a timestamp, a date, a text in ISO 8601 or a whole number.",
    ),
    Kind.DEAD_STATE: _warning(
        "Records of a state can never be in order.",
        "No way of transitions leads to it from where keys begin, or it is in the schema and in no transition. Each record "
        "that carries it becomes a dead letter, as an illegal transition. Usually a transition is missing.",
    ),
    Kind.INVALID_TOPIC_NAME: _error(
        "Kafka does not take that topic name.",
        "A name has up to 249 of the characters a-z, A-Z, 0-9, dot, underscore and hyphen, and is not `.` or `..`. A broad "
        "topic's name leaves 13 characters of room, because the router adds `.dead-letters` and `.unroutable` to it.",
    ),
    Kind.UNKNOWN_SUBJECT: _error(
        "The topic's name says a subject or version that the catalogue does not have.",
        "A topic's name ends in its subject and version, such as `order.status.v1`, and each of them has a file in the "
        "catalogue. Correct the name, or add the schema.",
    ),
    Kind.NO_SUBJECT: _warning(
        "The topic's name does not say which schema its records have.",
        "The name of a topic is an optional prefix, the subject and the version, as in `notifications.order.status.v1`: by "
        "that, consumers and the router know how to read it.",
    ),
    Kind.OTHER_SUBJECT: _error(
        "The topic's name says another subject than its records have.",
        "Its consumers would read the records by the wrong schema. Name the topic for the subject of the source, or bind it "
        "to the exchange that has that subject.",
    ),
    Kind.NO_CONVERSION: _error(
        "The topic is of another version than its source, and nothing says how records are converted.",
        "Copies for a topic of another version are converted, by `schemas/<subject>/v<N>_to_v<M>.yaml`, or without a file where "
        "every field carries over by itself. Write what is missing (`router schemas check` says what), or name the topic for the "
        "version of its source.",
    ),
    Kind.MIXED_SOURCE: _error(
        "A broad topic is read by its own name and by its subject, or put in order by its subject.",
        "By its own name a topic is read whole, with what a migration copied into it; by its subject's name only what its "
        "producers wrote there is taken, and the rest from the other versions. Workers of one group read it in one way: name it "
        "by the subject everywhere, or nowhere. Order is kept by the lane of one topic, so it takes the topic by its name.",
    ),
    Kind.FORMAT_MISMATCH: _error(
        "The declared `format:` is not the one that the records have.",
        "Copies carry the source's bytes unchanged, so a topic has the format of its sources, and a source that of its "
        "schema.",
    ),
    Kind.RESERVED_TOPIC: _error(
        "The topic is one that the router writes by itself.",
        "`<source>.unroutable` and `<source>.dead-letters` hold what the router could not route or read. Nothing is bound "
        "to them, and they are no sources. Beside a topic with `failure:` stand `<topic>.rejected`, `<topic>.parked` and "
        "`<topic>.dead-letters`.",
    ),
    Kind.FED_SOURCE: _error(
        "A broad topic is fed by routes.",
        "What an exchange reads must not be what routes write: a record would be routed twice. Bind the topic behind it to "
        "the first exchange instead.",
    ),
    Kind.TOPIC_CYCLE: _error(
        "Topics feed each other in a circle.",
        "A record would go round for ever. The message shows the way from the topic back to itself.",
    ),
    Kind.UNEQUAL_PARTITIONS: _warning(
        "A topic has another number of partitions than its source, whose keys nobody vouches for.",
        "With equal numbers a copy keeps its record's partition, and everything its order. With others a copy goes where a "
        "Java client would put its key: the records of one key stay in order as long as the producer places them in that "
        "way, too, and records without a key keep no order among each other. `key:` on the exchange makes the router verify "
        "each record's key; or declare as many partitions as the source has.",
    ),
    Kind.UNKNOWN_SOURCE: _error(
        "A case's message comes from a topic that no exchange reads.",
        "The `topic:` of a case's message is one of the `sources:` of an exchange.",
    ),
    Kind.INVALID_VALUE: _error(
        "A case's value does not fit the schema of its topic.",
        "A case states the fields that matter, and the rest is filled in; but what it states must be of the schema.",
    ),
    Kind.UNKNOWN_DESTINATION: _error(
        "A case expects a copy in a topic that no route feeds.",
        "No record can ever arrive there, so the case can only fail. Usually the name is misspelt.",
    ),
}
