"""Settings as a whole: defaults, secrets, what must go together, and the arguments of Kafka clients."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from router.errors import ConfigError
from router.settings import Fault, InvalidSettings, Settings

SASL = {
    "ROUTER_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "ROUTER_SASL_MECHANISM": "SCRAM-SHA-256",
    "ROUTER_SASL_USERNAME": "router",
    "ROUTER_SASL_PASSWORD": "hunter2",
}


def faults_of(environ: dict[str, str]) -> list[str]:
    """What the environment is refused for, as shown."""
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment(environ)
    return [str(fault) for fault in caught.value.faults]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, once plain and once encrypted, and a key that belongs to neither."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: no certificate can be made to test with")
    folder = tmp_path_factory.mktemp("pki")
    new_key = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]
    for arguments in (
        [*new_key, "key.pem"],
        [*new_key, "other.pem"],
        ["req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=localhost", "-days", "3650", "-out", "cert.pem"],
        ["pkey", "-in", "key.pem", "-aes128", "-passout", "pass:secret", "-out", "locked.pem"],
    ):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def test_empty_environment_has_the_documented_defaults() -> None:
    """Without a variable set, a worker talks to a broker on this machine."""
    settings = Settings.from_environment({})
    assert settings.broker == "127.0.0.1:9092"
    assert settings.group == "router"
    assert settings.roles == ("routing",)
    assert (settings.routes, settings.schemas, settings.data_dir) == (Path("routes"), Path("schemas"), Path("var/data"))
    assert (settings.commit_interval_ms, settings.session_timeout_ms) == (100, 10_000)
    assert (settings.destination_retry_ms, settings.fetch_records, settings.fetch_bytes) == (1_000, 4_000, 4 << 20)
    assert (settings.tags, settings.http_host, settings.http_port) == ((), "127.0.0.1", 6066)
    assert (settings.http_url, settings.api_token) == (None, None)
    assert (settings.log_level, settings.log_format) == (None, "auto")
    assert settings.given == frozenset()


def test_instance_defaults_to_host_and_process() -> None:
    """Workers on one machine have different names, and a name says where to look."""
    instance = Settings.from_environment({}).instance
    assert instance.endswith(f"-{os.getpid()}")
    assert instance[0] == socket.gethostname()[0]


def test_empty_variable_counts_as_unset() -> None:
    """`ROUTER_GROUP=` means the default: env files write it so."""
    assert Settings.from_environment({"ROUTER_GROUP": ""}).group == "router"


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        pytest.param({"PORT": "5000"}, 5000, id="platform-port"),
        pytest.param({"PORT": "5000", "ROUTER_HTTP_PORT": "7000"}, 7000, id="our-own-wins"),
        pytest.param({"PORT": "nonsense", "ROUTER_HTTP_PORT": "7000"}, 7000, id="unused-port-is-not-read"),
        pytest.param({"PORT": ""}, 6066, id="empty-port"),
    ],
)
def test_platform_port_is_the_default_port(environ: dict[str, str], port: int) -> None:
    """Where the platform says a port in PORT, it is used unless ours says another."""
    assert Settings.from_environment(environ).http_port == port


def test_unreadable_platform_port_is_told_by_its_own_name() -> None:
    """A fault names the variable that was set, not the one it stands in for."""
    assert faults_of({"PORT": "http"}) == ["PORT='http' is no whole number from 0 to 65535"]


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """One start shows everything that is wrong, in order of variable."""
    faults = faults_of(
        {
            "ROUTER_BROKER": "localhost",
            "ROUTER_COMMIT_INTERVAL": "5",
            "ROUTER_GRUOP": "x",
            "ROUTER_ROUTES": str(tmp_path / "none"),
            "ROUTER_SECURITY_PROTOCOL": "SASL_SSL",
            "ROUTER_SSL_CA_LOCATION": str(tmp_path / "ca.pem"),
        }
    )
    assert [fault.split()[0].partition("=")[0] for fault in faults] == [
        "ROUTER_BROKER",
        "ROUTER_COMMIT_INTERVAL",
        "ROUTER_GRUOP",
        "ROUTER_ROUTES",
        "ROUTER_SASL_MECHANISM",
        "ROUTER_SASL_PASSWORD",
        "ROUTER_SASL_USERNAME",
        "ROUTER_SSL_CA_LOCATION",
    ]


def test_error_counts_its_faults_and_names_the_page() -> None:
    """The text of the error can be shown as it is."""
    one = InvalidSettings([Fault("ROUTER_A", "1", "is wrong")])
    assert str(one) == "1 fault in the environment (docs/settings.md):\n  ROUTER_A='1' is wrong"
    assert str(InvalidSettings([*one.faults, Fault("ROUTER_B", None, "is needed")])).startswith("2 faults")
    assert isinstance(one, ConfigError)
    assert one.reason == "invalid-settings"


def test_secret_is_never_shown() -> None:
    """Neither a repr, nor the rows for people, nor a fault has a secret in it."""
    settings = Settings.from_environment(SASL)
    assert "hunter2" not in repr(settings)
    assert ("ROUTER_SASL_PASSWORD", "***", True) in settings.rows()
    guarded = Settings.from_environment({"ROUTER_API_TOKEN": "hunter2-hunter2-hunter2"})
    assert "hunter2" not in repr(guarded)
    assert ("ROUTER_API_TOKEN", "***", True) in guarded.rows()
    faults = faults_of(SASL | {"ROUTER_SECURITY_PROTOCOL": "PLAINTEXT"})
    assert "hunter2" not in "".join(faults)
    assert any(fault.startswith("ROUTER_SASL_PASSWORD='***' would not be used") for fault in faults)


def test_rows_show_values_as_typed() -> None:
    """What `rows` shows can be put into an environment again."""
    rows = {name: (value, given) for name, value, given in Settings.from_environment({"ROUTER_TAGS": "a, b"}).rows()}
    assert rows["ROUTER_TAGS"] == ("a,b", True)
    assert rows["ROUTER_COMMIT_INTERVAL"] == ("100ms", False)
    assert rows["ROUTER_FETCH_BYTES"] == ("4MiB", False)
    assert rows["ROUTER_LOG_LEVEL"] == ("", False)


def test_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    """A mounted secret is read, and the line end that editors add is no part of it."""
    file = tmp_path / "password"
    file.write_bytes(b"pass word\r\n")
    environ = {name: value for name, value in SASL.items() if name != "ROUTER_SASL_PASSWORD"}
    assert Settings.from_environment(environ | {"ROUTER_SASL_PASSWORD_FILE": str(file)}).sasl_password == "pass word"


@pytest.mark.parametrize(
    ("content", "environ", "problem"),
    [
        pytest.param(b"x", {"ROUTER_SASL_PASSWORD": "y"}, "is set, and so is ROUTER_SASL_PASSWORD", id="both"),
        pytest.param(b"\n", {}, "is a file with nothing in it", id="empty"),
        pytest.param(b"\xff", {}, "cannot be read: 'utf-8' codec", id="no-text"),
        pytest.param(None, {}, "cannot be read: No such file or directory", id="missing"),
    ],
)
def test_secret_file_that_cannot_be_used_is_one_fault(
    tmp_path: Path, content: bytes | None, environ: dict[str, str], problem: str
) -> None:
    """A secret's file is told by its own name, and the secret is not also told to be missing."""
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    others = {name: value for name, value in SASL.items() if name != "ROUTER_SASL_PASSWORD"}
    (fault,) = faults_of(others | environ | {"ROUTER_SASL_PASSWORD_FILE": str(file)})
    assert fault.startswith(f"ROUTER_SASL_PASSWORD_FILE='{file}' {problem}")


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        pytest.param(
            SASL | {"ROUTER_SASL_MECHANISM": ""},
            "ROUTER_SASL_MECHANISM is needed: ROUTER_SECURITY_PROTOCOL is SASL_PLAINTEXT",
            id="sasl-without-mechanism",
        ),
        pytest.param(
            SASL | {"ROUTER_SASL_MECHANISM": "GSSAPI"},
            "ROUTER_SASL_MECHANISM='GSSAPI' is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
            id="faulty-mechanism-is-told-once",
        ),
        pytest.param(
            {"ROUTER_SECURITY_PROTOCOL": "TLS"},
            "ROUTER_SECURITY_PROTOCOL='TLS' is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
            id="faulty-protocol-alone",
        ),
        pytest.param(
            {"ROUTER_SSL_ENDPOINT_IDENTIFICATION": "none"},
            "ROUTER_SSL_ENDPOINT_IDENTIFICATION='none' would not be used: ROUTER_SECURITY_PROTOCOL is PLAINTEXT; "
            "set it to SSL or SASL_SSL, or drop this",
            id="tls-setting-without-tls",
        ),
        pytest.param(
            {"ROUTER_SECURITY_PROTOCOL": "SSL", "ROUTER_SSL_CERTIFICATE_LOCATION": __file__},
            "ROUTER_SSL_KEY_LOCATION is needed: ROUTER_SSL_CERTIFICATE_LOCATION is set",
            id="certificate-without-key",
        ),
        pytest.param(
            {"ROUTER_SECURITY_PROTOCOL": "SSL", "ROUTER_SSL_KEY_LOCATION": __file__},
            "ROUTER_SSL_CERTIFICATE_LOCATION is needed: ROUTER_SSL_KEY_LOCATION is set",
            id="key-without-certificate",
        ),
        pytest.param(
            {"ROUTER_SECURITY_PROTOCOL": "SSL", "ROUTER_SSL_KEY_PASSWORD": "x"},
            "ROUTER_SSL_KEY_LOCATION is needed: ROUTER_SSL_KEY_PASSWORD is set",
            id="key-password-without-key",
        ),
        pytest.param(
            {"ROUTER_STATIC_MEMBERSHIP": "on"},
            "ROUTER_INSTANCE is needed: ROUTER_STATIC_MEMBERSHIP is on",
            id="static-member-without-a-name",
        ),
        pytest.param(
            {"ROUTER_DATA_DIR": f"{__file__}/data"},
            f"ROUTER_DATA_DIR='{__file__}/data' cannot be made: {__file__} is no folder",
            id="data-under-a-file",
        ),
        pytest.param({"ROUTER_DATA_DIR": __file__}, f"ROUTER_DATA_DIR='{__file__}' is no folder", id="data-is-a-file"),
        pytest.param({"ROUTER_SCHEMAS": "/none"}, "ROUTER_SCHEMAS='/none' is no folder", id="no-schemas"),
    ],
)
def test_settings_that_do_not_go_together_are_one_fault(environ: dict[str, str], fault: str) -> None:
    """What one variable demands of another is told once, by the variable to change."""
    (found,) = faults_of(environ)
    assert found.startswith(fault)


def test_data_folder_that_may_not_be_made_is_a_fault(tmp_path: Path) -> None:
    """A folder whose parent takes nothing new is found at the start."""
    tmp_path.chmod(0o555)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write everywhere")
    (fault,) = faults_of({"ROUTER_DATA_DIR": str(tmp_path / "data")})
    assert fault.endswith(f"cannot be written to: {tmp_path} does not allow it")


def test_plain_text_needs_no_more_than_the_protocol() -> None:
    """Without security, aiokafka is told so and nothing else."""
    settings = Settings.from_environment({})
    assert settings.aiokafka_security() == {"security_protocol": "PLAINTEXT"}
    assert settings.ssl_context() is None


def test_sasl_becomes_the_arguments_of_aiokafka() -> None:
    """User, password and mechanism go where aiokafka takes them."""
    assert Settings.from_environment(SASL).aiokafka_security() == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "router",
        "sasl_plain_password": "hunter2",
    }


def test_tls_believes_the_system_and_checks_names() -> None:
    """With nothing but the protocol, TLS verifies certificates and names."""
    context = Settings.from_environment({"ROUTER_SECURITY_PROTOCOL": "SSL"}).aiokafka_security()["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_tls_without_names_still_verifies_certificates(pki: Path) -> None:
    """`none` lets a certificate have another name; it must still be one that is believed."""
    settings = Settings.from_environment(
        SASL
        | {
            "ROUTER_SECURITY_PROTOCOL": "SASL_SSL",
            "ROUTER_SSL_CA_LOCATION": str(pki / "cert.pem"),
            "ROUTER_SSL_ENDPOINT_IDENTIFICATION": "none",
        }
    )
    context = settings.ssl_context()
    assert context is not None
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1
    assert settings.aiokafka_security()["sasl_plain_username"] == "router"


@pytest.mark.parametrize(
    ("key", "password"), [pytest.param("key.pem", "", id="plain"), pytest.param("locked.pem", "secret", id="encrypted")]
)
def test_own_certificate_is_loaded_with_its_key(pki: Path, key: str, password: str) -> None:
    """A certificate and its key, encrypted or not, make a context."""
    settings = Settings.from_environment(
        {
            "ROUTER_SECURITY_PROTOCOL": "SSL",
            "ROUTER_SSL_CERTIFICATE_LOCATION": str(pki / "cert.pem"),
            "ROUTER_SSL_KEY_LOCATION": str(pki / key),
            "ROUTER_SSL_KEY_PASSWORD": password,
        }
    )
    assert settings.ssl_context() is not None


@pytest.mark.parametrize(
    ("certificate", "key", "password"),
    [
        pytest.param("cert.pem", "other.pem", "", id="key-of-another"),
        pytest.param("cert.pem", "locked.pem", "wrong", id="wrong-password"),
        pytest.param("cert.pem", "locked.pem", "", id="no-password"),
        pytest.param("key.pem", "key.pem", "", id="no-certificate"),
    ],
)
def test_certificate_that_cannot_be_used_is_a_fault(pki: Path, certificate: str, key: str, password: str) -> None:
    """Files that do not fit are found at the start, and never ask for a password on a terminal."""
    (fault,) = faults_of(
        {
            "ROUTER_SECURITY_PROTOCOL": "SSL",
            "ROUTER_SSL_CERTIFICATE_LOCATION": str(pki / certificate),
            "ROUTER_SSL_KEY_LOCATION": str(pki / key),
            "ROUTER_SSL_KEY_PASSWORD": password,
        }
    )
    assert fault.startswith(f"ROUTER_SSL_CERTIFICATE_LOCATION='{pki / certificate}' cannot be used: ")
    assert "_ssl.c" not in fault


def test_authority_that_is_no_certificate_is_a_fault() -> None:
    """A file of authorities must have one."""
    (fault,) = faults_of({"ROUTER_SECURITY_PROTOCOL": "SSL", "ROUTER_SSL_CA_LOCATION": __file__})
    assert fault.startswith(f"ROUTER_SSL_CA_LOCATION='{__file__}' cannot be used: ")
