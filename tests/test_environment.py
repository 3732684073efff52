"""The table of variables: what each text may be, and the page made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from router.environment import VARIABLES, Variable, nearest, settings_page, unknown_names

BY_NAME = {variable.name: variable for variable in VARIABLES}
PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("ROUTER_BROKER", "a:1", "a:1", id="one-broker"),
        pytest.param("ROUTER_BROKER", "a.b-c_d:9092, 10.0.0.1:65535", "a.b-c_d:9092,10.0.0.1:65535", id="brokers"),
        pytest.param("ROUTER_BROKER", "[::1]:9092", "[::1]:9092", id="broker-by-ipv6"),
        pytest.param("ROUTER_GROUP", "order.router_2-b", "order.router_2-b", id="group"),
        pytest.param("ROUTER_ROLES", "routing", ("routing",), id="role"),
        pytest.param("ROUTER_ROLES", "routing, routing", ("routing",), id="role-said-twice"),
        pytest.param("ROUTER_COMMIT_INTERVAL", "10ms", 10, id="shortest-interval"),
        pytest.param("ROUTER_COMMIT_INTERVAL", "10s", 10_000, id="longest-interval"),
        pytest.param("ROUTER_FETCH_RECORDS", "1", 1, id="least-records"),
        pytest.param("ROUTER_FETCH_BYTES", "65536", 65_536, id="bytes"),
        pytest.param("ROUTER_FETCH_BYTES", "2MiB", 2_097_152, id="mebibytes"),
        pytest.param("ROUTER_TAGS", "dc=fra, env=prod,dc=fra", ("dc=fra", "env=prod"), id="tags"),
        pytest.param("ROUTER_HTTP_HOST", "::", "::", id="all-addresses"),
        pytest.param("ROUTER_HTTP_PORT", "0", 0, id="no-web"),
        pytest.param("ROUTER_HTTP_URL", "https://[::1]:6066", "https://[::1]:6066", id="address-for-others"),
        pytest.param("ROUTER_API_TOKEN", "0123456789abcde!", "0123456789abcde!", id="shortest-token"),
        pytest.param("ROUTER_LOG_LEVEL", "WARN", "warning", id="level-as-faust-says-it"),
        pytest.param("ROUTER_LOG_FORMAT", "ecs", "ecs", id="log-format"),
        pytest.param("ROUTER_SECURITY_PROTOCOL", "sasl_ssl", "SASL_SSL", id="protocol-in-lower-case"),
        pytest.param("ROUTER_SASL_MECHANISM", "scram-sha-512", "SCRAM-SHA-512", id="mechanism-in-lower-case"),
        pytest.param("ROUTER_SSL_CA_LOCATION", "/a b/c.pem", "/a b/c.pem", id="file"),
        pytest.param("ROUTER_SASL_PASSWORD", " pass word ", " pass word ", id="password-keeps-its-spaces"),
    ],
)
def test_allowed_text_reads(name: str, text: str, value: object) -> None:
    """A text within a variable's bounds becomes its value."""
    assert BY_NAME[name].kind.read(text) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param("ROUTER_BROKER", "kafka://a:1", "has a scheme in 'kafka://a:1'", id="broker-with-scheme"),
        pytest.param("ROUTER_BROKER", "a", "has 'a', which is no host:port", id="broker-without-port"),
        pytest.param("ROUTER_BROKER", "a:1,", "has '', which is no host:port", id="comma-too-many"),
        pytest.param("ROUTER_BROKER", "a:0", "has the port 0", id="port-zero"),
        pytest.param("ROUTER_BROKER", "a:65536", "has the port 65536", id="port-too-high"),
        pytest.param("ROUTER_GROUP", "a b", "is no name of a consumer group", id="group-with-space"),
        pytest.param("ROUTER_INSTANCE", "a;b", "is no name of an instance", id="instance-with-separator"),
        pytest.param("ROUTER_ROLES", "routng", "did you mean 'routing'?", id="role-misspelt"),
        pytest.param("ROUTER_COMMIT_INTERVAL", "9ms", "is out of range: 10ms to 10s", id="interval-too-short"),
        pytest.param("ROUTER_COMMIT_INTERVAL", "11s", "is out of range: 10ms to 10s", id="interval-too-long"),
        pytest.param("ROUTER_COMMIT_INTERVAL", "100", "has no unit: write 100ms", id="interval-without-unit"),
        pytest.param("ROUTER_STALL_TIMEOUT", "0s", "is out of range: 15s to 1h", id="stall-too-short"),
        pytest.param("ROUTER_FETCH_RECORDS", "many", "is no whole number from 1 to 100000", id="no-number"),
        pytest.param("ROUTER_FETCH_RECORDS", "0", "is out of range: 1 to 100000", id="no-records"),
        pytest.param("ROUTER_FETCH_BYTES", "4MB", "is no size", id="decimal-unit"),
        pytest.param("ROUTER_FETCH_BYTES", "1", "is out of range: 1KiB to 1GiB", id="too-few-bytes"),
        pytest.param("ROUTER_TAGS", "a,b c", "has the tag 'b c'", id="tag-with-space"),
        pytest.param("ROUTER_TAGS", "1,2,3,4,5,6,7,8,9", "has more than 8 tags", id="too-many-tags"),
        pytest.param("ROUTER_HTTP_HOST", "a b", "is no host name or address", id="host-with-space"),
        pytest.param("ROUTER_HTTP_URL", "10.0.0.5:6066", "is no address such as http://", id="address-without-scheme"),
        pytest.param("ROUTER_API_TOKEN", "short", "is no token: 16 to 512", id="token-too-short"),
        pytest.param("ROUTER_LOG_LEVEL", "verbose", "is none of debug, info", id="unknown-level"),
        pytest.param("ROUTER_SECURITY_PROTOCOL", "SASLSSL", "did you mean 'sasl_ssl'?", id="protocol-misspelt"),
    ],
)
def test_other_text_is_refused_with_words(name: str, text: str, problem: str) -> None:
    """A text out of bounds is refused with what is wrong, or with what to write."""
    with pytest.raises(ValueError) as caught:
        BY_NAME[name].kind.read(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize("variable", [v for v in VARIABLES if v.default], ids=lambda v: v.name)
def test_default_is_allowed_and_written_as_typed(variable: Variable) -> None:
    """Each default is a text that its own kind reads, and writes back the same."""
    assert variable.kind.write(variable.kind.read(variable.default)) == variable.default


def test_what_can_be_off_is_written_so() -> None:
    """In any case, and read back the same; zero is how it is kept."""
    kind = BY_NAME["ROUTER_STALL_TIMEOUT"].kind
    assert kind.read("OFF") == 0
    assert kind.write(0) == "off"
    assert kind.write(90_000) == "90s"


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("Yes", True), ("1", True), ("off", False), ("false", False)]
)
def test_switch_reads_what_people_write(text: str, value: bool) -> None:
    """And is written back as on or off."""
    kind = BY_NAME["ROUTER_STATIC_MEMBERSHIP"].kind
    assert kind.read(text) is value
    assert kind.write(value) == ("on" if value else "off")


def test_names_and_fields_are_unique() -> None:
    """No two variables share a name or an attribute."""
    assert len({v.name for v in VARIABLES}) == len({v.field for v in VARIABLES}) == len(VARIABLES)


def test_misspelt_variable_is_unknown_with_a_suggestion() -> None:
    """A name that is nearly one of ours is told with the one that was meant."""
    assert unknown_names({"ROUTER_BROKERS": "a:1"}) == {
        "ROUTER_BROKERS": "is no setting: did you mean 'ROUTER_BROKER'?"
    }


def test_name_like_no_other_is_unknown_without_a_suggestion() -> None:
    """A name that is like none of ours gets no guess."""
    assert unknown_names({"ROUTER_XYZZY": "1"}) == {"ROUTER_XYZZY": "is no setting"}


def test_only_secrets_have_files() -> None:
    """`_FILE` belongs to a secret's name and to no other."""
    assert unknown_names({"ROUTER_SASL_PASSWORD_FILE": "/x"}) == {}
    assert "ROUTER_GROUP_FILE" in unknown_names({"ROUTER_GROUP_FILE": "/x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROUTER_SERVICE_HOST", "10.0.0.1"),
        ("ROUTER_SERVICE_PORT", "80"),
        ("ROUTER_SERVICE_PORT_HTTP", "80"),
        ("ROUTER_PORT", "tcp://10.0.0.1:80"),
        ("ROUTER_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("ROUTER_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("ROUTER_CONSOLE_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
    ],
)
def test_what_kubernetes_sets_is_not_ours(name: str, value: str) -> None:
    """A Kubernetes service called `router`, or anything without our prefix, is no misspelt setting."""
    assert unknown_names({name: value}) == {}


def test_far_word_has_no_nearest() -> None:
    """Nothing is suggested where nothing is near."""
    assert nearest("apple", ["zebra"]) == ""


def test_page_is_up_to_date() -> None:
    """docs/settings.md is what the table makes: `python -m router.environment > docs/settings.md`."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_page_has_a_row_of_four_cells_a_variable() -> None:
    """Each variable has its row, and no text of a cell breaks the table."""
    rows = [line for line in settings_page().splitlines() if line.startswith("| `ROUTER_")]
    assert [len(re.split(r"(?<!\\)\|", row)) for row in rows] == [6] * len(VARIABLES)
