"""The words that templates have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from support.source import ROOT

from router.console.templating import ago, at, compact, count, pretty, rate, render, seconds_at, shown, span, timed


def test_a_time_carries_its_exact_self() -> None:
    """In UTC where no script turns it."""
    assert at("2026-03-01T12:00:00.123Z") == (
        '<time datetime="2026-03-01T12:00:00.123Z" title="2026-03-01T12:00:00.123Z">2026-03-01 12:00:00 UTC</time>'
    )
    assert "<script" not in at("<script>")
    assert "time" not in at(None)
    assert seconds_at(0.5) == at("1970-01-01T00:00:00.500Z")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        pytest.param(ago(None), "\u2013", id="no span"),
        pytest.param(ago(0), "0 s", id="none"),
        pytest.param(ago(1.25), "1.2 s", id="little"),
        pytest.param(ago(59), "59 s", id="seconds"),
        pytest.param(ago(600), "10 min", id="minutes"),
        pytest.param(ago(90_000), "25 h", id="hours"),
        pytest.param(ago(864_000), "10 d", id="days"),
        pytest.param(span("604800000"), "7 d", id="setting"),
        pytest.param(span(-1), "for ever", id="for ever"),
        pytest.param(span(""), "\u2013", id="no setting"),
        pytest.param(count(1234567), "1,234,567", id="count"),
        pytest.param(count(None), "\u2013", id="no count"),
        pytest.param(rate(None), "\u2013", id="no rate"),
        pytest.param(rate(0.25), "0.2/s", id="slow"),
        pytest.param(rate(1234.5), "1,234/s", id="fast"),
        pytest.param(shown(None), "null", id="nothing"),
        pytest.param(shown({"base64": "/w=="}), "base64 /w==", id="bytes"),
        pytest.param(shown({"text": "ab", "cut": 5_000}), "ab… (5,000 letters)", id="cut"),
        pytest.param(compact({"b": 1, "a": "é"}), '{"b": 1, "a": "é"}', id="one line, as it is"),
        pytest.param(compact("x" * 300, 5), '"xxxx…', id="its beginning"),
        pytest.param(pretty({"a": 1}), '{\n  "a": 1\n}', id="lines"),
    ],
)
def test_numbers_and_values_read_well(told: str, text: str) -> None:
    """The same everywhere."""
    assert told == text


def test_times_in_a_sentence_are_times() -> None:
    """And the rest of it is escaped."""
    told = timed("<b> goes from 2026-03-01T12:00:00.123Z on")
    assert told == f"&lt;b&gt; goes from {at('2026-03-01T12:00:00.123Z')} on"


def test_templates_escape() -> None:
    """Whatever is told."""
    trouble = {"severity": "note", "what": "<b>", "where": "<i>", "message": "<script>", "what_to_do": "", "page": ""}
    page = render("troubles.html", {"troubles": [trouble]})
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


def test_templates_and_scripts_are_in_the_wheel(tmp_path: Path) -> None:
    """What is installed has all that the console serves."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(ZipFile(wheel).namelist())
    kept = [each for folder in ("templates", "static") for each in (ROOT / "router" / "console" / folder).iterdir()]
    assert kept
    assert {each.relative_to(ROOT).as_posix() for each in kept} <= packed
