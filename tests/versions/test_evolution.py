"""Whether subjects changed as they may."""

import json
from typing import Any

import pytest

from router.versions.evolution import check_evolution
from router.versions.subjects import read_subjects


def record(*fields: tuple[str, Any] | tuple[str, Any, Any], **more: Any) -> str:
    made = [{"name": each[0], "type": each[1], **({"default": each[2]} if len(each) > 2 else {})} for each in fields]
    return json.dumps({"type": "record", "name": "R", "fields": made, **more})


A, AB, ABD = record(("a", "int")), record(("a", "int"), ("b", "int")), record(("a", "int"), ("b", "int", 0))
CENTS = [record(("a", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": each})) for each in (2, 3)]


def changed(before: dict[str, str], now: dict[str, str], said: str = "") -> list[tuple[str, str, str]]:
    extra = {"s/subject.yaml": said} if said else {}
    found = check_evolution(
        read_subjects({f"s/{name}": text for name, text in now.items()} | extra)[0],
        read_subjects({f"s/{name}": text for name, text in before.items()} | extra)[0],
    )
    return [(str(each.finding.level), str(each.finding.kind), each.field) for each in found]


HEADER = "encoding: header\n"


@pytest.mark.parametrize(
    ("before", "now", "said", "expected"),
    [
        pytest.param({}, {"v1.avsc": A}, "", [], id="a new subject"),
        pytest.param({"v1.avsc": A}, {"v1.avsc": A, "v2.avsc": AB}, "", [], id="a new version"),
        pytest.param({"v1.avsc": A}, {"v1.avsc": record(("a", "int"), doc="words")}, "", [], id="words"),
        pytest.param({"v1.avsc": A}, {"v2.avsc": A}, "", [("warning", "deleted-version", "")], id="a version is gone"),
        pytest.param({"v1.avsc": A}, {}, "", [("warning", "deleted-version", "")], id="a subject is gone"),
        pytest.param(
            {"v1.avsc": A}, {"v1.avsc": ABD}, "", [("error", "bare-change", "")], id="bare bodies may not change"
        ),
        pytest.param(
            {"v1.avsc": A},
            {"v1.avsc": AB},
            "",
            [("error", "bare-change", ""), ("error", "breaking-change", "b")],
            id="nor incompatibly",
        ),
        pytest.param(
            {"v1.avsc": A}, {"v1.avsc": ABD}, HEADER, [("error", "lost-revision", "")], id="the revision is not kept"
        ),
        pytest.param({"v1.avsc": A}, {"v1.avsc": ABD, "v1.r1.avsc": A}, HEADER, [], id="the revision is kept"),
        pytest.param(
            {"v1.avsc": A},
            {"v1.avsc": AB, "v1.r1.avsc": A},
            HEADER,
            [("error", "breaking-change", "b")],
            id="new readers cannot read old records",
        ),
        pytest.param(
            {"v1.avsc": AB},
            {"v1.avsc": A, "v1.r1.avsc": AB},
            HEADER,
            [("error", "breaking-change", "b")],
            id="old readers cannot read new records",
        ),
        pytest.param(
            {"v1.avsc": AB},
            {"v1.avsc": A, "v1.r1.avsc": AB},
            HEADER + "compatibility: backward\n",
            [],
            id="which is allowed",
        ),
        pytest.param(
            {"v1.avsc": A},
            {"v1.avsc": AB, "v1.r1.avsc": A},
            HEADER + "compatibility: forward\n",
            [],
            id="and the other",
        ),
        pytest.param(
            {"v1.avsc": A}, {"v1.avsc": AB, "v1.r1.avsc": A}, HEADER + "compatibility: none\n", [], id="and anything"
        ),
        pytest.param(
            {"v1.avsc": AB, "v1.r1.avsc": A},
            {"v1.avsc": AB, "v1.r1.avsc": A},
            HEADER,
            [],
            id="what was committed is not judged again",
        ),
        pytest.param(
            {"v1.avsc": ABD, "v1.r1.avsc": A},
            {"v1.avsc": AB, "v1.r1.avsc": A, "v1.r2.avsc": ABD},
            HEADER,
            [],
            id="a default that is gone",
        ),
        pytest.param({"v1.avsc": CENTS[0]}, {"v1.avsc": CENTS[1]}, "", [("error", "value-change", "a")], id="a scale"),
        pytest.param(
            {"v1.avsc": A}, {"v1.schema.json": "{}"}, "", [("error", "breaking-change", "")], id="another format"
        ),
        pytest.param(
            {"v1.schema.json": '{"type": "integer"}'},
            {"v1.schema.json": '{"type": "number"}'},
            "",
            [("error", "breaking-change", "")],
            id="a JSON type",
        ),
        pytest.param(
            {"v1.schema.json": '{"type": "string"}'},
            {"v1.schema.json": '{"type": "string", "pattern": "x"}'},
            "",
            [("warning", "unknown-compatibility", "")],
            id="a JSON pattern",
        ),
        pytest.param({"v1.schema.json": "{}"}, {"v1.schema.json": '{"title": "x"}'}, "", [], id="a JSON title"),
    ],
)
def test_edits_are_judged(
    before: dict[str, str], now: dict[str, str], said: str, expected: list[tuple[str, str, str]]
) -> None:
    """Within a version only what its readers and its retained records bear."""
    assert changed(before, now, said) == expected


def test_violations_say_the_way_out() -> None:
    """A changed bare body wants the next version, a lost revision its file."""
    before, _ = read_subjects({"s/v1.avsc": A})
    bare = check_evolution(read_subjects({"s/v1.avsc": ABD})[0], before)[0].finding
    assert bare.suggestion == "keep s/v1.avsc as it was, and make v2.avsc"
    texts = {"s/v1.avsc": ABD, "s/subject.yaml": HEADER}
    lost = check_evolution(read_subjects(texts)[0], before, folder="there")[0].finding
    assert lost.suggestion == "keep its text as s/v1.r1.avsc"
    assert str(lost.place) == "there/s/v1.avsc:1:1"


def test_what_cannot_be_resolved_is_breaking() -> None:
    """A field that two of the writer's could be read as is told as a break."""
    field = {"name": "c", "type": "int", "aliases": ["a", "b"]}
    now = json.dumps({"type": "record", "name": "R", "fields": [field]})
    texts = {"s/v1.avsc": now, "s/v1.r1.avsc": AB, "s/subject.yaml": HEADER + "compatibility: backward\n"}
    found = check_evolution(read_subjects(texts)[0], read_subjects({"s/v1.avsc": AB})[0])
    assert "matches several fields" in found[0].finding.message
