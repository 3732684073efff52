"""The settings of a worker and of the commands, read from the environment and checked all at once.

`router.environment` has the table of variables; this module reads it, checks what one variable cannot know about another and
what only the disk knows, and turns the result into what Kafka clients take. It changes nothing outside: no folder is made.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from router.environment import VARIABLES, Variable, unknown_names
from router.errors import ConfigError

__all__ = ["Fault", "InvalidSettings", "Settings"]

_MASK = "***"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with one variable."""

    variable: str
    value: str | None
    """As it was set; `***` for a secret; None where the variable is missing."""
    problem: str
    """Completes the sentence that the variable and its value begin."""

    def __str__(self) -> str:
        shown = self.variable if self.value is None else f"{self.variable}='{self.value}'"
        return f"{shown} {self.problem}"


class InvalidSettings(ConfigError):
    """The environment cannot work; `faults` has everything that is wrong with it, in order of variable."""

    reason = "invalid-settings"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.variable, fault.problem)))
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        return f"{count} {'fault' if count == 1 else 'faults'} in the environment (docs/settings.md):{lines}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, valid as a whole. docs/settings.md has each variable's meaning; `_ms` is milliseconds."""

    broker: str
    """`host:port,host:port`, as Kafka clients take it."""
    group: str
    instance: str
    roles: tuple[str, ...]
    routes: Path
    schemas: Path
    data_dir: Path
    """Not made yet; known to be possible to make."""
    guarantee: str
    commit_interval_ms: int
    commits_per_second: int
    transaction_timeout_ms: int
    session_timeout_ms: int
    stall_timeout_ms: int
    """0: a worker never ends itself."""
    offset_lost: str
    standbys: int
    static_membership: bool
    destination_retry_ms: int
    fetch_records: int
    fetch_bytes: int
    buffer_bytes: int
    tags: tuple[str, ...]
    http_host: str
    http_port: int
    """0: no health and metrics over HTTP."""
    http_url: str | None
    """None: it follows from host and port."""
    api_token: str | None = field(repr=False)
    """None: `/api` is off."""
    console_host: str
    console_port: int
    console_workers: tuple[str, ...]
    console_index: str | None
    """None: nobody runs an index of origins, as far as the console is told."""
    console_viewer_token: str | None = field(repr=False)
    console_operator_token: str | None = field(repr=False)
    console_admin_token: str | None = field(repr=False)
    console_proxies: tuple[str, ...]
    """Addresses whose headers say who somebody is; none: no proxy is believed."""
    log_level: str | None
    """None: the environment does not say, so the command line's `-l` does."""
    log_format: str
    security_protocol: str
    sasl_mechanism: str | None
    sasl_username: str | None
    sasl_password: str | None = field(repr=False)
    ssl_ca_location: Path | None
    ssl_certificate_location: Path | None
    ssl_key_location: Path | None
    ssl_key_password: str | None = field(repr=False)
    ssl_endpoint_identification: str
    given: frozenset[str] = frozenset()
    """Names of the variables that were set; the others have their defaults."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check all settings.

        Raises InvalidSettings with every fault at once. Looks at the disk (named files and folders) but changes nothing.
        """
        faults = [Fault(name, None, problem) for name, problem in unknown_names(environ).items()]
        texts = _texts(environ, faults)
        values = {variable.field: _value(variable, texts, faults) for variable in VARIABLES}
        faulty = {fault.variable for fault in faults}
        faults += _checked_together(values, texts, faulty)
        faults += _checked_on_disk(values, texts, faulty)
        if not faults:
            faults += _checked_as_tls(values)
        if faults:
            raise InvalidSettings(faults)
        return cls(**values, given=frozenset(texts) - {"PORT"})

    @property
    def sasl(self) -> bool:
        """Whether brokers want a user name and password."""
        return self.security_protocol.startswith("SASL_")

    @property
    def tls(self) -> bool:
        """Whether brokers are spoken to over TLS."""
        return self.security_protocol.endswith("SSL")

    def ssl_context(self) -> ssl.SSLContext | None:
        """A new TLS context for the brokers, or None where TLS is off."""
        return _ssl_context({name: getattr(self, name) for name in _TLS_FIELDS}) if self.tls else None

    def aiokafka_security(self) -> dict[str, Any]:
        """The security arguments of aiokafka's producer, consumer and admin client."""
        arguments: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.tls:
            arguments["ssl_context"] = self.ssl_context()
        if self.sasl:
            arguments["sasl_mechanism"] = self.sasl_mechanism
            arguments["sasl_plain_username"] = self.sasl_username
            arguments["sasl_plain_password"] = self.sasl_password
        return arguments

    def rows(self) -> tuple[tuple[str, str, bool], ...]:
        """For showing: each variable's name, its value as one would type it (secrets masked), and whether it was set."""
        return tuple((variable.name, self._shown(variable), variable.name in self.given) for variable in VARIABLES)

    def _shown(self, variable: Variable) -> str:
        value = getattr(self, variable.field)
        if value is None:
            return ""
        return _MASK if variable.secret else variable.kind.write(value)


_PATHS = frozenset({
    "routes", "schemas", "data_dir", "ssl_ca_location", "ssl_certificate_location", "ssl_key_location",
})  # fmt: skip
_EMPTY_LISTS = frozenset({"tags", "console_proxies"})
_TLS_FIELDS = (
    "ssl_ca_location", "ssl_certificate_location", "ssl_key_location", "ssl_key_password", "ssl_endpoint_identification",
)  # fmt: skip
_BY_FIELD = {variable.field: variable for variable in VARIABLES}


def _texts(environ: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    """What is set, by variable; a secret's file is read. `PORT` counts as ROUTER_HTTP_PORT where that is not set."""
    texts = {variable.name: environ[variable.name] for variable in VARIABLES if environ.get(variable.name)}
    for variable in VARIABLES:
        file_name = f"{variable.name}_FILE"
        if not variable.secret or not environ.get(file_name):
            continue
        if variable.name in texts:
            faults.append(Fault(file_name, environ[file_name], f"is set, and so is {variable.name}: set one of them"))
            continue
        try:
            text = Path(environ[file_name]).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(Fault(file_name, environ[file_name], f"cannot be read: {_words(error)}"))
            continue
        if text:
            texts[variable.name] = text
        else:
            faults.append(Fault(file_name, environ[file_name], "is a file with nothing in it"))
    if environ.get("PORT") and "ROUTER_HTTP_PORT" not in texts:
        texts["PORT"] = environ["PORT"]
    return texts


def _value(variable: Variable, texts: Mapping[str, str], faults: list[Fault]) -> Any:
    """The variable's value; None after a fault, and where it is neither set nor has a default."""
    name = "PORT" if variable.field == "http_port" and "PORT" in texts else variable.name
    text = texts.get(name) or variable.default or _machine_default(variable)
    if text is None:
        return () if variable.field in _EMPTY_LISTS else None
    try:
        value = variable.kind.read(text)
    except ValueError as error:
        faults.append(Fault(name, _MASK if variable.secret else text, str(error)))
        return None
    return Path(str(value)) if variable.field in _PATHS else value


def _machine_default(variable: Variable) -> str | None:
    if variable.field == "instance":
        host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().partition(".")[0])[:48] or "worker"
        return f"{host}-{os.getpid()}"
    return {"http_port": "6066"}.get(variable.field)


def _checked_together(values: Mapping[str, Any], texts: Mapping[str, str], faulty: set[str]) -> list[Fault]:
    """What one variable demands of another; nothing is said about a variable that has a fault of its own."""
    protocol = values["security_protocol"]
    faults = []
    if protocol is not None:
        for name in ("ROUTER_SASL_MECHANISM", "ROUTER_SASL_USERNAME", "ROUTER_SASL_PASSWORD"):
            missing = name not in texts and not {name, f"{name}_FILE"} & faulty
            if protocol.startswith("SASL_") and missing:
                faults.append(Fault(name, None, f"is needed: ROUTER_SECURITY_PROTOCOL is {protocol}"))
        for name in texts:
            if name.startswith("ROUTER_SASL_") and not protocol.startswith("SASL_"):
                faults.append(_useless(name, texts, protocol, "SASL_SSL or SASL_PLAINTEXT"))
            if name.startswith("ROUTER_SSL_") and not protocol.endswith("SSL"):
                faults.append(_useless(name, texts, protocol, "SSL or SASL_SSL"))
    certificate, key, password = (
        "ROUTER_SSL_CERTIFICATE_LOCATION", "ROUTER_SSL_KEY_LOCATION", "ROUTER_SSL_KEY_PASSWORD",
    )  # fmt: skip
    for name, needed in ((certificate, key), (key, certificate), (password, key)):
        if name in texts and needed not in texts:
            faults.append(Fault(needed, None, f"is needed: {name} is set"))
    if values["static_membership"] and not {"ROUTER_INSTANCE"} & (texts.keys() | faulty):
        problem = "is needed: ROUTER_STATIC_MEMBERSHIP is on, so it must be the same after a restart"
        faults.append(Fault("ROUTER_INSTANCE", None, problem))
    faults += _shared_tokens(values)
    interval, timeout = values["commit_interval_ms"], values["transaction_timeout_ms"]
    if interval is not None and timeout is not None and timeout < 2 * interval:
        name = "ROUTER_TRANSACTION_TIMEOUT"
        problem = "is too short: a transaction may be open for ROUTER_COMMIT_INTERVAL and more; give it twice as long"
        faults.append(Fault(name, texts.get(name), problem))
    return sorted(set(faults), key=str)


def _shared_tokens(values: Mapping[str, Any]) -> list[Fault]:
    """Who has the console's one token would have what another allows as well."""
    tokens = [f"console_{role}_token" for role in ("viewer", "operator", "admin")]
    problem = "is that of another role: give each role its own, or leave this one out"
    return [
        Fault(_BY_FIELD[name].name, _MASK, problem)
        for number, name in enumerate(tokens)
        if values[name] is not None and values[name] in [values[each] for each in tokens[:number]]
    ]


def _useless(name: str, texts: Mapping[str, str], protocol: str, needed: str) -> Fault:
    secret = next(variable.secret for variable in VARIABLES if variable.name == name)
    problem = f"would not be used: ROUTER_SECURITY_PROTOCOL is {protocol}; set it to {needed}, or drop this"
    return Fault(name, _MASK if secret else texts[name], problem)


def _checked_on_disk(values: Mapping[str, Any], texts: Mapping[str, str], faulty: set[str]) -> list[Fault]:
    faults = []
    for name in ("routes", "schemas"):
        variable = _BY_FIELD[name]
        # A default that is missing is told by whatever needs it: most commands of `router` need neither folder.
        if variable.name in texts and not values[name].is_dir():
            faults.append(Fault(variable.name, texts[variable.name], "is no folder"))
    for name in ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location"):
        variable = _BY_FIELD[name]
        if values[name] is None or variable.name in faulty:
            continue
        try:
            with values[name].open("rb"):
                pass
        except OSError as error:
            faults.append(Fault(variable.name, texts[variable.name], f"cannot be read: {_words(error)}"))
    problem = _cannot_be_made(values["data_dir"])
    if problem:
        faults.append(Fault("ROUTER_DATA_DIR", str(values["data_dir"]), problem))
    return faults


def _cannot_be_made(directory: Path) -> str:
    """Why this folder is none and cannot become one; empty where it is or can."""
    existing = next(parent for parent in (directory.absolute(), *directory.absolute().parents) if parent.exists())
    if not existing.is_dir():
        return "is no folder" if existing == directory.absolute() else f"cannot be made: {existing} is no folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"cannot be written to: {existing} does not allow it"
    return ""


def _checked_as_tls(values: Mapping[str, Any]) -> list[Fault]:
    """Whether the files make a TLS context: wrong formats, a key of another certificate, a wrong password."""
    if not values["security_protocol"].endswith("SSL"):
        return []
    faults = []
    groups = (
        ("ssl_ca_location", {"ssl_certificate_location": None}),
        ("ssl_certificate_location", {"ssl_ca_location": None}),
    )
    for name, without in groups:
        if values[name] is None:
            continue
        try:
            _ssl_context({**values, **without})
        except (ssl.SSLError, OSError) as error:
            faults.append(Fault(_BY_FIELD[name].name, str(values[name]), f"cannot be used: {_words(error)}"))
    return faults


def _ssl_context(values: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=values["ssl_ca_location"])
    context.check_hostname = values["ssl_endpoint_identification"] == "https"
    if values["ssl_certificate_location"] is not None:
        # Given as a function, because OpenSSL asks on the terminal for a password that it was not given at all.
        context.load_cert_chain(
            values["ssl_certificate_location"],
            values["ssl_key_location"],
            password=lambda: values["ssl_key_password"] or "",
        )
    return context


def _words(error: Exception) -> str:
    words = (isinstance(error, OSError) and error.strerror) or str(error)
    return re.sub(r" \(_ssl\.c:[0-9]+\)$", "", words)
