"""Records of a topic as pages and programs get them."""

from __future__ import annotations

import json

import pytest
from support.console import SECRET, SOURCE, busy_sight

from router.console.records import download, follow, record, records
from router.console.sight import Absent
from router.tables.questions import WrongQuestion


async def test_records_are_found_and_shown() -> None:
    """Masked, with what was looked at, and where to look on."""
    sight = await busy_sight()
    told = await records(sight, {"topic": SOURCE, "limit": "3"})
    assert ([each["offset"] for each in told["records"]], told["whole"], told["partitions"]) == ([9, 8, 7], False, 2)
    page = await records(sight, {"topic": SOURCE, "from": "oldest", "partition": "0", "limit": "200", "key": "ord-1"})
    assert ([each["offset"] for each in page["records"]], page["whole"], page["further"]) == ([0], True, "")
    assert SECRET not in json.dumps(page)
    with pytest.raises(Absent):
        await records(sight, {"topic": "nothing"})
    with pytest.raises(WrongQuestion, match="none of"):
        await records(sight, {"topic": SOURCE, "from": "middle"})


async def test_a_page_leads_on() -> None:
    """Of one partition there is an offset to go on from."""
    sight = await busy_sight()
    told = await records(sight, {"topic": SOURCE, "from": "oldest", "partition": "0", "limit": "3", "where": "n >= 0"})
    assert told["further"] == f"/topics/{SOURCE}/records?where=n+%3E%3D+0&limit=3&from=offset&partition=0&offset=10"
    newest = await records(sight, {"topic": SOURCE, "partition": "0", "limit": "3"})
    assert newest["further"] == ""


async def test_one_record_is_told_whole() -> None:
    """With its path, and its deaths."""
    sight = await busy_sight()
    told = await record(sight, {"topic": SOURCE, "partition": "0", "offset": "1"})
    assert (told["record"]["key"], told["asks_why"], told["path"]["path"][0]["origin"]) == (
        {"text": "ord-2"},
        True,
        "order.v1/0/0",
    )
    died = await record(sight, {"topic": "order.v1.dead-letters", "partition": "0", "offset": "1"})
    assert (died["asks_why"], died["deaths"][0]["reason"], SECRET in json.dumps(died)) == (False, "unreadable", False)
    with pytest.raises(Absent):
        await record(sight, {"topic": SOURCE, "partition": "0", "offset": "99"})


async def test_records_are_followed() -> None:
    """With how many were looked at."""
    sight = await busy_sight()
    async for told in follow(sight, {"topic": SOURCE, "from": "offset", "offset": "8", "partition": "0"}):
        assert ([each["offset"] for each in told["records"]], told["looked"], told["left_out"]) == ([8, 9], 2, 0)
        break
    with pytest.raises(Absent):
        await anext(follow(sight, {"topic": "nothing"}))


async def test_a_download_has_a_record_a_line() -> None:
    """Whole, and masked."""
    sight = await busy_sight()
    lines = [json.loads(line) async for line in download(sight, {"topic": SOURCE, "from": "oldest"})]
    assert len(lines) == 12
    assert SECRET not in json.dumps(lines)
    with pytest.raises(Absent):
        await anext(download(sight, {"topic": "nothing"}))
