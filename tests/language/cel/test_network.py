"""Addresses and their ranges."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
        ("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8"),
        ("ip('255.255.255.255').isGlobalUnicast()", False),
    ],
)
def test_network_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Addresses and ranges answer what the network extension asks of them."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ip('1.2.3')", "is no IP address"),
        ("ip('fe80::1%eth0')", "a zone"),
        ("cidr('10.0.0.0/33')", "is no CIDR"),
    ],
)
def test_network_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
