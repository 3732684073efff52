"""What can be said in the environment: one table of variables, from which settings are read and docs/settings.md is made. Pure.

A `Variable` says its name, what its text may be, the default as one would type it, and what it means. `router.settings` reads
values by it; nothing else knows the variables. A `Kind` reads a text into a value, or raises ValueError with words that
complete the sentence "<NAME>='<text>' …", and writes the value back.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.durations import format_duration, parse_duration

__all__ = [
    "AT_LEAST_ONCE",
    "EARLIEST",
    "EXACTLY_ONCE",
    "ROLES",
    "STOP",
    "VARIABLES",
    "Kind",
    "Variable",
    "nearest",
    "settings_page",
    "unknown_names",
]

ROLES: Final = ("routing",)
"""What a worker can do; each is one Faust agent."""
EXACTLY_ONCE: Final = "exactly_once"
AT_LEAST_ONCE: Final = "at_least_once"
STOP: Final = "stop"
EARLIEST: Final = "earliest"


@dataclass(frozen=True, slots=True)
class Kind:
    """How a variable's text is read and written, and the words that tell a person what is allowed."""

    allowed: str
    read: Callable[[str], object]
    """Raises ValueError with what is wrong and what to write instead."""
    write: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment."""

    name: str
    field: str
    """The attribute of `Settings` that holds the value."""
    kind: Kind
    default: str
    """As one would type it; empty where the variable has none, or where `fallback` says what happens then."""
    meaning: str
    fallback: str = ""
    """In words: the default that depends on the machine."""
    secret: bool = False
    """Never shown; may be given as a file whose name is in `<NAME>_FILE`."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`: did you mean 'x'?` for the known word that is most like this one, or nothing."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    return f": did you mean '{close[0]}'?" if close else ""


def _duration(shortest: str, longest: str) -> Kind:
    least, most = parse_duration(shortest), parse_duration(longest)
    allowed = f"duration, {shortest} to {longest}"

    def read(text: str) -> int:
        milliseconds = parse_duration(text)
        if not least <= milliseconds <= most:
            raise ValueError(f"is out of range: {shortest} to {longest}")
        return milliseconds

    return Kind(allowed, read, format_duration)


def _duration_or_off(shortest: str, longest: str) -> Kind:
    """Zero is `off`."""
    duration = _duration(shortest, longest)

    def read(text: str) -> object:
        return 0 if text.lower() == "off" else duration.read(text)

    return Kind(f"{duration.allowed}, or `off`", read, lambda value: duration.write(value) if value else "off")


def _whole_number(least: int, most: int) -> Kind:
    allowed = f"whole number, {least} to {most}"

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise ValueError(f"is no whole number from {least} to {most}")
        if not least <= int(text) <= most:
            raise ValueError(f"is out of range: {least} to {most}")
        return int(text)

    return Kind(allowed, read)


def _switch() -> Kind:
    words = _choice(
        "on", "off", aliases={"true": "on", "false": "off", "yes": "on", "no": "off", "1": "on", "0": "off"}
    )
    return Kind("on | off", lambda text: words.read(text) == "on", lambda value: "on" if value else "off")


_URL: Final = r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?/?"
_HOST: Final = r"[A-Za-z0-9._:-]{1,255}"
_BYTES: Final = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "": 1}


def _write_size(count: int) -> str:
    unit = next(unit for unit, length in _BYTES.items() if count % length == 0)
    return f"{count // _BYTES[unit]}{unit}"


def _size(least: int, most: int) -> Kind:
    bounds = f"{_write_size(least)} to {_write_size(most)}"

    def read(text: str) -> int:
        match = re.fullmatch(r"([0-9]{1,15})(KiB|MiB|GiB|)", text)
        if match is None:
            raise ValueError("is no size: write a whole number of bytes, or one with KiB, MiB or GiB, such as 4MiB")
        size = int(match[1]) * _BYTES[match[2]]
        if not least <= size <= most:
            raise ValueError(f"is out of range: {bounds}")
        return size

    return Kind(f"size, {bounds}", read, _write_size)


def _choice(*words: str, aliases: Mapping[str, str] | None = None) -> Kind:
    """One of these words, in any case."""
    spellings = {word.lower(): word for word in words} | dict(aliases or {})

    def read(text: str) -> str:
        word = spellings.get(text.lower())
        if word is None:
            raise ValueError(f"is none of {', '.join(words)}{nearest(text.lower(), spellings)}")
        return word

    return Kind(" | ".join(words), read)


def _text(allowed: str, pattern: str, problem: str) -> Kind:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(problem)
        return text

    return Kind(allowed, read)


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


def _read_roles(text: str) -> tuple[str, ...]:
    roles = _items(text)
    for role in roles:
        if role not in ROLES:
            raise ValueError(f"names '{role}', which is no role; there is {', '.join(ROLES)}{nearest(role, ROLES)}")
    return tuple(dict.fromkeys(roles))


def _read_tags(text: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(_items(text)))
    for tag in tags:
        if not re.fullmatch(r"[A-Za-z0-9._:/=@+-]{1,64}", tag):
            raise ValueError(f"has the tag '{tag}': a tag is 1 to 64 of letters, digits and . _ : / = @ + -")
    if len(tags) > 8:
        raise ValueError("has more than 8 tags: each costs its bytes on every copy")
    return tags


def _read_urls(text: str) -> tuple[str, ...]:
    urls = tuple(dict.fromkeys(item.rstrip("/") for item in _items(text)))
    for url in urls:
        if not re.fullmatch(_URL, url):
            raise ValueError(f"has '{url}', which is no address such as http://10.0.0.5:6066")
    return urls


def _read_addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(dict.fromkeys(_items(text)))
    for address in addresses:
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", address):
            raise ValueError(f"has '{address}', which is no IP address, such as 10.0.0.2 or ::1")
    return addresses


def _read_brokers(text: str) -> str:
    """The list, without spaces, as Kafka clients take it."""
    brokers = _items(text)
    for broker in brokers:
        if "://" in broker:
            raise ValueError(f"has a scheme in '{broker}': write host:port; TLS is chosen by ROUTER_SECURITY_PROTOCOL")
        match = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", broker)
        if match is None:
            raise ValueError(f"has '{broker}', which is no host:port, such as 127.0.0.1:9092 or [::1]:9092")
        if not 0 < int(match[1]) < 65536:
            raise ValueError(f"has the port {match[1]} in '{broker}': ports are 1 to 65535")
    return ",".join(brokers)


_ANY: Final = Kind("text", lambda text: text)
_FILE: Final = Kind("path of a readable PEM file", lambda text: text)
_DIRECTORY: Final = Kind("path of a folder", lambda text: text)
_TOKEN: Final = _text("16 to 512 of letters, digits and signs, without spaces", r"[!-~]{16,512}",
                      "is no token: 16 to 512 of letters, digits and signs, without spaces")  # fmt: skip

VARIABLES: Final[Sequence[Variable]] = (
    Variable(
        "ROUTER_BROKER", "broker", Kind("`host:port`, `host:port`, …", _read_brokers), "127.0.0.1:9092",
        "The Kafka brokers that are asked first; they name the others.",
    ),
    Variable(
        "ROUTER_GROUP", "group",
        _text("letters, digits and `. _ -`, at most 200", r"[A-Za-z0-9._-]{1,200}",
              "is no name of a consumer group here: 1 to 200 of letters, digits and . _ -"),
        "router",
        "The consumer group, and Faust's app id. Workers of one group share the partitions; another group routes everything once more.",
    ),
    Variable(
        "ROUTER_INSTANCE", "instance",
        _text("letters, digits and `. _ -`, at most 64", r"[A-Za-z0-9._-]{1,64}",
              "is no name of an instance: 1 to 64 of letters, digits and . _ -"),
        "",
        "This worker's name in hop headers, logs and metrics.",
        fallback="host name and process id",
    ),
    Variable(
        "ROUTER_ROLES", "roles", Kind("list of: " + ", ".join(ROLES), _read_roles, ",".join), "routing",
        "What this worker does.",
    ),
    Variable(
        "ROUTER_ROUTES", "routes", _DIRECTORY, "routes",
        "The folder with the teams' route files.",
    ),
    Variable(
        "ROUTER_SCHEMAS", "schemas", _DIRECTORY, "schemas",
        "The folder with the catalogue of schemas, a folder a subject.",
    ),
    Variable(
        "ROUTER_DATA_DIR", "data_dir", _DIRECTORY, "var/data",
        "Where a worker keeps its tables; made when it is missing. Two workers never share one.",
    ),
    Variable(
        "ROUTER_GUARANTEE", "guarantee", _choice(EXACTLY_ONCE, AT_LEAST_ONCE), EXACTLY_ONCE,
        "`exactly_once`: copies and the source's offset in one Kafka transaction; consumers read with `isolation.level=read_committed`. "
        "`at_least_once`: for brokers without transactions, and for latencies of a few milliseconds; a crash may repeat copies.",
    ),
    Variable(
        "ROUTER_COMMIT_INTERVAL", "commit_interval_ms", _duration("10ms", "10s"), "100ms",
        "How long a lane under load collects copies for one commit. A lane that has caught up with its log commits at once.",
    ),
    Variable(
        "ROUTER_COMMITS_PER_SECOND", "commits_per_second", _whole_number(1, 10_000), "300",
        "How many transactions all lanes of a worker may end in a second together. With many lanes each waits longer, and commits more at a time.",
    ),
    Variable(
        "ROUTER_TRANSACTION_TIMEOUT", "transaction_timeout_ms", _duration("2s", "15m"), "20s",
        "After how long Kafka aborts a transaction that nobody ends. A worker that dies without a successor holds back readers of its copies for so long.",
    ),
    Variable(
        "ROUTER_SESSION_TIMEOUT", "session_timeout_ms", _duration("2s", "30m"), "10s",
        "After how long without a heartbeat a worker's partitions go to others. Brokers have bounds of their own (6 s to 30 min, unless configured otherwise).",
    ),
    Variable(
        "ROUTER_STALL_TIMEOUT", "stall_timeout_ms", _duration_or_off("15s", "1h"), "1m",
        # That a broker is away shows within 12 s: a directory's answer is waited for 5 s, and looked for every other second.
        "After how long a worker that does not move although it has work ends itself, with exit code 75, so that whoever supervises it "
        "starts it again. Waiting for a broker or for a topic is not standing still.",
    ),
    Variable(
        "ROUTER_OFFSET_LOST", "offset_lost", _choice(STOP, EARLIEST), STOP,
        "What a lane does whose next record is gone from the log, because retention was faster or the topic was created anew. `stop`: it stands "
        "still, and says so, until somebody sets the group's offset. `earliest`: it goes on at the log's start, with the loss counted and a dead letter.",
    ),
    Variable(
        "ROUTER_STANDBYS", "standbys", _whole_number(0, 10), "1",
        "How many other workers keep each table that puts records in order, besides the one that owns the partition. One of them takes over where that one ends, "
        "and needs to read next to nothing; with 0 the next owner restores the table from its changelog. Costs the standby a disk, and the reading of what changes.",
    ),
    Variable(
        "ROUTER_STATIC_MEMBERSHIP", "static_membership", _switch(), "off",
        "`on`: the group knows this worker by its ROUTER_INSTANCE, and keeps its partitions for it while it is restarted, for as long as "
        "ROUTER_SESSION_TIMEOUT: no other worker notices, and nobody reads them meanwhile. `off`: a worker that ends gives them to the others at once.",
    ),
    Variable(
        "ROUTER_DESTINATION_RETRY", "destination_retry_ms", _duration("100ms", "10m"), "1s",
        "How often a missing or forbidden destination is looked for again.",
    ),
    Variable(
        "ROUTER_FETCH_RECORDS", "fetch_records", _whole_number(1, 100_000), "4000",
        "The most records that one batch of a partition takes.",
    ),
    Variable(
        "ROUTER_FETCH_BYTES", "fetch_bytes", _size(1 << 10, 1 << 30), "4MiB",
        "The most that one fetch brings of a partition; a larger record still comes, alone.",
    ),
    Variable(
        "ROUTER_BUFFER_BYTES", "buffer_bytes", _size(1 << 20, 1 << 40), "64MiB",
        "What a worker may hold of records on their way, in equal shares for its partitions: a quarter for what is fetched ahead, the rest for copies "
        "that are not committed. Each partition may exceed its share by one batch. A worker takes about 100 MiB beside.",
    ),
    Variable(
        "ROUTER_TAGS", "tags", Kind("list of at most 8 tags", _read_tags, ",".join), "",
        "Written into each copy's hop header, such as `dc=fra,env=prod`.",
    ),
    Variable(
        "ROUTER_HTTP_HOST", "http_host",
        _text("host name or address", _HOST, "is no host name or address, such as 127.0.0.1, 0.0.0.0 or ::"),
        "127.0.0.1",
        "The address on which health, metrics and `/api` answer; `0.0.0.0` for all.",
    ),
    Variable(
        "ROUTER_HTTP_PORT", "http_port", _whole_number(0, 65_535), "",
        "The port of health, metrics and `/api`; 0 turns them off.",
        fallback="`PORT` where it is set, else 6066",
    ),
    Variable(
        "ROUTER_HTTP_URL", "http_url",
        _text("`http://` or `https://`, host, and port", _URL, "is no address such as http://10.0.0.5:6066"),
        "",
        "Where the group's other workers reach this one over HTTP: they pass on questions about the tables whose partitions it owns.",
        fallback="from ROUTER_HTTP_HOST and ROUTER_HTTP_PORT; this machine's name where the host is `0.0.0.0` or `::`",
    ),
    Variable(
        "ROUTER_API_TOKEN", "api_token", _TOKEN, "",
        "Who sends it as `Authorization: Bearer …` may look into the tables, over `/api` (tables.md). The same for all workers of a group, "
        "since they ask each other. Without it `/api` is off.",
        secret=True,
    ),
    Variable(
        "ROUTER_CONSOLE_HOST", "console_host",
        _text("host name or address", _HOST, "is no host name or address, such as 127.0.0.1, 0.0.0.0 or ::"), "127.0.0.1",
        "The address on which `router console` answers; `0.0.0.0` for all.",
    ),
    Variable(
        "ROUTER_CONSOLE_PORT", "console_port", _whole_number(0, 65_535), "6080", "The console's port; 0 takes any that is free.",
    ),
    Variable(
        "ROUTER_CONSOLE_WORKERS", "console_workers",
        Kind("list of `http://host:port`", _read_urls, ",".join), "http://127.0.0.1:6066",
        "Workers of the group that the console asks for their health, metrics and tables. Those that own a partition of a table are found by themselves.",
    ),
    Variable(
        "ROUTER_CONSOLE_INDEX", "console_index",
        _text("address", _URL, "is no address such as http://10.0.0.5:6081"), "",
        "Where `router index` answers, which tells the console where the copies of a key lie. Without it the console looks for them in the topics.",
    ),
    Variable(
        "ROUTER_CONSOLE_VIEWER_TOKEN", "console_viewer_token", _TOKEN, "",
        "Who enters the console with it may look at everything, with masks on (console.md).", secret=True,
    ),
    Variable(
        "ROUTER_CONSOLE_OPERATOR_TOKEN", "console_operator_token", _TOKEN, "",
        "The same, who may act on records as well: redrive, release.", secret=True,
    ),
    Variable(
        "ROUTER_CONSOLE_ADMIN_TOKEN", "console_admin_token", _TOKEN, "",
        "The same, who may do everything. Without any of the three tokens only a trusted proxy's users get in.", secret=True,
    ),
    Variable(
        "ROUTER_CONSOLE_PROXIES", "console_proxies", Kind("list of IP addresses", _read_addresses, ",".join), "",
        "Proxies that sign people in, by OpenID Connect say: from these addresses alone the headers `X-Forwarded-User` and "
        "`X-Forwarded-Groups` are believed (groups `router-viewer`, `router-operator`, `router-admin`).",
    ),
    Variable(
        "ROUTER_LOG_LEVEL", "log_level",
        _choice("debug", "info", "warning", "error", "critical", aliases={"warn": "warning", "crit": "critical"}), "",
        "The least severe lines that are written. Set, it overrides `-l`.",
        fallback="what `faust worker -l` says, else info",
    ),
    Variable(
        "ROUTER_LOG_FORMAT", "log_format", _choice("auto", "ecs", "text"), "auto",
        "`ecs`: one JSON object a line, by the Elastic Common Schema. `text`: for people. `auto`: text on a terminal, ecs elsewhere.",
    ),
    Variable(
        "ROUTER_SECURITY_PROTOCOL", "security_protocol", _choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "PLAINTEXT",
        "How brokers are spoken to, named as all Kafka clients name it (`security.protocol`).",
    ),
    Variable(
        "ROUTER_SASL_MECHANISM", "sasl_mechanism", _choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "",
        "`sasl.mechanism`; needed with SASL.",
    ),
    Variable("ROUTER_SASL_USERNAME", "sasl_username", _ANY, "", "`sasl.username`; needed with SASL."),
    Variable("ROUTER_SASL_PASSWORD", "sasl_password", _ANY, "", "`sasl.password`; needed with SASL.", secret=True),
    Variable(
        "ROUTER_SSL_CA_LOCATION", "ssl_ca_location", _FILE, "",
        "`ssl.ca.location`: who is believed about a broker's certificate.",
        fallback="the system's authorities",
    ),
    Variable(
        "ROUTER_SSL_CERTIFICATE_LOCATION", "ssl_certificate_location", _FILE, "",
        "`ssl.certificate.location`: our own certificate, where brokers ask for one; needs the key.",
    ),
    Variable(
        "ROUTER_SSL_KEY_LOCATION", "ssl_key_location", _FILE, "",
        "`ssl.key.location`: the key of our certificate.",
    ),
    Variable(
        "ROUTER_SSL_KEY_PASSWORD", "ssl_key_password", _ANY, "", "`ssl.key.password`: where the key is encrypted.", secret=True,
    ),
    Variable(
        "ROUTER_SSL_ENDPOINT_IDENTIFICATION", "ssl_endpoint_identification", _choice("https", "none"), "https",
        "`ssl.endpoint.identification.algorithm`: whether a broker's certificate must carry the name that was dialled.",
    ),
)  # fmt: skip

_KUBERNETES: Final = re.compile(
    r"(ROUTER_(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|ROUTER_(\w+_)?PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_LINK: Final = re.compile(r"(tcp|udp|sctp)://.*")


def unknown_names(environ: Mapping[str, str]) -> dict[str, str]:
    """The names that start with `ROUTER_` and are no variable of ours, each with what to say about it.

    What Kubernetes puts in the environment of every pod beside a service called `router` is not taken for ours.
    """
    known = {variable.name for variable in VARIABLES}
    known |= {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    return {
        name: f"is no setting{nearest(name, known)}"
        for name, value in sorted(environ.items())
        if name.startswith("ROUTER_")
        and name not in known
        and not _KUBERNETES.fullmatch(name)
        and not _SERVICE_LINK.fullmatch(value)
    }


_PAGE_HEAD: Final = """\
# Settings

A worker and the commands of `router` take their settings from the environment. All are read and checked together at the start:
what is wrong is reported at once, variable by variable, and nothing runs until all of it is right. An empty variable counts as
one that is not set, and a name that starts with `ROUTER_` and is not in this table is an error, so that a typo never passes for a setting.

Durations are a whole number and one unit: `250ms`, `10s`, `5m`, `12h`, `7d`. Sizes are bytes, or carry `KiB`, `MiB` or `GiB`.
Lists are separated by commas. A secret can also be given as a file: `ROUTER_SASL_PASSWORD_FILE=/run/secrets/kafka` reads the
password from there (one line end at its end is dropped); secrets are never shown, not in errors either.

| variable | value | default | meaning |
|---|---|---|---|
"""

_PAGE_FOOT: Final = """
## What must go together

- `SASL_PLAINTEXT` and `SASL_SSL` need `ROUTER_SASL_MECHANISM`, `ROUTER_SASL_USERNAME` and `ROUTER_SASL_PASSWORD`; without SASL
  these must not be set, because whoever set them expects them to be used. The same holds for `ROUTER_SSL_…` without TLS.
- `ROUTER_SSL_CERTIFICATE_LOCATION` and `ROUTER_SSL_KEY_LOCATION` come as a pair. All named files must be readable, and the
  certificate and key must fit each other.
- `ROUTER_STATIC_MEMBERSHIP=on` needs a `ROUTER_INSTANCE` that is this worker's own and the same after a restart. Two workers that
  share one take each other's place in the group again and again.
- `ROUTER_ROUTES` and `ROUTER_SCHEMAS`, where they are set, must be folders; `ROUTER_DATA_DIR` must be one, or must be possible to make.

In Kubernetes, a service called `router-http` makes every pod beside it see `ROUTER_HTTP_PORT=tcp://…`. Name the service
otherwise, or set `enableServiceLinks: false` in the pod.

This page is generated: `python -m router.environment > docs/settings.md`.
"""


def settings_page() -> str:
    """docs/settings.md, whole."""
    return _PAGE_HEAD + "".join(_row(variable) for variable in VARIABLES) + _PAGE_FOOT


def _row(variable: Variable) -> str:
    default = f"`{variable.default}`" if variable.default else variable.fallback
    name = f"`{variable.name}`" + (f"<br>`{variable.name}_FILE`" if variable.secret else "")
    allowed = variable.kind.allowed.replace("|", "\\|")
    return f"| {name} | {allowed} | {default} | {variable.meaning} |\n"


if __name__ == "__main__":  # pragma: no cover (the command that the page names)
    import sys

    sys.stdout.write(settings_page())
