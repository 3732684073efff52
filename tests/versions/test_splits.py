"""Loading splits: what is refused and where, and records that go to their meaning's subject and back."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from versions.avro_bytes import random_bytes
from versions.splitting import SPLIT, brief, catalogue_texts, load, loaded

from router.records.avro import decode_whole, encode_whole
from router.records.catalogue_files import read_catalogue_texts
from router.records.schema import parse_avro
from router.records.splitting import Otherwise
from router.versions.conversion_text import VersionSchema, resolve_revision
from router.versions.encoding import ConversionFailed
from router.versions.narrowing import narrowed
from router.versions.splits import Meaning, Split, load_splits
from router.versions.subjects import read_subjects
from router.versions.writer import version_schema

SCHEMAS = Path(__file__).parents[2] / "schemas"
HEAD = "of: v1\nby: type\nelse: keep\ninto:\n"


def types_of(texts: dict[str, str], name: str) -> Any:
    """The Avro types of a subject."""
    return parse_avro(texts[f"{name}/v1.avsc"], file=name).types


def event(**more: Any) -> bytes:
    """An event's bytes."""
    return encode_whole(types_of(catalogue_texts(), "event"), {"id": "7", "paid": None, "made": None, **more})


def meaning(split: Split, name: str) -> Meaning:
    """The one of a subject."""
    return next(each for each in split.meanings if each.subject == name)


def test_a_record_goes_to_its_meaning_and_back() -> None:
    """Its type says where; the fields of the record that is lifted stand beside the others."""
    texts, split = catalogue_texts(), loaded()
    body = event(type="paid", paid={"sum": 5, "by": "ada"})
    said, found = split.meaning_of(body)
    assert (said, found) == ("paid", meaning(split, "event.paid"))
    assert found is not None
    assert found.name == "event.paid.v1"
    made = found.forth.convert(body)
    assert decode_whole(types_of(texts, "event.paid"), made) == {"id": "7", "sum": 5, "by": "ada"}
    assert found.back is not None
    assert found.back.convert(made) == body
    assert (split.otherwise, split.by, split.version, split.subject) == (Otherwise.DEAD_LETTER, "type", 1, "event")
    assert split.meaning_of(event(type="gone")) == ("gone", None)


def test_json_goes_the_same_way() -> None:
    """A property that is not there is as good as null."""
    split = loaded(as_json=True)
    body = b'{"id":"7","type":"paid","paid":{"sum":5,"by":"ada"}}'
    said, found = split.meaning_of(body)
    assert said == "paid"
    assert found is not None
    made = found.forth.convert(body)
    assert json.loads(made) == {"id": "7", "sum": 5, "by": "ada"}
    assert found.back is not None
    assert json.loads(found.back.convert(made)) == json.loads(body)


@pytest.mark.parametrize("as_json", [False, True], ids=["avro", "json"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"type": "paid"}, id="what its type has is not there"),
        pytest.param(
            {"type": "paid", "paid": {"sum": 5, "by": "ada"}, "made": "x"}, id="what another type has is there"
        ),
    ],
)
def test_a_record_that_is_not_as_its_type_says_does_not_convert(value: dict[str, Any], as_json: bool) -> None:
    """Nothing of it is dropped in silence."""
    split = loaded(as_json=as_json)
    body = json.dumps({"id": "7", **value}).encode() if as_json else event(**value)
    _, found = split.meaning_of(body)
    assert found is not None
    with pytest.raises(
        ConversionFailed, match=r"schemas/event/split\.yaml: field '(paid|made)': it is not as records of type 'paid'"
    ):
        found.forth.convert(body)


def test_several_types_may_have_one_meaning() -> None:
    """Then its records say which of them they are, and what would be another one's is not joined."""
    many = SPLIT.replace(
        "types: [made], has: [made]",
        "types: [made, lost], has: [made], fields: {made: type}, loses: [made], back: {fields: {type: made}}",
    )
    split = loaded(many)
    found = meaning(split, "event.made")
    assert found.back is not None
    for said in ("made", "lost"):
        body = event(type=said, made=said)
        assert found.back.convert(found.forth.convert(body)) == body
    texts = catalogue_texts()
    other = encode_whole(types_of(texts, "event.made"), {"id": "7", "made": "paid"})
    with pytest.raises(ConversionFailed, match="it would be 'paid', and its subject holds made, lost"):
        found.back.convert(other)


def test_nothing_may_lead_back_where_that_is_said() -> None:
    """Those who stay get none of them."""
    split = loaded(SPLIT.replace("lift: paid", "lift: paid, back: none"))
    assert meaning(split, "event.paid").back is None
    assert meaning(split, "event.made").back is not None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param("of: v2\nby: type\nelse: keep\ninto: {}\n", ("invalid-split", "the catalogue has no v2 of 'event': there is v1"), id="no such version"),
        pytest.param("of: v1\nby: type\nelse: keep\ninto: {}\n", ("invalid-split", "it says no subject"), id="no subject"),
        pytest.param("of: v1\nby: kind\nelse: keep\ninto: {event.made.v1: {types: [made], has: [made]}}\n", ("unknown-field", "v1 has no field 'kind'"), id="no such field"),
        pytest.param("of: v1\nby: paid.sum\nelse: keep\ninto: {event.made.v1: {types: [made], has: [made]}}\n", ("invalid-split", "'paid.sum' is neither an enum nor a text, and says no type"), id="a number is no type"),
        pytest.param(HEAD + "  event.made.v1: {types: [mades], has: [made]}\n", ("unknown-symbol", "'type' has no symbol 'mades'"), id="no such symbol"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [made]}\n  event.paid.v1: {types: [made], lift: paid}\n", ("invalid-split", "'made' goes to 'event.made.v1' already: a type has one meaning"), id="a type twice"),
        pytest.param(HEAD + "  event.made: {types: [made]}\n", ("invalid-split", "'event.made' is no subject with its version: write refund.paid.v1"), id="no version"),
        pytest.param(HEAD + "  event.mode.v1: {types: [made]}\n", ("invalid-split", "the catalogue has no 'event.mode.v1'"), id="no such subject"),
        pytest.param(HEAD + "  event.v1: {types: [made]}\n", ("invalid-split", "'event.v1' is the subject that is split"), id="itself"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [maid]}\n", ("unknown-field", "v1 has no field 'maid'"), id="it has what there is not"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [id]}\n", ("invalid-split", "'id' cannot be null, so that all records have it"), id="all have it"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], lift: made}\n", ("invalid-split", "'made' is no record whose fields could be taken"), id="nothing to lift"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [made]}\n  event.paid.v1: {types: [paid], has: [paid]}\n", ("missing-field", "event.paid.v1 needs 'sum', which event v1 does not have and which has no default"), id="a field that nothing makes"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [made], fields: {made: id}, loses: []}\n", ("undeclared-loss", "'made' of 'event' is lost in event.made.v1: nothing is made of it"), id="a loss"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [made], back: {fields: {id: made}}}\n", ("undeclared-loss", "'id' of 'event.made' is lost in event v1: nothing is made of it"), id="a loss on the way back"),
        pytest.param(HEAD + "  event.made.v1: {types: [made], has: [made], back: {feilds: {}}}\n", ("unknown-key", "unknown key 'feilds'"), id="an unknown key"),
        pytest.param("of: v1\nby: type\ninto: {event.made.v1: {types: [made], has: [made]}}\n", ("missing-key", "the file has no 'else'"), id="nothing about other types"),
        pytest.param(HEAD + "  event.made.v1: {types: []}\n", ("wrong-value", "'types': the list is empty"), id="no types"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(said: str, expected: tuple[str, str]) -> None:
    """Each by its kind, in words for people."""
    assert expected in brief(said)


def test_a_subject_has_one_version_here() -> None:
    """Of two, nobody knew which of them a record belongs to."""
    texts = catalogue_texts(
        HEAD + "  event.made.v1: {types: [made], has: [made]}\n  event.made.v2: {types: [lost], has: [made]}\n"
    )
    texts["event.made/v2.avsc"] = texts["event.made/v1.avsc"]
    _, _, findings = load(texts)
    assert "'event.made.v1' is of the same subject: a meaning has one version here" in [
        each.message for each in findings
    ]


def test_encodings_that_do_not_meet_are_refused() -> None:
    """Between Avro and JSON nothing converts, and headers are those of both or of none."""
    texts = catalogue_texts()
    texts["event.made/v1.schema.json"] = catalogue_texts(as_json=True)["event.made/v1.schema.json"]
    del texts["event.made/v1.avsc"]
    texts["event.paid/subject.yaml"] = "encoding: header\n"
    _, _, findings = load(texts)
    told = [each.message for each in findings]
    assert any("nothing converts between Avro and JSON" in each for each in told)
    assert any("say in a header which revision wrote them: both do, or none" in each for each in told)


def test_findings_say_where() -> None:
    """In the part of the file that is at fault, forth or back."""
    text = (
        HEAD
        + "  event.made.v1:\n    types: [made]\n    has: [made]\n    fields:\n      made: mode\n    back:\n      fields:\n        made: mede\n"
    )
    _, _, findings = load(catalogue_texts(text))
    assert [(each.place.file, each.place.line, each.place.column) for each in findings] == [
        ("schemas/event/split.yaml", 9, 13), ("schemas/event/split.yaml", 12, 15),
    ]  # fmt: skip


def test_a_folder_without_a_schema_is_no_subject() -> None:
    """The file alone says nothing of what is split."""
    texts = {"event/split.yaml": catalogue_texts()["event/split.yaml"]}
    _, _, findings = load(texts)
    assert [each.message for each in findings] == ["the catalogue has no v1 of 'event'"]


def _shop() -> list[tuple[str, str]]:
    texts = read_catalogue_texts(SCHEMAS)
    splits, findings = load_splits(read_subjects(texts)[0], texts)
    assert not findings
    return [(name, each.name) for name, split in splits.items() for each in split.meanings]


@pytest.mark.parametrize(("subject", "name"), _shop())
def test_examples_split_random_records_and_join_them_again(subject: str, name: str) -> None:
    """Each is a valid record of its meaning's subject, and comes back as it was, but for what is declared lost."""
    texts = read_catalogue_texts(SCHEMAS)
    subjects, _ = read_subjects(texts)
    split = load_splits(subjects, texts)[0][subject]
    found = next(each for each in split.meanings if each.name == name)
    source, target = subjects[subject].newest(split.version), subjects[found.subject].newest(found.version)
    assert source is not None
    assert target is not None
    assert found.back is not None
    wide = version_schema(source)
    own = {*found.types} & {each.name for each in wide.root.fields}
    others = {each for one in split.meanings for each in one.types} & {each.name for each in wide.root.fields}
    narrow = narrowed(wide, has=own, lacks=others - own)
    draw = random.Random(7)
    converted = 0
    for _ in range(300):
        body = _typed(wide, narrow, random_bytes(narrow.root, draw), found.types[0])
        if body is None:
            continue
        assert split.meaning_of(body) == (found.types[0], found)
        made = found.forth.convert(body)
        decode_whole(version_schema(target).schema.types, made)
        assert decode_whole(wide.schema.types, found.back.convert(made)) == decode_whole(wide.schema.types, body)
        converted += 1
    assert converted > 100
    assert (found.forth.loses, found.back.loses) == ((), ())


def _typed(wide: VersionSchema, narrow: VersionSchema, body: bytes, said: str) -> bytes | None:
    """A random narrowed body as a whole one of a type; None of one that no writer would write."""
    value: Any = decode_whole(wide.schema.types, resolve_revision(narrow, wide)(body))
    value["type"] = said
    try:
        return encode_whole(wide.schema.types, value)
    except (ValueError, OverflowError):
        return None
