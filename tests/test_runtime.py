"""What a worker asks of Python and of the machine."""

from __future__ import annotations

import gc
import resource

from router.runtime import allow_connections, spare_garbage_collection


def test_worker_may_have_as_many_connections_as_the_machine_allows() -> None:
    """Two hundred lanes on three brokers have more than a process may unless it asks."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        allow_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_garbage_is_not_looked_for_all_the_time() -> None:
    """But it still is."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        spare_garbage_collection()
        assert gc.isenabled()
        assert gc.get_threshold()[0] > 10_000
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
