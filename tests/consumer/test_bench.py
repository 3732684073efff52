"""Where a synchronous consumer has its records processed."""

from __future__ import annotations

import threading

from router.consumer.bench import Bench


def test_one_thing_after_the_other_by_the_same_thread() -> None:
    """What ended it comes back: nothing, or the error."""
    threads: set[int] = set()

    def work(task: int) -> None:
        threads.add(threading.get_ident())
        if task == 2:
            raise ValueError(task)

    bench = Bench(work)
    ended = []
    for task in (1, 2, 3):
        bench.begin(task)
        ended.append(bench.outcome(5))
    bench.close()
    assert [str(one[0]) if one else one for one in ended] == ["None", "2", "None"]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_what_takes_long_is_waited_for_in_pieces() -> None:
    """Whoever waits has other things to do."""
    go = threading.Event()
    bench: Bench[int] = Bench(lambda _: go.wait(5))
    bench.begin(1)
    assert bench.outcome(0.0) is None
    go.set()
    assert bench.outcome(5) == (None,)
    bench.close()


def test_what_is_abandoned_counts_no_more() -> None:
    """What comes after it does not wait for it, and its own end is not taken for that of another."""
    go, ended = threading.Event(), threading.Event()

    def work(task: int) -> None:
        if task == 1:
            go.wait(5)
            ended.set()
            raise ValueError

    bench = Bench(work)
    bench.begin(1)
    bench.abandon()
    bench.begin(2)
    assert bench.outcome(5) == (None,)
    go.set()
    assert ended.wait(5)
    assert bench.outcome(0.0) is None
    bench.close()
