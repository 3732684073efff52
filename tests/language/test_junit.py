"""Results as JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from router.exchange.model import Place
from router.language.cases import CaseResult
from router.language.findings import Finding, Kind, Level
from router.language.junit import junit_xml

PASSED = CaseResult("it is so", Place("routes/a_test.yaml", 2, 5), ("t",), ("t",), (), (), ())
FAILED = CaseResult(
    'a "b" < c', Place("routes/a_test.yaml", 7, 5), ("t",), ("u",), ("t",), ("u",), ("to: u", "  - 'x' & more")
)
NOBODY = CaseResult("nobody", Place("routes/b_test.yaml", 2, 5), ("t",), (), ("t",), (), ())


WRONG = Finding(Place("routes/b_test.yaml", 3, 9), Level.ERROR, Kind.UNKNOWN_SOURCE, "said <so>", "go 'on'")
DOUBTFUL = Finding(Place("routes/c.yaml", 4, 1), Level.WARNING, Kind.UNUSED_EXCHANGE, "hm & so")


def test_a_file_is_a_suite_with_its_counts() -> None:
    """In the order of the files; an error counts as a test that could not run."""
    root = ET.fromstring(junit_xml([PASSED, FAILED, NOBODY], [WRONG, DOUBTFUL]))
    suites = [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in [root, *root]
    ]
    assert suites == [
        ("router test", "4", "2", "1"),
        ("routes/a_test.yaml", "2", "1", "0"),
        ("routes/b_test.yaml", "2", "1", "1"),
        ("routes/c.yaml", "0", "0", "0"),
    ]


def test_a_case_has_its_place_and_a_passed_one_nothing_else() -> None:
    """Grouped by file, with the line to jump to."""
    (case,) = ET.fromstring(junit_xml([PASSED], [])).iter("testcase")
    assert case.attrib == {
        "classname": "routes.a_test",
        "name": "it is so",
        "file": "routes/a_test.yaml",
        "line": "2",
        "time": "0",
    }
    assert len(case) == 0


def test_a_failure_says_what_was_expected_what_came_and_why() -> None:
    """As on the terminal."""
    (case,) = ET.fromstring(junit_xml([FAILED], [])).iter("testcase")
    failure = case[0]
    assert (case.get("name"), failure.tag) == ('a "b" < c', "failure")
    assert failure.attrib == {"message": "missing: t; too much: u", "type": "misrouted"}
    assert (failure.text or "").splitlines() == [
        "routes/a_test.yaml:7",
        "expected: t",
        "got: u",
        "missing: t",
        "too much: u",
        "why:",
        "  to: u",
        "    - 'x' & more",
    ]


def test_nobody_is_a_word() -> None:
    """Where no topic gets a copy, or none is expected."""
    quiet = CaseResult("quiet", NOBODY.place, (), ("u",), (), ("u",), ())
    failures = [failure.text or "" for failure in ET.fromstring(junit_xml([NOBODY, quiet], [])).iter("failure")]
    assert ["got: nobody" in text for text in failures] == [True, False]
    assert ["expected: nobody" in text for text in failures] == [False, True]


def test_findings_are_errors_and_warnings_output() -> None:
    """A warning fails nobody's build."""
    root = ET.fromstring(junit_xml([], [WRONG, DOUBTFUL]))
    (error,) = root.iter("error")
    assert error.attrib == {"message": "said <so>", "type": "unknown-source"}
    assert error.text == "routes/b_test.yaml:3:9 unknown-source said <so>: go 'on'"
    assert [each.text for each in root.iter("system-out")] == ["routes/c.yaml:4:1 unused-exchange hm & so"]


def test_nothing_is_a_document_too() -> None:
    """With no suites."""
    assert len(ET.fromstring(junit_xml([], []))) == 0
