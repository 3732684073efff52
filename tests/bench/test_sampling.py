"""Samples of a running worker are dealt out to the stages of a record's way."""

from __future__ import annotations

import pytest

from bench.measuring import Rate
from bench.sampling import STAGES, shares, table

LOOP = "MainThread;_run_once (asyncio/base_events.py:1922)"


@pytest.mark.parametrize(
    ("frames", "stage"),
    [
        (["copy (router/lanes/copying.py:90)", "RecordBatch.append (router/lanes/deliveries.py:5)"], "make headers"),
        (["copy (router/lanes/copying.py:90)", "decide (router/exchange/deciding.py:5)"], "read the fields"),
        (["decide (router/exchange/deciding.py:5)", "read (<reader of v1.avsc>:3)"], "read the fields"),
        (["take (router/lanes/fetching.py:50)", "json (json/decoder.py:1)"], "fetch"),
        (["_sender_routine (aiokafka/producer/sender.py:140)"], "send"),
        (["send (aiokafka/conn.py:400)", "_SelectorSocketTransport.write (asyncio/selector_events.py:1)"], "speak"),
        (["deliver (faust/transport/conductor.py:10)"], "Faust"),
        ([], "the event loops"),
    ],
)
def test_the_innermost_frame_of_a_stage_claims_a_sample(frames: list[str], stage: str) -> None:
    """What others do for a stage counts for it."""
    found = shares([";".join([LOOP, *frames]) + " 3"])
    assert [name for name, share in found.items() if share == 1.0] == [one for one in STAGES if one.startswith(stage)]


def test_shares_leave_waiting_out() -> None:
    """A thread that waits for events does no work, and what nobody claims is told as such."""
    found = shares([f"{LOOP};select (selectors.py:468) 100", f"{LOOP} 3", "Thread;somewhere (else.py:1) 1"])
    assert (found["the event loops"], found["everything else"]) == (0.75, 0.25)


def test_no_samples_are_no_shares() -> None:
    """A worker that could not be looked into has no stages."""
    assert shares([]) == {}


def test_table_deals_out_what_the_kernel_counted() -> None:
    """Shares are of the CPU time that a record took, and the broker's stands beside it."""
    rate = Rate(records=1_000_000, seconds=9.0, cpu=8.0, kernel=2.0, broker=5.0)
    rows = table({"one": 0.75, "other": 0.25, "next to none": 0.0001}, rate).splitlines()[2:]
    assert rows == [
        "| one | 6.00 | 75% |",
        "| other | 2.00 | 25% |",
        "| **all** | **8.00** |  |",
        "| of these in the kernel, by its own count | 2.00 | 25% |",
        "| beside it, the broker | 5.00 |  |",
    ]
