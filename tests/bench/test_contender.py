"""Contenders are found by their files, told of their run, and installed from pinned lists."""

from __future__ import annotations

import json
import re

import pytest

from bench.contender import Run, contenders, load_contender, run_variables, tracing_headers
from bench.errors import NotAContender
from bench.job import Shape
from bench.places import Environment
from router.records.headers import HOP, ORIGIN, decode_hop

RUN = Run(bootstrap="127.0.0.1:1", source="s.v1", name="turn", directory="/nowhere", shape=Shape(partitions=32))


@pytest.mark.parametrize("name", contenders())
def test_every_contender_can_be_told_of(name: str) -> None:
    """It says what it is, and in what it differs, whether or not it is installed."""
    found = load_contender(name)
    assert found.summary
    assert found.guarantee in {"exactly once", "at least once", "at most once"}
    assert found.versions().count(",") == len(found.packages) - 1


def test_unknown_contenders_are_told_from_known_ones() -> None:
    """Whoever mistypes a name sees which there are."""
    with pytest.raises(NotAContender, match=r"There are: .*router"):
        load_contender("rooter")


def test_peers_learn_their_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a peer's process reads is what the bench told it."""
    told = json.loads(run_variables(RUN)["BENCH_RUN"])
    assert Run(**(told | {"shape": Shape(**told["shape"])})) == RUN


def test_peers_write_headers_as_long_as_ours() -> None:
    """One says where the record was, the other reads as a hop of the router's."""
    (origin, place), (hop, text) = tracing_headers(RUN)("s.v1", 3, 1234)
    assert (origin, place, hop) == (ORIGIN, b"s.v1/3/1234", HOP)
    read = decode_hop(text)
    assert read is not None
    assert read.service == "turn"


@pytest.mark.parametrize("name", ["quix", "bytewax", "faststream", "py-spy"])
def test_lists_pin_every_version(name: str) -> None:
    """A figure can be measured again with what it was measured with."""
    lines = Environment(name).requirements.read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line)] == []
