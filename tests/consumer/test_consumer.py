"""What users of the ready-made consumer import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.source import ROOT


@pytest.mark.parametrize(
    ("client", "absent"),
    [
        pytest.param("confluent", ("aiokafka", "faust", "rocksdict", "structlog"), id="confluent"),
        pytest.param("aiokafka", ("confluent_kafka", "faust", "rocksdict", "structlog"), id="aiokafka"),
    ],
)
def test_one_client_needs_nothing_of_the_other(client: str, absent: tuple[str, ...]) -> None:
    """Nor of what only workers need."""
    program = (
        f"import sys\nsys.modules.update(dict.fromkeys({absent}))\n"
        f"from router.consumer.{client} import Consumer\nfrom router.consumer import Received, Reject, TryAgain"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
