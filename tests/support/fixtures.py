"""The fixtures of the folders whose tests start workers; their conftest.py names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the run's shared Kafka."""
    stage = Stage(bootstrap=kafka, word=unique, home=tmp_path)
    yield stage
    stage.end()
