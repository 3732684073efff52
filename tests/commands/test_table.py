"""`router table`, against workers behind a real port."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.table_group import SOURCE, TOKEN, TableGroup, keeps
from support.table_server import served

from router.commands.table import table
from router.tables.here import OwnedPartition


@pytest.fixture
def group() -> TableGroup:
    """Two workers that own two partitions each."""
    return TableGroup(4).deal(
        {0: keeps(b"a", b"b"), 2: keeps(b"e", waiting=[b"f"])},
        {1: keeps(b"c", waiting=[b"d\x1b[31m"]), 3: keeps(b"\xff")},
    )


@pytest.fixture
def url(group: TableGroup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("ROUTER_API_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    with served(group) as url:
        monkeypatch.setenv("ROUTER_HTTP_URL", url)
        yield url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(table, arguments)


def test_list_has_a_line_a_key_of_all_workers(url: str) -> None:
    """Without what could steer a terminal; SOURCE is needed only where there are several."""
    told = run("list")
    assert (told.exit_code, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["key", "a", "b", "c", "d", "e", "f", "base64"]
    assert "\x1b" not in told.stdout
    assert lines[4].split() == [
        "d", "[31m", "1", "waiting", "4", "5", "1", "5", "1970-01-01T00:01:39.000Z", "1970-01-01T00:01:44.000Z",
    ]  # fmt: skip
    assert lines[-1] == "7 keys of order.v1"


def test_list_goes_on_where_it_ended(url: str) -> None:
    """As text and as JSON."""
    first = json.loads(run("list", SOURCE, "--limit", "3", "--json").stdout)
    assert [each["key"]["text"] for each in first["keys"]] == ["a", "b", "c"]
    again = run("list", SOURCE, "--limit", "3", "--cursor", first["cursor"])
    assert "3 keys of order.v1; more with --cursor " in again.stdout
    rest = json.loads(run("list", SOURCE, "--cursor", first["cursor"], "--json").stdout)
    assert (len(rest["keys"]), rest["cursor"]) == (4, None)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--state", "waiting"], ["d\x1b[31m", "f"]),
        (["--state", "waiting", "--state", "idle", "--prefix", "d"], ["d\x1b[31m"]),
        (["--state", "late"], []),
    ],
    ids=["state", "either-and-prefix", "none"],
)
def test_list_says_which_keys_are_meant(url: str, options: list[str], keys: list[str]) -> None:
    """By state and by how they begin."""
    told = json.loads(run("list", *options, "--json").stdout)
    assert [each["key"]["text"] for each in told["keys"]] == keys
    assert run("list", *options).stdout.endswith(f"{len(keys)} keys of order.v1\n")


def test_key_is_shown_whole_with_its_history(url: str) -> None:
    """Next, last, what is held and until when, as of which offset."""
    told = run("get", "f")
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        "order.v1/2, key f: waits for 5, with 1 record held; it goes on without it from 1970-01-01T00:01:44.000Z",
        "    state            waiting",
        "    next             5",
        "    last             4",
        "    waits for        5",
        "    active           1970-01-01T00:00:00.000Z",
        "    as of            offset 42 of order.v1/2",
        "    held             6 at offset 41, since 1970-01-01T00:01:39.000Z, until 1970-01-01T00:01:44.000Z",
        "    1970-01-01T00:00:00.000Z  b'f' in shop-order.v1-changelog/2, 20",
        "    history: all that its changelog has",
    ]
    assert "history" not in run("get", "f", "--history", "0").stdout


@pytest.mark.parametrize("key", ["/w==", "_w=="])
def test_key_that_is_no_text_is_asked_for_as_base64(url: str, key: str) -> None:
    """In either alphabet."""
    told = json.loads(run("get", key, "--base64", "--source", SOURCE, "--json").stdout)
    assert [each["key"] for each in told["found"]] == [{"base64": "/w=="}]


def test_key_that_nobody_knows_is_an_error(url: str) -> None:
    """All partitions have answered."""
    told = run("get", "x")
    assert told.exit_code == 1
    assert told.stderr.startswith(
        "Error: nothing is known of key 'x' in any of the 4 partitions of 'order.v1'; see whether"
    )
    told = run("get", "x", "--json")
    assert json.loads(told.stdout)["reason"] == "unknown-key"


def test_key_that_may_be_where_nobody_answers_is_not_called_unknown(group: TableGroup, url: str) -> None:
    """The partition is named, with what keeps it."""
    group.change(1, 1, restoring="its table is restored to 40%", carrying=False)
    told = run("get", "c")
    assert told.exit_code == 1
    silent, error = told.stderr.splitlines()
    assert silent.startswith(
        "order.v1/1 did not answer (restoring): order.v1/1: its table is restored to 40%; wait: its owner"
    )
    assert error.startswith(
        "Error: key 'c' is in no partition that answered, and order.v1/1 did not: order.v1/1: its table is"
    )
    found = run("get", "a")
    assert (found.exit_code, "order.v1/1 did not answer (restoring)" in found.stderr) == (0, True)


def test_list_that_lacks_a_partition_says_so(group: TableGroup, url: str) -> None:
    """And ends with 1; a lane that stands still is told, and its keys are listed."""
    group.change(1, 1, restoring="its table waits", carrying=False)
    group.change(1, 3, carrying=False, message="topic 'y' does not exist")
    told = run("list")
    assert told.exit_code == 1
    assert "5 keys of order.v1" in told.stdout
    assert told.stderr.startswith(
        "order.v1/3 stands still: topic 'y' does not exist\norder.v1/1 did not answer (restoring)"
    )


def test_export_has_a_line_a_key_with_all_that_it_holds(url: str, tmp_path: Path) -> None:
    """As many as there are."""
    told = run("export", SOURCE, "-o", "keys.jsonl")
    assert (told.exit_code, "7 keys of order.v1" in told.stderr) == (0, True)
    views = [json.loads(line) for line in (tmp_path / "keys.jsonl").read_text().splitlines()]
    assert [next(iter(view["key"].values())) for view in views] == ["a", "b", "c", "d\x1b[31m", "e", "f", "/w=="]
    assert [held["offset"] for view in views for held in view["held"]] == [41, 41]
    assert len(run("export", "--state", "waiting").stdout.splitlines()) == 2


def test_lane_that_stands_still_is_told_once(group: TableGroup, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages its keys take."""
    monkeypatch.setattr("router.commands.table._PAGE_WITH_HELD", 1)
    group.change(0, 0, carrying=False, message="topic 'y' does not exist")
    assert run("export").stderr.count("order.v1/0 stands still") == 1


def test_export_takes_no_more_memory_for_more_keys(group: TableGroup, url: str) -> None:
    """One page at a time."""

    def peak(count: int) -> int:
        disk = keeps(*(b"key-%06d" % number for number in range(count)))
        group.members[0].parts[0] = OwnedPartition(disk, carrying=True)
        run("export", "-o", "keys.jsonl")
        tracemalloc.start()
        assert run("export", "-o", "keys.jsonl").exit_code == 0
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(300), peak(3_000)
    assert many < 1.5 * few + 200_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["list", "order.v2"], "'order.v2' has no table: did you mean 'order.v1'?", id="unknown"),
        pytest.param(["list", "a/b"], "'a/b' is no name of a topic", id="no-topic"),
        pytest.param(["list", "--cursor", "x"], "cursor='x' is none that a page ended with", id="cursor"),
        pytest.param(["get", "!", "--base64"], "'!' is not base64", id="base64"),
        pytest.param(["get", "a", "--source", "order.v2"], "'order.v2' has no table", id="get-unknown"),
        pytest.param(["list", "--worker", "nowhere"], "'nowhere' is no address such as http://10.0.0.5:6066", id="url"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(url: str, arguments: list[str], said: str) -> None:
    """With the name and the way out."""
    told = run(*arguments)
    assert told.exit_code != 0
    assert said in told.stderr


def test_source_must_be_named_where_there_are_several(
    group: TableGroup, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is looked for in all of them."""
    explainers = group.members[0].asking.here.explainers
    monkeypatch.setattr(group.members[0].asking.here, "explainers", {**explainers, "order.v2": explainers[SOURCE]})
    assert "name the SOURCE: there are tables of order.v1, order.v2" in run("list").stderr
    assert run("get", "a").exit_code == 0
    monkeypatch.setattr(group.members[0].asking.here, "explainers", {})
    assert "no source is put in order by the worker at" in run("list").stderr
