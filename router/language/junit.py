"""Results of cases as JUnit XML, the form in which continuous integration shows tests.

A file of cases is a suite. A case that fails holds what it expected, what it got, and why; what is wrong with a file is an
error of a case named after the finding's kind. Nothing here knows how long a case took: the time is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from router.exchange.model import Place
from router.language.cases import CaseResult
from router.language.findings import Finding, Level
from router.language.xml_text import xml_text

__all__ = ["junit_xml"]


def junit_xml(results: Iterable[CaseResult], findings: Iterable[Finding]) -> str:
    """The whole document. Warnings are system output of their suite, and fail nothing."""
    suites: dict[str, list[CaseResult | Finding]] = {}
    told: tuple[CaseResult | Finding, ...] = (*findings, *results)
    for each in told:
        suites.setdefault(each.place.file, []).append(each)
    return "\n".join(_lines(suites)) + "\n"


def _lines(suites: dict[str, list[CaseResult | Finding]]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="router test" {_counts([each for suite in suites.values() for each in suite])}>'
    for file in sorted(suites):
        yield f'  <testsuite name="{xml_text(file)}" {_counts(suites[file])}>'
        warnings = []
        for each in suites[file]:
            if isinstance(each, CaseResult):
                yield from _case(each)
            elif each.level is Level.ERROR:
                yield from _error(each)
            else:
                warnings.append(str(each))
        if warnings:
            yield f"    <system-out>{xml_text(chr(10).join(warnings))}</system-out>"
        yield "  </testsuite>"
    yield "</testsuites>"


def _counts(suite: Sequence[CaseResult | Finding]) -> str:
    results = [each for each in suite if isinstance(each, CaseResult)]
    errors = sum(isinstance(each, Finding) and each.level is Level.ERROR for each in suite)
    failures = sum(not result.passed for result in results)
    return f'tests="{len(results) + errors}" failures="{failures}" errors="{errors}" skipped="0" time="0"'


def _case(result: CaseResult) -> Iterator[str]:
    opening = f"    <testcase {_named(result.name, result.place)}"
    if result.passed:
        yield f"{opening}/>"
        return
    yield f"{opening}>"
    said = [f"missing: {topic}" for topic in result.missing] + [f"too much: {topic}" for topic in result.unexpected]
    body = [
        f"{result.place.file}:{result.place.line}",
        f"expected: {', '.join(result.expected) or 'nobody'}",
        f"got: {', '.join(result.got) or 'nobody'}",
        *said,
        "why:",
        *(f"  {reason}" for reason in result.why),
    ]
    text = xml_text("\n".join(body))
    yield f'      <failure message="{xml_text("; ".join(said))}" type="misrouted">{text}</failure>'
    yield "    </testcase>"


def _error(finding: Finding) -> Iterator[str]:
    yield f"    <testcase {_named(finding.kind.value, finding.place)}>"
    message = xml_text(finding.message)
    yield f'      <error message="{message}" type="{xml_text(finding.kind.value)}">{xml_text(str(finding))}</error>'
    yield "    </testcase>"


def _named(name: str, place: Place) -> str:
    """`classname` is the file without its ending, with dots for its folders, as tools group by it."""
    dotted = place.file.removesuffix(".yaml").removesuffix(".yml").strip("/").replace("/", ".")
    file = xml_text(place.file)
    return f'classname="{xml_text(dotted)}" name="{xml_text(name)}" file="{file}" line="{place.line}" time="0"'
